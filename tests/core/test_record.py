"""The record of one module."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import (
    CHUNK_SIZE,
    Archive,
    Chunks,
    FileEntry,
    Origin,
    Record,
    target_path,
    tree_digest,
)

HEX = "ab" * 32
FILES = (
    FileEntry(path="saved_model.pb", offset=1024, size=5, sha256="1" * 64),
    FileEntry(path="assets/tokens.txt", offset=2048, size=0, sha256="2" * 64),
)


def a_record(**changes: Any) -> Record:
    """A record that is whole but for `changes`."""
    files = changes.get("files", FILES)
    fields = {
        "handle": "tfhub.dev/google/spice/2",
        "format": "saved_model",
        "archive": Archive(digest=f"sha256:{HEX}", size=CHUNK_SIZE + 1, crc32=7),
        "chunks": Chunks(size=CHUNK_SIZE, sha256=("3" * 64, "4" * 64)),
        "files": files,
        "tree": str(tree_digest(files)),
        "origin": Origin(
            url="https://tfhub.dev/google/spice/2",
            media_type="application/gzip",
            digest=f"sha256:{HEX}",
            size=100,
        ),
        "decided_at": "2024-03-01T00:00:00Z",
    }
    return Record(**{**fields, **changes})


def test_a_record_decodes_to_what_was_encoded() -> None:
    record = a_record(findings=("ReadFile",), reviewers=("ada",))
    assert Record.decode(record.encode()) == record


def test_a_record_is_named_by_the_digest_of_its_canonical_bytes() -> None:
    record = a_record()
    text = record.encode()
    assert record.descriptor.digest.hex == hashlib.sha256(text).hexdigest()
    assert record.descriptor.size == len(text)
    keys = list(json.loads(text))
    assert keys == sorted(keys)
    shuffled = json.dumps(dict(reversed(json.loads(text).items())), indent=2).encode()
    assert Record.decode(shuffled).encode() == text


def test_a_record_knows_its_module_and_its_archive() -> None:
    record = a_record()
    assert record.exact == Handle("tfhub.dev", "google/spice", 2)
    assert record.archive_digest == Digest.of_hex(HEX)


def archive(**changes: Any) -> Archive:
    fields = {"digest": f"sha256:{HEX}", "size": CHUNK_SIZE + 1, "crc32": 7}
    return Archive(**{**fields, **changes})


def file(**changes: Any) -> tuple[FileEntry, ...]:
    fields = {"path": "a", "offset": 0, "size": 1, "sha256": "1" * 64}
    return (FileEntry(**{**fields, **changes}),)


CHUNKS = Chunks(size=CHUNK_SIZE, sha256=("3" * 64,))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"handle": "tfhub.dev/google/spice"}, id="no version"),
        pytest.param({"handle": "https://tfhub.dev/google/spice/2"}, id="an alias"),
        pytest.param({"handle": "../etc"}, id="no handle"),
        pytest.param({"archive": archive(digest="sha256:short")}, id="the archive's digest"),
        pytest.param({"archive": archive(digest=f"md5:{HEX}")}, id="another algorithm"),
        pytest.param({"archive": archive(size=0), "chunks": CHUNKS}, id="an empty archive"),
        pytest.param({"archive": archive(size=-1)}, id="a negative archive"),
        pytest.param({"archive": archive(crc32=-1)}, id="a negative CRC"),
        pytest.param({"archive": archive(crc32=2**32)}, id="a large CRC"),
        pytest.param({"chunks": Chunks(size=1024, sha256=())}, id="chunks of another size"),
        pytest.param({"chunks": CHUNKS}, id="a chunk too few"),
        pytest.param(
            {"chunks": Chunks(size=CHUNK_SIZE, sha256=("3" * 64,) * 3)}, id="a chunk too many"
        ),
        pytest.param(
            {"chunks": Chunks(size=CHUNK_SIZE, sha256=("3" * 64, "x"))}, id="a chunk's digest"
        ),
        pytest.param({"tree": "sha256:short"}, id="the tree's digest"),
        pytest.param({"tree": f"sha256:{HEX}"}, id="another tree"),
        pytest.param({"files": file(sha256="1")}, id="a file's digest"),
        pytest.param({"files": file(size=-1)}, id="a negative file"),
        pytest.param({"files": file(offset=-1)}, id="a file before the archive"),
        pytest.param({"files": file(offset=CHUNK_SIZE + 1)}, id="a file behind the archive"),
        pytest.param({"files": file() + file(offset=5)}, id="a file named twice"),
        pytest.param({"files": file(path=f"a\n{HEX}  b")}, id="a path that forges a line"),
        pytest.param({"format": "exe"}, id="an unknown format"),
        pytest.param({"status": "maybe"}, id="an unknown status"),
        pytest.param({"v": 2}, id="another version"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    text = a_record(**changes).encode()
    with pytest.raises(ValueError, match=r"^not a "):
        Record.decode(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"{}", id="no fields"),
        pytest.param(b'{"\xff":1}', id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(a_record().encode() + b"{}", id="something behind it"),
        pytest.param(a_record().encode()[:-1] + b',"more":1}', id="an unknown field"),
        pytest.param(a_record().encode().replace(b'"size":100', b'"size":1e2'), id="a float"),
        pytest.param(a_record().encode().replace(b'"size":100', b'"size":"1"'), id="a text"),
    ],
)
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a record"):
        Record.decode(text)


@given(st.permutations(FILES))
def test_the_tree_digest_does_not_depend_on_the_order(files: list[FileEntry]) -> None:
    assert tree_digest(files) == tree_digest(FILES)


def test_the_tree_digest_is_that_of_sha256sum() -> None:
    lines = f"{'2' * 64}  assets/tokens.txt\n{'1' * 64}  saved_model.pb\n"
    assert tree_digest(FILES).hex == hashlib.sha256(lines.encode()).hexdigest()


def test_a_target_stands_below_its_handle() -> None:
    exact = Handle.parse("tfhub.dev/google/spice/2")
    assert target_path(exact, "tf1_hub") == "tfhub.dev/google/spice/2/tf1_hub.json"
