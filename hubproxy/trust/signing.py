"""Signing a role, and seeing that the signature counts before anything is written."""

from typing import TypeVar

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from hubproxy.errors import UsageError

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)


def sign(root: Root, role: _Role, signer: CryptoSigner) -> bytes:
    """The role's file, if the signature is all that the root demands.

    Raises:
        UsageError: it is not.
    """
    made: Metadata[_Role] = Metadata(role)
    made.sign(signer)
    try:
        root.verify_delegate(role.type, made.signed_bytes, made.signatures)
    except UnsignedMetadataError as error:
        raise UsageError(
            f"this key may not sign for the trust list: {error}",
            remedy="`hubproxy trust status` shows whose keys may sign, and how many must.",
        ) from error
    return made.to_bytes(JSONSerializer(compact=True))


def check_author(root: Metadata[Root], officer: CryptoSigner) -> None:
    """See that the officer signed the root.

    A folder proves itself from its own first root only. The officer's signature shows that
    nobody put another chain of roots there, with the officer's key among others.

    Raises:
        UsageError: the officer did not.
    """
    key = officer.public_key
    try:
        key.verify_signature(root.signatures[key.keyid], root.signed_bytes)
    except (KeyError, UnverifiedSignatureError) as error:
        raise UsageError(
            "this officer's key did not sign the root of the trust list",
            remedy="`hubproxy trust status` shows whose keys may sign it.",
        ) from error


def meta_file(role: Targets | Snapshot, data: bytes) -> MetaFile:
    """What the role above says of a file: version, length and sha256, against mix and match."""
    return MetaFile.from_data(role.version, data, ["sha256"])
