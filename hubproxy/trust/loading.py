"""Reading a signed file: parsed, then verified against whoever vouches for it.

Stricter than tuf's own loader in three ways. One public key under two key ids does not meet a
threshold of two; tuf counts ids. A snapshot that lists more than any list needs is refused
before a byte of it is fetched. Who has not signed is named.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.signer import Key, Signature  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    Metadata,
    Role,
    Root,
    Snapshot,
    T,
    Targets,
)
from tuf.api.serialization import DeserializationError

from hubproxy.core.digest import Descriptor
from hubproxy.trust.inforce import name_of

LARGEST_LIST = 200 * 1000 * 1000
"""Bytes that all roles of a list may have together: 800,000 records."""


def load(
    kind: type[T],
    data: bytes,
    delegator: Root | Targets | None = None,
    role: str | None = None,
) -> tuple[T, bytes, dict[str, Signature]]:
    """Parse a file of a kind, and see that the delegator's threshold of keys signed it.

    Args:
        delegator: the role above; None for a root that is trusted already.
        role: the name, where it is not the kind's.

    Returns:
        The role, the bytes that were signed, and the signatures.

    Raises:
        RepositoryError: malformed, not signed well enough, or never accepted.
    """
    made, payload = _parse(data)
    signed = made.signed
    if not isinstance(signed, kind):
        raise RepositoryError(f"expected the role {kind.type}, got {signed.type}")
    if delegator is not None:
        verify(delegator, role or kind.type, payload, made.signatures)
    if isinstance(signed, Root | Targets):
        refuse_doubles(signed)
    elif isinstance(signed, Snapshot):
        _refuse_excess(signed)
    return signed, payload, made.signatures


def _parse(data: bytes) -> tuple[Metadata[Any], bytes]:
    """A signed file, and the bytes that were signed, both of one reading.

    The bytes are canonical JSON. tuf makes them in Python and twice, which would be most of the
    work; they are the same as msgspec's, but for what must be escaped.
    """
    try:
        parsed = _DECODER.decode(data)
        payload = msgspec.json.encode(parsed["signed"], order="sorted")
        made: Metadata[Any] = Metadata.from_dict(parsed)
    except Exception as error:  # whatever a stranger's file leads to
        raise DeserializationError("not a file of a trust list") from error
    return made, made.signed_bytes if b"\\" in payload else payload


def _refuse_float(text: str) -> NoReturn:
    raise ValueError(f"{text} is not an integer")


_DECODER = msgspec.json.Decoder(float_hook=_refuse_float)  # floats cannot be signed


def verify(
    delegator: Root | Targets, role: str, payload: bytes, signatures: dict[str, Signature]
) -> None:
    """See that a role is signed as the one above it demands.

    Raises:
        UnsignedMetadataError: the message names the officers whose signature is missing.
        RepositoryError: the delegator does not know the role.
    """
    try:
        result = delegator.get_verification_result(role, payload, signatures)
    except ValueError as error:
        raise RepositoryError(str(error)) from error
    if result:
        return
    missing = sorted(name_of(key) for key in result.unsigned.values() if name_of(key) != key.keyid)
    names = f"; missing: {', '.join(missing)}" if missing else ""
    if isinstance(delegator, Root):
        who, count = f"{role} was signed by", f"{len(result.signed)}/{result.threshold}"
    else:
        who, count = f"team `{role}` signed by", f"{len(result.signed)} of {result.threshold}"
    raise UnsignedMetadataError(f"{who} {count} keys{names}")


def refuse_doubles(delegator: Root | Targets) -> None:
    """See that no role can meet a threshold by one key under two key ids.

    Raises:
        RepositoryError: one can.
    """
    keys, roles = _delegated(delegator)
    for name, role in roles.items():
        if role.threshold > 1 and _doubled(keys[one] for one in role.keyids if one in keys):
            raise RepositoryError(
                f"`{name}` must be signed by {role.threshold} keys, and has one under two key ids"
            )


def delegator_of(role: str, threshold: int, keys: Mapping[str, Mapping[str, Any]]) -> Targets:
    """A role that delegates to one other, as `verify` takes it."""
    known = {keyid: Key.from_dict(keyid, _copy(key)) for keyid, key in keys.items()}
    delegated = DelegatedRole(role, list(known), threshold, terminating=True, paths=[])
    return Targets(delegations=Delegations(known, {role: delegated}))


def is_whole(data: bytes, wanted: Descriptor) -> bool:
    """Whether bytes are the ones that a descriptor names."""
    return len(data) == wanted.size and hashlib.sha256(data).hexdigest() == wanted.digest.hex


def _copy(key: Mapping[str, Any]) -> dict[str, Any]:
    """For `Key.from_dict`, which takes apart what it is given."""
    return {**key, "keyval": dict(key["keyval"])}


def _refuse_excess(snapshot: Snapshot) -> None:
    size = sum(meta.length or 0 for meta in snapshot.meta.values())
    if size > LARGEST_LIST:
        raise RepositoryError(f"the roles have {size} bytes together: more than any list needs")


def _delegated(delegator: Root | Targets) -> tuple[Mapping[str, Key], Mapping[str, Role]]:
    if isinstance(delegator, Root):
        return delegator.keys, delegator.roles
    delegations = delegator.delegations
    return (delegations.keys, delegations.roles or {}) if delegations is not None else ({}, {})


def _doubled(keys: Iterable[Key]) -> bool:
    public = [_public(key) for key in keys]
    return len(set(public)) < len(public)


def _public(key: Key) -> bytes:
    """The key itself, however it is written."""
    text = str(key.keyval.get("public", key.keyval))
    try:
        loaded = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return text.strip().lower().encode()
    return loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
