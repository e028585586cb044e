"""What TensorFlow Hub's launch posts of 2018 show, as a user would type it.

`python launch_post_tf1.py TEXT_HANDLE IMAGE_HANDLE` runs in Python 3.7 with TensorFlow 1.15 and
knows nothing of hubproxy. Its exit status is 0 only if every part of it worked.
"""

import math
import sys
from typing import Any, Callable  # noqa: UP035  # Python 3.7

import tensorflow as tf
import tensorflow_hub as hub

REVIEWS = ["a fine film", "a dull film", "fine", "dull dull dull"]


def embed_sentences(handle: str) -> None:
    """The module in a graph, run in a session."""
    with tf.Graph().as_default():
        embed = hub.Module(handle)
        embeddings = embed(["The quick brown fox.", "I am a sentence."])
        with tf.Session() as session:
            session.run([tf.global_variables_initializer(), tf.tables_initializer()])
            rows = session.run(embeddings)
    assert rows.shape[0] == 2
    assert math.isfinite(rows.sum())
    assert rows.any()


def classify_images(handle: str) -> None:
    """Features of an image module below a new layer."""
    with tf.Graph().as_default():
        module = hub.Module(handle)
        height, width = hub.get_expected_image_size(module)
        features = module(tf.ones([2, height, width, 3]))
        probabilities = tf.nn.softmax(tf.layers.dense(features, 5))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            rows = session.run(probabilities)
    assert rows.shape == (2, 5)
    assert math.isclose(rows.sum(), 2, rel_tol=1e-5)


def train_and_evaluate(estimator: Any, batch: Callable[[], Any]) -> None:
    estimator.train(batch, steps=5)
    assert math.isfinite(estimator.evaluate(batch, steps=1)["loss"])


def rate_reviews(handle: str) -> None:
    """A text column in a canned estimator."""
    review = hub.text_embedding_column("review", handle)
    estimator = tf.estimator.DNNClassifier(hidden_units=[8], feature_columns=[review])
    labels = [1, 0, 1, 0]
    train_and_evaluate(estimator, lambda: ({"review": tf.constant(REVIEWS)}, tf.constant(labels)))


def label_comments(handle: str) -> None:
    """A text column in an estimator with several labels for one text."""
    head = tf.contrib.estimator.multi_label_head(
        2, loss_reduction=tf.losses.Reduction.SUM_OVER_BATCH_SIZE
    )
    comment = hub.text_embedding_column("comment", handle)
    estimator = tf.estimator.DNNEstimator(head=head, hidden_units=[8], feature_columns=[comment])
    labels = [[1, 0], [0, 1], [1, 0], [1, 1]]
    train_and_evaluate(estimator, lambda: ({"comment": tf.constant(REVIEWS)}, tf.constant(labels)))


if __name__ == "__main__":
    text_handle, image_handle = sys.argv[1:]
    embed_sentences(text_handle)
    classify_images(image_handle)
    rate_reviews(text_handle)
    label_comments(text_handle)
    sys.stdout.write(f"tensorflow_hub {hub.__version__}: all parts worked\n")
