"""Write two small modules in the TF1 hub format: OUT/text and OUT/image.

Runs in Python 3.7 with TensorFlow 1.15, the last that can export this format:
`python make_tf1_modules.py OUT`.
"""

import sys
from pathlib import Path

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

_WORDS, _WIDTH, _PIXELS, _FEATURES = 64, 16, 8, 4


def text() -> None:
    """[batch] strings to [batch, 16] numbers: the mean of the words' hashed embeddings."""
    sentences = tf.placeholder(tf.string, [None])
    words = tf.string_split(sentences)
    buckets = tf.string_to_hash_bucket_fast(words.values, _WORDS)
    ids = tf.SparseTensor(words.indices, buckets, words.dense_shape)
    filled, _ = tf.sparse.fill_empty_rows(ids, tf.constant(0, tf.int64))
    table = tf.get_variable("table", [_WORDS, _WIDTH])
    mean = tf.nn.embedding_lookup_sparse(table, filled, None, combiner="mean")
    hub.add_signature(inputs=sentences, outputs=mean)


def image() -> None:
    """[batch, 8, 8, 3] pixels to [batch, 4] features: one convolution, then the mean."""
    size = hub.ImageModuleInfo()
    size.default_image_size.height = size.default_image_size.width = _PIXELS
    hub.attach_image_module_info(size)
    pixels = tf.placeholder(tf.float32, [None, _PIXELS, _PIXELS, 3])
    kernel = tf.get_variable("kernel", [3, 3, 3, _FEATURES])
    features = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(pixels, kernel, 1, "SAME")), [1, 2])
    hub.add_signature(inputs={"images": pixels}, outputs={"default": features})


def main(folder: Path) -> None:
    for module_fn in (text, image):
        with tf.Graph().as_default(), tf.Session() as session:
            module = hub.Module(hub.create_module_spec(module_fn))
            session.run(tf.global_variables_initializer())
            module.export(str(folder / module_fn.__name__), session)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
