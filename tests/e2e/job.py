"""A training job under a test's control: reads a command a line, answers a line. Both are JSON.

It says what it has imported first, and imports tensorflow_hub only when a command needs it.
"""

import json
import os
import sys
import traceback
from typing import Any


def save(folder: str) -> dict[str, Any]:
    """Save a module that doubles its input and adds one."""
    import tensorflow as tf

    class Doubler(tf.Module):  # type: ignore[misc]  # TensorFlow has no types here
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])  # type: ignore[untyped-decorator]  # nor here
        def __call__(self, x: Any) -> Any:
            return x * 2.0 + 1.0

    tf.saved_model.save(Doubler(), folder)
    return {}


def load(handle: str) -> dict[str, Any]:
    import tensorflow as tf
    import tensorflow_hub as hub

    return {"value": hub.load(handle)(tf.constant([3.0])).numpy().tolist()}


def keras(handle: str) -> dict[str, Any]:
    import tensorflow_hub as hub

    return {"value": hub.KerasLayer(handle).get_config()["handle"]}


COMMANDS = {"save": save, "load": load, "keras": keras}


def main() -> None:
    if "--without-pkg-resources" in sys.argv:
        sys.modules["pkg_resources"] = None  # type: ignore[assignment]  # now nobody can find it
    imported = sorted(name for name in sys.modules if "hubproxy" in name)
    tell({"imported": imported})
    for line in sys.stdin:
        command, argument, environ = json.loads(line)
        os.environ.update(environ)
        try:
            tell(COMMANDS[command](argument))
        except Exception as error:  # noqa: BLE001  # what went wrong is the answer
            kinds = [kind.__name__ for kind in type(error).__mro__]
            tell({"kinds": kinds, "text": str(error), "trace": traceback.format_exc()})


def tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
