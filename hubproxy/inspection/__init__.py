"""What is inside a module, read without TensorFlow. Its bytes are parsed in a short-lived child.

`reader` starts the child and belongs to the parent; `python -m hubproxy.inspection` is the child,
and what it calls opens nothing but the archive it was handed.
"""
