"""Keras models: code at any depth of a configuration, in each file that Keras keeps it in."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspection.gate.looking import looked, names
from tests.inspection.wire import data

LAMBDA = {"class_name": "Lambda", "config": {"name": "l", "function": ["4wEAAAA=", None, None]}}
DENSE = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 3}}


def model(*layers: Any) -> dict[str, Any]:
    return {"class_name": "Functional", "module": "keras", "config": {"layers": list(layers)}}


def within(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = model({"class_name": "TimeDistributed", "config": {"layer": inner}})
    return inner


def keras(config: Any, **more: bytes) -> bytes:
    """A `.keras` file."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("config.json", text)
        archive.writestr("metadata.json", b'{"keras_version": "3.9.0"}')
        for name, content in more.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


def metadata(text: bytes) -> bytes:
    """A `keras_metadata.pb` of one layer."""
    return data(1, data(3, b"root.layer"), data(4, b"_tf_keras_layer"), data(5, text))


CALL = {"class_name": "TFOpLambda", "config": {"function": "io.read_file"}}
PURE = {"class_name": "TFOpLambda", "config": {"function": "math.add"}}
CONFIGS = [
    pytest.param(model(DENSE), ["pass"], id="layers of Keras"),
    pytest.param(model(PURE), ["pass"], id="a call that only computes"),
    pytest.param(model(LAMBDA), ["hold", "keras:Lambda"], id="a lambda"),
    pytest.param(within(60, LAMBDA), ["hold", "keras:Lambda"], id="a lambda sixty models deep"),
    pytest.param(
        model({"class_name": "Custom>Lambda", "config": {}}),
        ["hold", "keras:Lambda"],
        id="a lambda that is registered",
    ),
    pytest.param(
        model({"config": {"activation": {"class_name": "__lambda__", "config": {"value": "x"}}}}),
        ["hold", "keras:__lambda__"],
        id="code as an activation",
    ),
    pytest.param(
        model({"class_name": "function", "config": "my_loss"}),
        ["hold", "keras:function"],
        id="a function by its name",
    ),
    pytest.param(
        model({"class_name": "popen", "module": "os", "config": {}}),
        ["hold", "keras:module"],
        id="a class of another module",
    ),
    pytest.param(
        model({"class_name": "X", "module": "keras_evil.layers"}),
        ["hold", "keras:module"],
        id="a module whose name begins alike",
    ),
    pytest.param(
        {"module": "keras", "class_name": "layers.Lambda", "config": {}},
        ["hold", "keras:Lambda"],
        id="a lambda by a longer name",
    ),
    pytest.param(
        model({"module": "builtins", "class_name": "function", "config": "mse"}),
        ["pass"],
        id="a function of Keras",
    ),
    pytest.param(
        model({"module": "builtins", "class_name": "function", "config": "eval"}),
        ["hold", "keras:function"],
        id="a function of Python",
    ),
    pytest.param(
        model({"module": "builtins", "class_name": "function"}),
        ["hold", "keras:function"],
        id="a function without a name",
    ),
    pytest.param(
        model({"module": "keras.utils", "class_name": "get_file", "config": {"fname": "x"}}),
        ["hold", "keras:function"],
        id="a function in the place of a class",
    ),
    *(
        pytest.param(model({"class_name": name, "config": {}}), ["hold", f"keras:{name}"], id=name)
        for name in ("TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
    ),
    pytest.param(
        model({"class_name": "ResidualWrapper", "config": {"residual_function_type": "lambda"}}),
        ["hold", "keras:Lambda"],
        id="a lambda of a wrapper",
    ),
    *(
        pytest.param(
            model({"class_name": "TFOpLambda", "config": {"function": f"image.{name}"}}),
            ["pass"],
            id=name,
        )
        for name in ("flip_left_right", "rgb_to_grayscale", "adjust_brightness", "resize")
    ),
    pytest.param(
        model({"class_name": "StringLookup", "config": {"vocabulary": ["a", "b"]}}),
        ["pass"],
        id="a vocabulary",
    ),
    pytest.param(
        model({"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}),
        ["hold", "keras:vocabulary"],
        id="a file of the host as a vocabulary",
    ),
    pytest.param(
        model({"class_name": "ClassMethod", "config": {"cls_symbol": "RaggedTensor"}}),
        ["pass"],
        id="a method of a ragged tensor",
    ),
    pytest.param(
        model({"class_name": "ClassMethod", "config": {"cls_symbol": "io.gfile.GFile"}}),
        ["hold", "keras:ClassMethod"],
        id="a method of a file",
    ),
    *(
        pytest.param(
            model({"class_name": "TensorFlowOpLayer", "config": config}),
            expected,
            id=f"an op of TensorFlow, {config}",
        )
        for config, expected in (
            ({"node_def": {"op": "AddV2"}}, ["pass"]),
            ({"node_def": {"op": "ReadFile"}}, ["hold", "keras:TensorFlowOpLayer"]),
            ({"node_def": {"op": "Nobodys"}}, ["hold", "keras:TensorFlowOpLayer"]),
            ({"node_def": "op: ReadFile"}, ["hold", "keras:TensorFlowOpLayer"]),
            ({}, ["hold", "keras:TensorFlowOpLayer"]),
        )
    ),
    pytest.param(model(CALL), ["hold", "keras:TFOpLambda"], id="a call that reads files"),
]


@pytest.mark.parametrize(("config", "expected"), CONFIGS)
def test_a_config_says_the_same_in_each_file(
    config: Any, expected: list[str], tmp_path: Path
) -> None:
    text = json.dumps(config)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = text
        file.create_dataset("weights", data=[1.0, 2.0])
    for files in (
        {"model.keras": keras(config, model__weights__h5=b"\x89HDF\r\n\x1a\n")},
        {"model.h5": (tmp_path / "m.h5").read_bytes()},
    ):
        found = names(files)
        assert [name for name in found if name != "keras:unread"][1:] == expected[1:]
    assert names({"saved/keras_metadata.pb": metadata(text.encode())})[1:] == expected[1:]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param(b"", "refuse", id="nothing"),
        pytest.param(b"{", "refuse", id="cut short"),
        pytest.param(b"\xff\xfe", "refuse", id="no text"),
        pytest.param(b"[" * 100_000, "refuse", id="deeper than JSON is read"),
        pytest.param(b'{"class_name": "Dense", "class_name": "Lambda"}', "hold", id="two keys"),
        pytest.param(b'{"class_name": "Lambda", "class_name": "Dense"}', "hold", id="and turned"),
        pytest.param(b'{"class_name": "L\\u0061mbda"}', "hold", id="escaped"),
        pytest.param(b'{"a": NaN, "b": 1e999, "c": 1234567890123456789012}', "pass", id="numbers"),
    ],
)
def test_what_json_can_be_is_read_as_keras_reads_it(text: bytes, verdict: str) -> None:
    assert looked({"model.keras": keras(text)}).verdict == verdict
    if text:  # an empty one is as good as none there
        assert looked({"keras_metadata.pb": metadata(text)}).verdict == verdict


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"PK\x03\x04 and no more", "not a zip that can be read", id="no zip"),
        pytest.param(b"text", "not a zip that can be read", id="text"),
    ],
)
def test_a_keras_file_that_cannot_be_read_is_refused(content: bytes, why: str) -> None:
    found = looked({"model.keras": content})
    assert found.verdict == "refuse"
    assert any(why in finding.why for finding in found.findings)


