"""HDF5 as h5py writes it, in each layout: read, or held for not being read; never passed unread."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy
import pytest

from tests.inspection.gate.looking import looked, names

CONFIG = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda"}]}})
LONG = json.dumps({"pad": "x" * 60_000, "class_name": "Lambda"})


def with_dense_attributes(file: h5py.File) -> None:
    for number in range(40):
        file.attrs[f"a{number}"] = number
    file.attrs["model_config"] = CONFIG


def with_many_groups(file: h5py.File) -> None:
    for number in range(200):
        file.create_group(f"layer_{number}")
    file.attrs["model_config"] = CONFIG


def after_other_texts(file: h5py.File) -> None:
    file.attrs["keras_version"] = "3.9.0"
    file.attrs["layer_names"] = [b"a", b"b"]
    file.attrs["model_config"] = CONFIG
    file.attrs["backend"] = "tensorflow"


def in_fixed_length(file: h5py.File) -> None:
    file.attrs["model_config"] = numpy.bytes_(CONFIG.encode())


def as_long_as_it_may_be(file: h5py.File) -> None:
    file.attrs["model_config"] = numpy.bytes_(LONG.encode())


def in_training(file: h5py.File) -> None:
    file.attrs["training_config"] = CONFIG


def written_twice(file: h5py.File) -> None:
    file.attrs["model_config"] = "{}"
    file.attrs["model_config"] = CONFIG


def with_a_comment(file: h5py.File) -> None:
    file.attrs["model_config"] = CONFIG
    file.create_dataset("compressed", data=numpy.zeros(1000), chunks=(10,), compression="gzip")


LAYOUTS = [
    with_dense_attributes, with_many_groups, after_other_texts, in_fixed_length,
    as_long_as_it_may_be, in_training, written_twice, with_a_comment,
]  # fmt: skip


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize("write", LAYOUTS)
def test_a_lambda_is_never_passed(
    tmp_path: Path, write: Callable[[h5py.File], None], libver: str
) -> None:
    with h5py.File(tmp_path / "m.h5", "w", libver=libver) as file:
        write(file)
    found = names({"m.h5": (tmp_path / "m.h5").read_bytes()})
    assert found in (["hold", "keras:Lambda"], ["hold", "keras:unread"])
    if libver == "earliest":
        assert found == ["hold", "keras:Lambda"]


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_config_without_code_passes(tmp_path: Path, libver: str) -> None:
    with h5py.File(tmp_path / "m.h5", "w", libver=libver) as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Dense", "module": "keras.layers"})
        file.create_dataset("w", data=numpy.ones((3, 3)))
    assert names({"m.h5": (tmp_path / "m.h5").read_bytes()}) == ["pass"]


def test_weights_alone_pass(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        file.create_dataset("w", data=numpy.ones((3, 3)))
    assert names({"m.weights.h5": (tmp_path / "m.weights.h5").read_bytes()}) == ["pass"]


def test_a_block_of_the_users_own_in_front_is_held(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w", userblock_size=512) as file:
        file.attrs["model_config"] = CONFIG
    assert names({"m.h5": (tmp_path / "m.h5").read_bytes()}) == ["hold", "keras:unread"]


def test_hdf5_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = CONFIG
    assert "keras:Lambda" in names({"weights.bin": (tmp_path / "m.h5").read_bytes()})


def test_a_file_that_is_cut_short_is_not_passed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = CONFIG
    whole = (tmp_path / "m.h5").read_bytes()
    for size in range(9, len(whole) - 1, 97):
        found = looked({"m.h5": whole[:size]})
        assert found.verdict != "pass" or b"Lambda" not in whole[:size], size


def test_a_changed_byte_of_the_structure_never_makes_the_reader_fail(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = CONFIG
    whole = (tmp_path / "m.h5").read_bytes()
    for at in range(0, min(len(whole), 2048), 3):
        for byte in (0, 255, whole[at] ^ 1):
            changed = whole[:at] + bytes([byte]) + whole[at + 1 :]
            assert looked({"m.h5": changed}).verdict in ("pass", "hold", "refuse")
