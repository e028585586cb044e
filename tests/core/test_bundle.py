"""What a bundle carries, and how it lies on its volumes."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.bundle import (
    LARGEST_TEXT,
    Bundle,
    BundleFile,
    BundleModule,
    find_bundle,
    find_config,
    split_volumes,
    texts,
)


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def module(name: str, *, volume: int = 1, archive: str = "", form: Any = "saved_model") -> Any:
    return BundleModule(
        handle=name,
        format=form,
        record=digest(f"record {name}"),
        archive=digest(archive or f"archive {name}"),
        size=100,
        volume=volume,
    )


def bundle(*modules: BundleModule, volumes: int = 1, **more: Any) -> Bundle:
    records = {one.record for one in modules}
    files = [
        BundleFile(name=f"records/{one[7:9]}/{one[7:]}.json", digest=one, size=10)
        for one in records
    ]
    files.append(BundleFile(name="metadata/timestamp.json", digest=digest("timestamp"), size=20))
    return Bundle(
        volumes=volumes,
        modules=modules,
        files=tuple(sorted(files, key=lambda one: one.name)),
        **more,
    )


SPICE = module("tfhub.dev/google/spice/2")
NNLM = module("tfhub.dev/google/nnlm/1", volume=2)
BOTH = bundle(NNLM, SPICE, volumes=2)


def test_what_is_written_is_what_is_read() -> None:
    assert Bundle.decode(BOTH.encode()) == BOTH
    assert str(BOTH.digest) == f"sha256:{hashlib.sha256(BOTH.encode()).hexdigest()}"


def test_the_metadata_is_no_part_of_what_a_timestamp_can_bind() -> None:
    other = [
        msgspec.structs.replace(one, size=21) if one.name.startswith("metadata/") else one
        for one in BOTH.files
    ]
    renewed = msgspec.structs.replace(BOTH, files=tuple(other))
    assert renewed.digest != BOTH.digest
    assert renewed.contents == BOTH.contents
    assert bundle(SPICE).contents != BOTH.contents


def test_each_volume_lists_the_modules_that_it_has() -> None:
    for number, one in ((1, SPICE), (2, NNLM)):
        index, blobs = texts(BOTH, number)
        found = json.loads(index)
        first, second = found["manifests"]
        assert first["annotations"]["dev.hubproxy.volume"] == str(number)
        manifest = json.loads(blobs[second["digest"]])
        assert manifest["config"]["digest"] == one.record
        assert [layer["digest"] for layer in manifest["layers"]] == [one.archive]
        assert list(BOTH.archives(number)) == [one.archive]


def test_the_way_from_the_index_to_the_bundle_is_found() -> None:
    index, blobs = texts(BOTH, 2)
    described, number = find_bundle(index)
    config = find_config(blobs[str(described.digest)])
    assert number == 2
    assert Bundle.decode(blobs[str(config.digest)]) == BOTH


def test_names_that_would_be_one_tag_are_told_apart() -> None:
    same = [module("tfhub.dev/a/b_c/1"), module("tfhub.dev/a_b/c/1")]
    long = module(f"tfhub.dev/{'x' * 90}/{'y' * 90}/1")
    plus = module("tfhub.dev/a/b+c/1")
    made = bundle(*sorted([*same, long, plus], key=lambda one: one.handle))
    tags = [
        one["annotations"]["org.opencontainers.image.ref.name"]
        for one in json.loads(texts(made, 1)[0])["manifests"]
    ]
    assert len(set(tags)) == 5
    assert all(len(tag) <= 128 and "+" not in tag and "/" not in tag for tag in tags)


def test_an_archive_of_two_modules_lies_once() -> None:
    two = bundle(module("tfhub.dev/a/b/1", archive="x"), module("tfhub.dev/a/c/1", archive="x"))
    assert Bundle.decode(two.encode()) == two
    assert [one.handle for one in two.archives(1).values()] == ["tfhub.dev/a/b/1"]


def changed(**fields: Any) -> bytes:
    return msgspec.structs.replace(BOTH, **fields).encode()


def module_changed(**fields: Any) -> bytes:
    return changed(modules=(msgspec.structs.replace(NNLM, **fields), SPICE))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not a bundle"),
        (b"\xff", "not a bundle"),
        (BOTH.encode() + b" ", "not written as bundles are"),
        (BOTH.encode().replace(b'"v":1', b'"v":2'), "not a bundle"),
        (changed(modules=(SPICE, NNLM)), "not sorted"),
        (changed(modules=(SPICE, SPICE)), "twice"),
        (changed(files=tuple(reversed(BOTH.files))), "not sorted"),
        (changed(volumes=0), "no volume"),
        (changed(volumes=1), "volume of"),
        (
            changed(files=(*BOTH.files, BundleFile(name="x", digest=digest("x"), size=-1))),
            "too large",
        ),
        (
            changed(
                files=(*BOTH.files, BundleFile(name="x", digest=digest(""), size=LARGEST_TEXT + 1))
            ),
            "too large",
        ),
        (changed(files=(*BOTH.files, BundleFile(name="x", digest="md5:0", size=1))), "digest"),
        (module_changed(handle="https://tfhub.dev/google/nnlm/1"), "no exact handle"),
        (module_changed(handle="tfhub.dev/google/nnlm"), "no exact handle"),
        (module_changed(record=digest("another")), "lacks the record"),
        (module_changed(size=0), "size or volume"),
        (module_changed(volume=3), "size or volume"),
        (module_changed(archive="x"), "digest"),
        (module_changed(archive=SPICE.archive), "in two volumes"),
    ],
)
def test_what_contradicts_itself_is_no_bundle(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Bundle.decode(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"manifests":[]}',
        b'{"manifests":' + b"[" * 200_000,
        b'{"manifests":[{"artifactType":"application/vnd.example"}]}',
        texts(BOTH, 1)[0].replace(b'"1"', b'"one"'),
        texts(BOTH, 1)[0].replace(b'"size":', b'"size":-'),
    ],
)
def test_an_index_of_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not the index of a bundle"):
        find_bundle(text)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[" * 200_000, b'{"config":{"digest":"sha256:0","size":1}}']
)
def test_a_manifest_of_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not the manifest of a bundle"):
        find_config(text)


@given(st.lists(st.integers(1, 400_000), max_size=20), st.integers(500_000, 900_000))
def test_no_volume_is_larger_than_its_limit(sizes: list[int], limit: int) -> None:
    files = [BundleFile(name="x", digest=digest("x"), size=1000)]
    archives = [("tfhub.dev/a/b/1", digest(str(at)), size) for at, size in enumerate(sizes)]
    dealt = split_volumes(archives, files, limit)
    assert len(dealt) == len(sizes)
    for volume in set(dealt.values()):
        held = [size for _, one, size in archives if dealt[one] == volume]
        assert sum(held) + 1000 < limit
    assert sorted(set(dealt.values())) == list(range(1, max(dealt.values(), default=0) + 1))


def test_without_a_limit_there_is_one_volume() -> None:
    archives = [("tfhub.dev/a/b/1", digest("a"), 10**12), ("tfhub.dev/a/c/1", digest("a"), 10**12)]
    assert split_volumes(archives, [], 0) == {digest("a"): 1}


def test_what_no_volume_can_hold_is_named() -> None:
    with pytest.raises(ValueError, match=r"tfhub\.dev/a/b/1 has 1,000,000 bytes"):
        split_volumes([("tfhub.dev/a/b/1", digest("a"), 1_000_000)], [], 1_000_000)
