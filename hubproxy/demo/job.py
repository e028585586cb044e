"""The training job of the demo: a child process that uses the real `tensorflow_hub`.

Reads one JSON object per line and answers with one: `{"build": FOLDER}` saves the modules,
`{"load": URL, "cache": FOLDER}` loads one as any notebook would. It knows nothing of
hubproxy: `HUBPROXY_URL` in its environment is all.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf
import tensorflow_hub as hub

from hubproxy.demo.modules import IMAGE, SENTENCES, UNLISTED, WORDS

_NUMBERS = tf.float32


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_answer(request)), file=answers)


def _answer(request: dict[str, str]) -> dict[str, object]:
    if "build" in request:
        _build(Path(request["build"]))
        return {"versions": f"TensorFlow {tf.__version__}, tensorflow_hub {hub.__version__}"}
    os.environ["TFHUB_CACHE_DIR"] = request["cache"]
    started = time.monotonic()
    try:
        module = hub.load(request["load"])
    except Exception as error:  # noqa: BLE001  # whatever a notebook would show
        return {"error": f"{type(error).__name__}: {error}", "ms": _since(started)}
    return {"shape": _try(module, request["load"]), "ms": _since(started)}


def _try(module: Any, url: str) -> list[int]:
    if IMAGE in url:
        result = module(tf.zeros([1, 64, 64, 3]))
    else:
        result = module(tf.constant(["the quick brown fox"]))
    return [int(size) for size in result.shape]


def _build(folder: Path) -> None:
    for name, module in (
        (IMAGE, _image()),
        (WORDS, _text(folder, words=20_000, size=50)),
        (SENTENCES, _text(folder, words=40_000, size=128)),
        (UNLISTED, _text(folder, words=100, size=8)),
    ):
        tf.saved_model.save(module, str(folder / name), signatures=module.__call__)


def _image() -> tf.Module:
    """Images [batch, 64, 64, 3] -> feature vectors [batch, 256]."""
    module = tf.Module()
    module.kernel = tf.Variable(tf.random.normal([3, 3, 3, 256], seed=7) * 0.1)
    module.head = tf.Variable(tf.random.normal([256 * 64, 256], seed=8) * 0.01)

    def call(images: Any) -> Any:
        grid = tf.nn.relu(tf.nn.conv2d(images, module.kernel, strides=8, padding="SAME"))
        return tf.matmul(tf.reshape(grid, [-1, 256 * 64]), module.head)

    images = tf.TensorSpec([None, 64, 64, 3], _NUMBERS)
    module.__call__ = tf.function(call, input_signature=[images])
    return module


def _text(folder: Path, *, words: int, size: int) -> tf.Module:
    """Sentences [batch] -> embeddings [batch, size]: look up each word, and add."""
    tokens = folder / "tokens.txt"
    tokens.write_text("".join(f"word{number}\n" for number in range(words)))
    module = tf.Module()
    module.tokens = tf.saved_model.Asset(str(tokens))
    module.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            module.tokens,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        1,
    )
    module.rows = tf.Variable(tf.random.normal([words + 1, size], seed=9))

    def call(sentences: Any) -> Any:
        ids = module.table.lookup(tf.strings.split(sentences))
        return tf.reduce_sum(tf.gather(module.rows, ids), axis=1)

    module.__call__ = tf.function(call, input_signature=[tf.TensorSpec([None], tf.string)])
    return module


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


if __name__ == "__main__":
    main()
