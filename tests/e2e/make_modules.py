"""Save stand-ins for modules of the launch post's time: `python make_modules.py OUT`.

    OUT/doubler   doubles and adds one; a few kB
    OUT/big       the same beside 14 MB that no packer makes smaller: four chunks of an archive
    OUT/words     nnlm-en-dim50: [batch] strings -> [batch, 50]. Of 210,000 words (42 MB) instead
                  of the real one's 947,000 (190 MB), to keep the tests quick
    OUT/images    a MobileNet V2 feature vector of the real size: [batch, 224, 224, 3] pixels ->
                  [batch, 1280]

Formats, signatures and layouts are those of the real ones; weights are noise and words made up.
"""

import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

_WORDS, _WIDTH, _BUCKETS = 210_000, 50, 5_000
_NUMBERS = tf.float32


def doubler(extra: int) -> tuple[Any, list[Any]]:
    """A module with so many bytes of weights that nothing uses."""
    weights = tf.Variable(noise([extra // 4]))

    def call(x: Any) -> Any:
        return x * 2.0 + 1.0

    return tf.function(call, input_signature=[tf.TensorSpec([None], _NUMBERS)]), [weights]


def words(folder: Path) -> tuple[Any, list[Any]]:
    """The words' rows, looked up, summed up, and divided by the root of their count."""
    tokens = folder / "tokens.txt"
    tokens.write_text("".join(f"word{number}\n" for number in range(_WORDS)))
    asset = tf.saved_model.Asset(str(tokens))
    lines = tf.lookup.TextFileInitializer(
        asset,
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    table = tf.lookup.StaticVocabularyTable(lines, _BUCKETS)
    rows = tf.Variable(noise([_WORDS + _BUCKETS, _WIDTH]), name="embeddings")

    def call(sentences: Any) -> Any:
        ids = table.lookup(tf.strings.split(sentences))
        count = tf.cast(tf.maximum(ids.row_lengths(), 1), _NUMBERS)
        return tf.reduce_sum(tf.gather(rows, ids), axis=1) / tf.sqrt(count)[:, None]

    embed = tf.function(call, input_signature=[tf.TensorSpec([None], tf.string)])
    return embed, [rows, asset, table]


def images() -> tuple[Any, list[Any]]:
    """Pixels from 0 to 1, as image modules have them."""
    net = tf.keras.applications.MobileNetV2(weights=None, include_top=False, pooling="avg")

    def call(inputs: Any) -> Any:
        return net(inputs * 2.0 - 1.0, training=False)

    pixels = tf.TensorSpec([None, 224, 224, 3], _NUMBERS)
    # A variable of Keras 3 is not TensorFlow's, but holds one.
    return tf.function(call, input_signature=[pixels]), [
        variable if isinstance(variable, tf.Variable) else variable.value
        for variable in net.variables
    ]


def noise(shape: list[int]) -> Any:
    return tf.random.stateless_normal(shape, seed=[7, 7])


def save(call: Any, parts: list[Any], folder: Path) -> None:
    """Save what a hub's module has: `__call__`, its variables, and the same as signatures."""
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.parts = parts
    module.variables = [part for part in parts if isinstance(part, tf.Variable)]
    module.trainable_variables = [part for part in module.variables if part.trainable]
    module.regularization_losses = []
    concrete = call.get_concrete_function()
    signatures = {"serving_default": concrete, "default": concrete}
    tf.saved_model.save(module, str(folder), signatures=signatures)


def main(folder: Path) -> None:
    save(*doubler(4000), folder / "doubler")
    save(*doubler(14_000_000), folder / "big")
    save(*words(folder), folder / "words")
    save(*images(), folder / "images")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