def test_an_unpacked_keras_file_is_read_as_well() -> None:
    """Keras 3 loads a folder that has a `config.json`."""
    assert names({"a/config.json": json.dumps(model(LAMBDA)).encode()}) == ["hold", "keras:Lambda"]
    assert names({"config.json": json.dumps(model(DENSE)).encode()}) == ["pass"]
    assert names({"config.json": b'{"hidden_size": 768}'}) == ["pass"]
    assert names({"config.json": b"# no JSON"}) == ["pass"]


@pytest.mark.parametrize("block", [0, 512, 1024, 4096])
def test_hdf5_is_known_wherever_it_begins_and_whatever_its_name(block: int, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m", "w", userblock_size=block) as file:
        file.attrs["model_config"] = json.dumps(model(LAMBDA))
    for name in ("weights", "config.json", "task.json"):
        (found,) = names({name: (tmp_path / "m").read_bytes()})[1:]
        assert found == ("keras:unread" if block else "keras:Lambda")


def test_a_keras_file_that_hdf5_reads_as_well_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m", "w") as file:
        file.attrs["model_config"] = json.dumps(model(DENSE))
    both = (tmp_path / "m").read_bytes() + keras(model(LAMBDA))
    assert names({"m.keras": both}) == ["refuse", "keras:damaged"]


def test_a_text_that_hdf5_has_twice_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(model(DENSE))
        file.attrs["more"] = "a text of its own"
    content = (tmp_path / "m.h5").read_bytes()
    at = content.index(b"GCOL") + 16
    size = int.from_bytes(content[at + 8 : at + 16], "little")
    second = at + 16 + -(-size // 8) * 8
    assert content[second : second + 2] == b"\2\0"
    content = content[:second] + content[at : at + 2] + content[second + 2 :]
    assert names({"m.h5": content}) == ["refuse", "keras:damaged"]


def test_two_configs_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("config.json", json.dumps(model(DENSE)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("config.json", json.dumps(model(LAMBDA)))
    assert "keras:damaged" in names({"model.keras": out.getvalue()})


def test_code_beside_the_config_is_named() -> None:
    found = names({"model.keras": keras(model(DENSE), assets__evil__py=b"import os")})
    assert "script:python" in found


@pytest.mark.parametrize("content", [b"", b"\x0a\xff\xff\xff\xff\x0f"])
def test_metadata_that_is_no_message_is_refused(content: bytes) -> None:
    assert looked({"keras_metadata.pb": content}).verdict == ("refuse" if content else "pass")


@given(st.binary(max_size=600))
def test_no_bytes_make_the_reader_fail(content: bytes) -> None:
    for name in ("model.keras", "model.h5", "keras_metadata.pb"):
        assert looked({name: content}).verdict in ("pass", "hold", "refuse")


WHOLE = keras(model(LAMBDA))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_hides_nothing_that_python_would_read(at: int, byte: int) -> None:
    changed = WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]
    try:
        with zipfile.ZipFile(io.BytesIO(changed)) as archive:
            config = archive.read("config.json")
    except Exception:  # noqa: BLE001 - whatever it is, Keras does not load it
        return
    if json.loads(config) == model(LAMBDA):
        assert looked({"model.keras": changed}).verdict != "pass"
