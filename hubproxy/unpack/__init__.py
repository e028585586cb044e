"""Archives of strangers, taken apart by a bounded reader of our own.

`reader` starts a child and belongs to the parent; `python -m hubproxy.unpack` is the child, and
whatever a hostile archive does, it does to that one. Only bytes leave it: a name of an archive
never becomes a path on this machine.
"""
