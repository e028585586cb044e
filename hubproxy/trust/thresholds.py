"""Whether enough people have signed: counted by their public keys, never by key ids.

TUF 1.0 counts ids, and one key under two ids would meet a threshold of two (its 5.3.4 leaves
the check to whoever writes the role).
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    Key,
    Signature,
    SSlibKey,
)
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
    Targets,
)
from tuf.api.metadata import Role as TufRole  # type: ignore[attr-defined]  # no __all__
from tuf.api.serialization import SerializationError

NAME_FIELD = "x-hubproxy-name"
"""The field of a public key that its holder's name rides on, under the signatures of the role."""

AnyFile = Metadata[Any]
"""A role's file of whatever kind."""

Delegator = Root | Targets


@dataclass(frozen=True, slots=True)
class Count:
    """Who may sign, and who did: each public key once."""

    threshold: int
    signed: tuple[Key, ...]
    missing: tuple[Key, ...]

    @property
    def met(self) -> bool:
        return len(self.signed) >= self.threshold


def count(
    delegator: Delegator, role: str, text: bytes, signatures: Mapping[str, Signature]
) -> Count:
    """Count the signatures that a delegator demands of a role.

    Raises:
        RepositoryError: it delegates to no such role.
    """
    demand = role_of(delegator, role)
    signed: dict[str, Key] = {}
    unsigned: dict[str, Key] = {}
    for key in keys_of(delegator, role):
        signature = signatures.get(key.keyid)
        own = identity(key)
        if signature is not None and verifies(key, signature, text):
            signed.setdefault(own, key)
        else:
            unsigned.setdefault(own, key)
    missing = tuple(key for own, key in unsigned.items() if own not in signed)
    return Count(demand.threshold, tuple(signed.values()), missing)


def check_signed(delegator: Delegator, role: str, file: AnyFile) -> None:
    """See that a role's file has the signatures that a delegator demands.

    Raises:
        UnsignedMetadataError: it has not.
        RepositoryError: there is no such role.
    """
    found = count(delegator, role, payload(file), file.signatures)
    if not found.met:
        missing = ", ".join(map(name_of, found.missing)) or "anybody"
        raise UnsignedMetadataError(
            f"{role} was signed by {len(found.signed)}/{found.threshold} keys; missing: {missing}"
        )


def payload(file: AnyFile) -> bytes:
    """What is signed of a file: its canonical JSON.

    Raises:
        RepositoryError: it holds what cannot be signed, such as a float.
    """
    try:
        return file.signed_bytes
    except SerializationError as error:
        where = ", ".join(_floats(file.signed.to_dict())) or "an unknown place"
        raise RepositoryError(
            f"{file.signed.type} holds what cannot be signed: a float at {where}"
        ) from error


def role_of(delegator: Delegator, role: str) -> TufRole:
    """What a delegator demands for a role.

    Raises:
        RepositoryError: it delegates to no such role.
    """
    try:
        return delegator.get_delegated_role(role)
    except ValueError as error:
        raise RepositoryError(str(error)) from error


def keys_of(delegator: Delegator, role: str) -> tuple[Key, ...]:
    """The keys that may sign a role, in the order in which they stand there."""
    found = []
    for keyid in role_of(delegator, role).keyids:
        with suppress(ValueError):  # an id without its key
            found.append(delegator.get_key(keyid))
    return tuple(found)


def identity(key: Key) -> str:
    """What is the same for the same public key, whatever its id, scheme or spelling."""
    der = _der(key)
    return hashlib.sha256(der or str(key.keyval).encode()).hexdigest()


def public_half(key: Key) -> PublicKeyTypes | None:
    """What a key's text holds; None where that is nothing to verify with."""
    text = str(key.keyval.get("public", ""))
    try:
        if key.keytype == "ed25519":
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
        return load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None


def has_own_id(key: Key) -> bool:
    """Whether a key's id is the one that follows from what it is.

    Roles name keys by id alone: under another's id a key would take that one's place.
    """
    public = public_half(key)
    if public is None:
        return False
    try:
        return SSlibKey.from_crypto(public, scheme=key.scheme).keyid == key.keyid
    except ValueError:
        return False


def fingerprint(file: AnyFile) -> str:
    """sha256 of what is signed in a file: the same whoever has signed it so far."""
    return hashlib.sha256(file.signed_bytes).hexdigest()


def name_of(key: Key) -> str:
    """The name of whoever holds a key, or its id."""
    return str(key.unrecognized_fields.get(NAME_FIELD, key.keyid))


def named(key: Key, name: str) -> Key:
    """The same key with its holder's name on it."""
    return Key.from_dict(key.keyid, {**key.to_dict(), NAME_FIELD: name})


def verifies(key: Key, signature: Signature, payload: bytes) -> bool:
    try:
        key.verify_signature(signature, payload)
    except UnverifiedSignatureError:
        return False
    return True


def _der(key: Key) -> bytes | None:
    public = public_half(key)
    if public is None:
        return None
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _floats(value: Any, path: str = "") -> Iterator[str]:
    """Where the floats are: canonical JSON has none."""
    if isinstance(value, float):
        yield path.lstrip("/")
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in items:
            yield from _floats(inner, f"{path}/{name}")
