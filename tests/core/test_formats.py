"""What kind of module a set of files is."""

import pytest

from hubproxy.core.formats import detect_format
from hubproxy.core.record import Format


@pytest.mark.parametrize(
    ("paths", "form"),
    [
        (["saved_model.pb", "variables/variables.index"], "saved_model"),
        (["saved_model.pb", "tfhub_module.pb"], "tf1_hub"),
        (["keras_metadata.pb"], "keras"),
        (["saved_model.pb", "keras_metadata.pb"], "saved_model"),
        (["model.json", "group1-shard1of1.bin"], "tfjs"),
        (["1.tflite"], "tflite"),
        (["model.keras"], "keras"),
        (["labels.txt", "a.tflite", "b.keras"], "tflite"),
        (["model/saved_model.pb"], "other"),
        (["folder/x.tflite"], "other"),
        (["weights.h5"], "other"),
        ([], "other"),
    ],
)
def test_the_files_at_the_root_tell_the_format(paths: list[str], form: Format) -> None:
    assert detect_format(paths) == form
