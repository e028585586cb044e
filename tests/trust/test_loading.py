"""A signed file, and the bytes that its signatures are over."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from hubproxy.trust.inforce import named
from hubproxy.trust.loading import load

OFFICER = CryptoSigner.generate_ecdsa()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def officers(threshold: int = 1, *others: CryptoSigner) -> Root:
    root = Root()
    for number, signer in enumerate((OFFICER, *others)):
        root.add_key(named(signer.public_key, f"officer-{number}"), "targets")
    root.roles["targets"].threshold = threshold
    return root


def signed(role: Any, *signers: CryptoSigner) -> bytes:
    made: Metadata[Any] = Metadata(role)
    for signer in signers:
        made.sign(signer, append=True)
    return made.to_bytes(JSONSerializer(compact=True))


@given(JSON, st.text(max_size=12))
def test_the_signed_bytes_are_those_of_canonical_json(field: Any, path: str) -> None:
    targets = Targets(unrecognized_fields={"field": field})
    targets.targets[path] = TargetFile(1, {"sha256": "ab" * 32}, path, {"custom": field})

    loaded, payload, _ = load(Targets, signed(targets, OFFICER), officers())

    assert payload.decode() == encode_canonical(loaded.to_dict())


@pytest.mark.parametrize(
    "text", ['"', "\\", "\n", "\x00", "\x7f", "\u2028", "é", "\U0001f600", "/", "<&>", ""]
)
def test_every_text_is_signed_as_the_tuf_library_signs_it(text: str) -> None:
    load(Targets, signed(Targets(unrecognized_fields={"x": text}), OFFICER), officers())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="nothing signed"),
        pytest.param(b'{"signed": {}, "signatures": []}', id="nothing in it"),
        pytest.param(b'{"signed": 1, "signatures": []}', id="a number"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"signed":' * 5_000 + b"1" + b"}" * 5_000, id="deep objects"),
        pytest.param(b'{"signed": {"_type": "targets", "x": NaN}}', id="not a number"),
        pytest.param(b'{"signed": {"_type": "x"}, "signatures": []}', id="an unknown role"),
    ],
)
def test_what_is_not_a_file_of_a_list_is_refused(data: bytes) -> None:
    with pytest.raises(RepositoryError, match="not a file of a trust list"):
        load(Targets, data, officers())


@pytest.mark.parametrize("number", ["1.5", "1e3", "-0.0", "1E400"])
def test_a_float_is_refused_since_it_cannot_be_signed(number: str) -> None:
    text = signed(Targets(unrecognized_fields={"x": 77}), OFFICER)

    with pytest.raises(RepositoryError, match="not a file") as told:
        load(Targets, text.replace(b"77", number.encode()), officers())
    assert "is not an integer" in str(told.value.__cause__)


def test_a_field_that_comes_twice_cannot_say_two_things() -> None:
    """What is checked and what is used come from one reading."""
    text = signed(Targets(version=7), OFFICER)
    for twice in (b'"version":7,"version":8', b'"version":8,"version":7'):
        data = text.replace(b'"version":7', twice)
        try:
            loaded, _, _ = load(Targets, data, officers())
        except UnsignedMetadataError:
            continue
        assert loaded.version == 7


def test_a_file_of_another_role_is_refused() -> None:
    with pytest.raises(RepositoryError, match="expected the role targets, got snapshot"):
        load(Targets, signed(Snapshot(), OFFICER), officers())


def test_who_has_not_signed_is_named() -> None:
    other, third = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    data = signed(Targets(), third)

    with pytest.raises(UnsignedMetadataError) as told:
        load(Targets, data, officers(2, other, third))
    assert str(told.value) == "targets was signed by 1/2 keys; missing: officer-0, officer-1"


def test_a_key_without_a_name_is_not_named() -> None:
    root = Root()
    root.add_key(OFFICER.public_key, "timestamp")

    with pytest.raises(UnsignedMetadataError) as told:
        load(Timestamp, signed(Timestamp()), root)
    assert str(told.value) == "timestamp was signed by 0/1 keys"


def test_a_changed_byte_is_noticed() -> None:
    data = json.loads(signed(Targets(unrecognized_fields={"x": "a"}), OFFICER))
    load(Targets, json.dumps(data).encode(), officers())
    data["signed"]["x"] = "b"

    with pytest.raises(UnsignedMetadataError):
        load(Targets, json.dumps(data).encode(), officers())
