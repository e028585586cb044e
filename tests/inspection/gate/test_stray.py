"""Files that no model needs: pickles, arrays of objects, native code and scripts."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspection.gate.looking import looked, names
from tests.models import MODEL
from tests.site import plain_tar, tar_gz

EVIL = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94."
OLD = b"cposix\nsystem\n(S'id'\ntR."
SYSTEM = "pickle:posix.system"


def beside(name: str, content: bytes) -> list[str]:
    """What is found of a file beside a model that passes."""
    return names({**MODEL, name: content})


def npy(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    """A `.npy` file, with whatever header."""
    size = struct.pack("<I" if version > 1 else "<H", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def array(descr: str, data: bytes = b"", version: int = 1) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n"
    return npy(header.encode(), data, version)


def saved(value: Any) -> bytes:
    """An array as numpy saves it."""
    out = io.BytesIO()
    np.save(out, value, allow_pickle=True)
    return out.getvalue()


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["a.pkl", "a.PICKLE", "a.joblib", "a.dill", "deep/er/a.pt", "assets/words.txt", "data"]
)
def test_a_pickle_is_held_for_what_it_names_whatever_its_name(name: str) -> None:
    assert beside(name, EVIL) == ["hold", SYSTEM]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(OLD, id="of the first protocol"),
        pytest.param(EVIL[2:], id="without its protocol"),
        pytest.param(b"N0" + EVIL, id="after other opcodes"),
        pytest.param(EVIL + b"and more", id="with more behind its end"),
        pytest.param(b"N0" * 40_000 + OLD, id="far behind other opcodes"),
        pytest.param(OLD[:-2] + b"(" + b"I1\n" * 40_000 + b"l.", id="a long one"),
    ],
)
@pytest.mark.parametrize("name", ["a.pkl", "words.txt", "weights", "pytorch_model.bin"])
def test_a_pickle_is_known_by_its_opcodes(content: bytes, name: str) -> None:
    found = beside(name, content)
    assert (found[0], SYSTEM in found) == ("hold", True)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_of_plain_values_is_held_too(protocol: int) -> None:
    content = pickle.dumps({"a": [1, 2.5, "x"]}, protocol)
    assert beside("vocabulary", content) == ["hold", "pickle:plain"]


def test_a_pickle_that_ends_in_between_is_held_for_what_came_before() -> None:
    found = beside("a.pkl", EVIL[:-4])
    assert found[0] == "hold"
    assert SYSTEM in found
    assert beside("a.pkl", b"")[0] == "hold"
    assert beside("a.pkl", b"\x93") == ["hold", "pickle:damaged"]


@pytest.mark.parametrize(
    "descr",
    [
        "'<f4'",
        "'|b1'",
        "'<U12'",
        "'|S3'",
        "'<M8[ns]'",
        "'<V2'",
        "[('a', '<f4'), ('O', '<i8')]",
        "[('a', '<f4', (2, 3)), ('b', [('c', '|u1')])]",
        "('<f4', (3,))",
    ],
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_array_of_numbers_and_texts_passes(descr: str, version: int) -> None:
    assert beside("a.npy", array(descr, version=version)) == ["pass"]


@pytest.mark.parametrize(
    "descr",
    [
        "'|O'",
        "'O'",
        "'object'",
        "'<f4,O'",
        "'|\\x4f'",
        "[('a', '<f4'), ('b', '|O')]",
        "[('a', [('c', '<f4')]), ('b', '|O')]",
        "('|O', (3,))",
        "'<f4', 'descr': '|O'",
        "'|O', 'descr': '<f4'",
        "'<f4'  # '|O'\n, 'descr': 'O'",
        "{'names': ['a'], 'formats': ['O']}",
        "int",
        "('" * 400,
    ],
)
@pytest.mark.parametrize("name", ["a.npy", "anything", "a.npz/inner.npy"])
def test_an_array_that_may_be_of_objects_is_scanned_as_a_pickle(descr: str, name: str) -> None:
    content = array(descr, EVIL)
    if "/" in name:
        assert beside("a.npz", zipped(inner__npy=content)) == ["hold", "pickle:array"]
    else:
        assert beside(name, content) == ["hold", SYSTEM]


def test_what_numpy_saves_is_told_apart() -> None:
    assert beside("a.npy", saved(np.arange(4.0))) == ["pass"]
    assert beside("a.npy", saved(np.zeros(2, [("a", "f4"), ("b", "u1", (2,))]))) == ["pass"]
    found = beside("a.npy", saved(np.array([{}], dtype=object)))
    assert found[0] == "hold"
    assert all(name.startswith("pickle:numpy.") for name in found[1:])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x93NUMPY", id="no header"),
        pytest.param(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", id="a header of 4 GiB"),
        pytest.param(npy(b"{'descr': '<f4'}"[:9]), id="half a header"),
        pytest.param(array("'<f4'")[:8] + b"\xff\x7f" + array("'<f4'")[10:], id="cut short"),
        pytest.param(
            npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }" + b" " * 20_000),
            id="longer than numpy reads",
        ),
        pytest.param(npy(b"{'descr': '<f4', 'x': '" + b" " * 20_000 + b"'}"), id="a long header"),
    ],
)
def test_an_array_whose_header_cannot_be_read_is_held(content: bytes) -> None:
    assert beside("a.npy", content)[0] == "hold"


def test_a_pickle_by_the_name_of_an_array_is_scanned() -> None:
    assert beside("a.npy", EVIL) == ["hold", SYSTEM]


def test_arrays_in_an_archive_pass_and_other_archives_do_not() -> None:
    assert beside("a.npz", zipped(a__npy=saved(np.arange(3)))) == ["pass"]
    assert beside("a.zip", zipped(a__npy=saved(np.arange(3)))) == ["hold", "archive:nested"]
    assert beside("a.bin", zipped(a__txt=b"")) == ["hold", "archive:nested"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(EVIL), id="gzip"),
        pytest.param(bz2.compress(EVIL), id="bzip2"),
        pytest.param(lzma.compress(EVIL), id="xz"),
        pytest.param(plain_tar(tar_gz({"a": b""})), id="tar"),
        pytest.param(b"7z\xbc\xaf\x27\x1c\0\4", id="7z"),
        pytest.param(b"\x28\xb5\x2f\xfd\0", id="zstd"),
        pytest.param(b"front" * 9 + zipped(a__txt=b""), id="a zip behind something"),
    ],
)
def test_an_archive_is_known_whatever_its_name(content: bytes) -> None:
    assert beside("assets/words.txt", content) == ["hold", "archive:nested"]


def test_a_pytorch_model_is_held_for_its_pickle() -> None:
    assert beside("a.pt", zipped(data__pkl=EVIL, version=b"3")) == ["hold", SYSTEM]
    assert beside("renamed", zipped(data=EVIL)) == ["hold", "archive:nested", SYSTEM]


def test_an_archive_in_the_archive_is_looked_at_for_code() -> None:
    assert beside("a.npz", zipped(evil__py=b"")) == ["hold", "script:python"]
    assert beside("a.npz", b"PK\x03\x04 and no more") == ["hold", "archive:nested"]


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("a.py", "script:python"),
        ("A.PY", "script:python"),
        ("__init__.pyc", "script:python"),
        ("site.pth", "script:python"),
        ("run.sh", "script:shell"),
        ("lib.so", "native:library"),
        ("lib.so.1.2", "native:library"),
        ("lib.dll", "native:library"),
        ("a.exe", "native:program"),
        ("a.jar", "native:program"),
    ],
)
def test_code_is_told_by_its_name(name: str, finding: str) -> None:
    assert beside(name, b"") == ["hold", finding]
    assert beside(f"assets/{name}", b"text") == ["hold", finding]


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"\x7fELF\x02\x01\x01", "native:program"),
        (b"MZ" + bytes(80), "native:program"),
        (b"\xcf\xfa\xed\xfe", "native:program"),
        (b"\xca\xfe\xba\xbe", "native:program"),
        (b"\0asm\x01", "native:program"),
        (b"#!/bin/sh\n", "script:shell"),
    ],
)
def test_code_is_told_by_its_first_bytes(content: bytes, finding: str) -> None:
    assert beside("assets/words.txt", content) == ["hold", finding]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("assets/words.txt", b"the\nof\n"),
        ("assets/mz.txt", b"MZ"),
        ("weights", b"\x80\x02\x00\x00"),
        ("about.soy", b""),
        ("assets/cats.txt", b"cat\ndog\n"),
        ("assets/c.txt", b"class\nname\nword\n" * 9000),
        ("assets/gzip.txt", b"BZhang\n"),
        ("README.md", b"# a model"),
    ],
)
def test_what_only_looks_like_code_passes(name: str, content: bytes) -> None:
    assert beside(name, content) == ["pass"]


@given(
    st.sampled_from(["a", "a.pkl", "a.npy", "a.npz", "a.pt", "a.bin"]),
    st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x80\x04\x95"]),
    st.binary(max_size=300),
)
def test_no_bytes_make_the_reader_fail(name: str, magic: bytes, content: bytes) -> None:
    assert looked({name: magic + content}).verdict in ("pass", "hold", "refuse")


_NAMED = zipped(data__pkl=EVIL)


@given(st.integers(0, len(_NAMED) - 1), st.integers(0, 255))
def test_a_changed_byte_hides_no_pickle_that_can_be_read(at: int, byte: int) -> None:
    content = _NAMED[:at] + bytes([byte]) + _NAMED[at + 1 :]
    assert looked({**MODEL, "a.pt": content}).verdict != "pass" or not _reads(content)


def _reads(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read("data.pkl") == EVIL
    except Exception:  # noqa: BLE001 - whatever it is, PyTorch does not load it
        return False
