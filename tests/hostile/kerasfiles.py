"""Files of Keras that are hostile, and clean ones."""

import json
import zipfile
from pathlib import Path
from typing import Any

from tests.hostile.files import SECRET, WRITTEN
from tests.hostile.models import Rows

ROWS = Rows()
EVIL = lambda x: (__import__("pathlib").Path("written").write_text("by keras"), x)[1]  # noqa: E731  # what Keras keeps as code


@ROWS.row("hold", "keras:Lambda keras:__lambda__", "writes as keras loads it")
def a_lambda_in_a_keras_file(tf: Any, folder: Path) -> None:
    keras = tf.keras
    folder.mkdir(parents=True)
    model = keras.Sequential([keras.Input([1]), keras.layers.Lambda(EVIL)])
    model.save(folder / "model.keras")


@ROWS.row("hold", "keras:Lambda keras:__lambda__", "writes as keras loads it")
def a_nested_lambda_in_hdf5(tf: Any, folder: Path) -> None:
    keras = tf.keras
    folder.mkdir(parents=True)
    inner = keras.Sequential([keras.Input([1]), keras.layers.Lambda(EVIL)])
    model = keras.Sequential([keras.Input([1]), inner])
    model.save(folder / "model.h5")


@ROWS.row("pass", "", "keras loads it")
def a_clean_keras_file(tf: Any, folder: Path) -> None:
    keras = tf.keras
    folder.mkdir(parents=True)
    model = keras.Sequential(
        [keras.Input([4]), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1)]
    )
    losses, metrics = keras.losses, keras.metrics
    model.compile("adam", losses.binary_crossentropy, [metrics.binary_accuracy, metrics.AUC()])
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")


def changed(file: Path, before: str, after: str) -> None:
    """Change the text of a `.keras` file's configuration."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = members["config.json"].decode()
    assert before in text
    members["config.json"] = text.replace(before, after).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@ROWS.row("hold", "keras:Lambda keras:__lambda__", "writes as keras loads it")
def a_lambda_by_a_longer_name(tf: Any, folder: Path) -> None:
    a_lambda_in_a_keras_file(tf, folder)
    plain = '"module": "keras.layers", "class_name": "Lambda"'
    changed(folder / "model.keras", plain, '"module": "keras", "class_name": "layers.Lambda"')


@ROWS.row("hold", "keras:TFSMLayer", "writes as keras loads it")
def a_layer_that_loads_another_model(tf: Any, folder: Path) -> None:
    keras = tf.keras
    folder.mkdir(parents=True)
    module = tf.Module()

    def serve(numbers: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(WRITTEN, "by another")]):
            return tf.identity(numbers)

    module.serve = tf.function(serve, [tf.TensorSpec([None, 1])])
    tf.saved_model.save(module, str(folder.parent / "elsewhere"))
    layer = keras.layers.TFSMLayer(str(folder.parent / "elsewhere"), call_endpoint="serve")
    keras.Sequential([keras.Input([1]), layer]).save(folder / "model.keras")
    there = json.dumps(str(folder.parent / "elsewhere"))
    changed(folder / "model.keras", there, '"../elsewhere"')


@ROWS.row("hold", "keras:vocabulary", "keras reads")
def a_vocabulary_of_the_host(tf: Any, folder: Path) -> None:
    keras = tf.keras
    folder.mkdir(parents=True)
    layer = keras.layers.StringLookup(vocabulary=["here"])
    keras.Sequential([keras.Input([1], dtype="string"), layer]).save(folder / "model.keras")
    changed(folder / "model.keras", '"vocabulary": ["here"]', f'"vocabulary": "{SECRET}"')
