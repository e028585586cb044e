"""A training job under a test's control: reads a command a line, answers a line. Both are JSON.

It says what it has imported first, and imports tensorflow_hub only when a command needs it.
"""

import json
import os
import sys
import traceback
from typing import Any


def load(handle: str) -> dict[str, Any]:
    import tensorflow as tf
    import tensorflow_hub as hub

    return {"value": hub.load(handle)(tf.constant([3.0])).numpy().tolist()}


def keras(handle: str) -> dict[str, Any]:
    import tensorflow_hub as hub

    return {"value": hub.KerasLayer(handle).get_config()["handle"]}


def embed(handle: str) -> dict[str, Any]:
    """As the launch post does it."""
    import tensorflow as tf
    import tensorflow_hub as hub

    return shape_of(hub.load(handle)(tf.constant(["The quick brown fox.", "word1 word2"])))


def features(handle: str) -> dict[str, Any]:
    import tensorflow as tf
    import tensorflow_hub as hub

    return shape_of(hub.load(handle)(tf.zeros([2, 224, 224, 3])))


def rate(handle: str) -> dict[str, Any]:
    """A text layer, trained on below a new layer."""
    import tensorflow as tf
    import tensorflow_hub as hub

    keras = keras_2()
    layer = hub.KerasLayer(handle, input_shape=[], dtype=tf.string, trainable=True)
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    reviews = tf.constant(["word1 word2", "word3"])
    model.fit(reviews, tf.constant([1.0, 0.0]), verbose=0)
    return shape_of(model.predict(reviews, verbose=0))


def classify(handle: str) -> dict[str, Any]:
    """An image layer, left as it is below a new layer."""
    import tensorflow as tf
    import tensorflow_hub as hub

    keras = keras_2()
    layer = hub.KerasLayer(handle, input_shape=[224, 224, 3])
    model = keras.Sequential([layer, keras.layers.Dense(5)])
    return shape_of(model.predict(tf.zeros([2, 224, 224, 3]), verbose=0))


def signature(handle: str) -> dict[str, Any]:
    """Call the serving signature with zeros, one example; the shapes of its outputs by name."""
    import tensorflow as tf
    import tensorflow_hub as hub

    serving = hub.load(handle).signatures["serving_default"]
    _, inputs = serving.structured_input_signature
    zeros = {
        name: tf.zeros([size or 1 for size in spec.shape], spec.dtype)
        for name, spec in inputs.items()
    }
    return {name: list(output.shape) for name, output in serving(**zeros).items()}


def shape_of(rows: Any) -> dict[str, Any]:
    import tensorflow as tf

    assert tf.reduce_all(tf.math.is_finite(rows))
    return {"shape": list(rows.shape)}


def keras_2() -> Any:
    """The Keras that `hub.KerasLayer` belongs to."""
    try:
        import tf_keras
    except ImportError:
        import tensorflow as tf

        return tf.keras
    return tf_keras


COMMANDS = {
    command.__name__: command
    for command in (load, keras, embed, features, rate, classify, signature)
}


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
