"""Print every op that the installed TensorFlow registers.

    python tests/ops/registered.py

First its version, then a line per op, whether Python has a function for it or not: its name, and
1 where it is stateful. Runs on Python 3.7 as well, by itself.
"""

import sys


def main() -> None:
    import tensorflow as tf
    from tensorflow.core.framework import op_def_pb2

    try:
        from tensorflow.python.client import pywrap_tf_session as session

        found = session.TF_GetAllOpList()
    except (ImportError, AttributeError):
        from tensorflow.python import pywrap_tensorflow as session

        found = session.TF_GetAllOpList()
    ops = op_def_pb2.OpList()
    ops.ParseFromString(bytes(session.TF_GetBuffer(found)))
    sys.stdout.write(".".join(tf.__version__.split(".")[:2]) + "\n")
    for op in ops.op:
        sys.stdout.write(f"{op.name}\t{int(op.is_stateful)}\n")


if __name__ == "__main__":
    main()
