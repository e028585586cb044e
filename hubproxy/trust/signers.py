"""Who signed a role of a list: by name, and only those whose signatures are good."""

from threading import Lock

import msgspec
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.audit import timestamp
from hubproxy.core.roles import TOP
from hubproxy.core.signatures import Signatures
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.trust.client import TrustClient
from hubproxy.trust.inforce import name_of


class Signers:
    """Tells who signed roles, and remembers it: a large role is read once, however many ask.

    Args:
        client: reads the list.
    """

    def __init__(self, client: TrustClient) -> None:
        self._client = client
        self._told: dict[str, tuple[object, Signatures]] = {}
        self._reading = Lock()

    def __call__(self, snapshot: TrustSnapshot, name: str) -> Signatures:
        """As `signatures`. Blocks, and never reads two at a time."""
        by = snapshot.versions.root if name == TOP else snapshot.delegation(name)
        key = (snapshot.roles[name].version, snapshot.files.get(name), by)
        with self._reading:
            told = self._told.get(name)
            if told is None or told[0] != key:
                told = self._told[name] = key, signatures(self._client, snapshot, name)
        return told[1]


def signatures(client: TrustClient, snapshot: TrustSnapshot, name: str) -> Signatures:
    """Who signed a role that a list was read from.

    Raises:
        TrustListError: its file is not here, as another list has come into force meanwhile.
    """
    try:
        version = snapshot.roles[name].version
        signed = Metadata.from_bytes(_file(client, f"metadata/{version}.{name}.json"))
        if name == TOP:
            root = _file(client, f"metadata/{snapshot.versions.root}.root.json")
            keys, threshold = _top_keys(root)
        else:
            delegation = snapshot.delegation(name)
            assert delegation is not None  # it was read by it
            threshold = delegation.threshold
            keys = {
                keyid: Key.from_dict(keyid, msgspec.to_builtins(key))
                for keyid, key in delegation.keys.items()
            }
    except RepositoryError as error:
        raise TrustListError("HP-T09", f"who signed {name} cannot be told: {error}") from error
    content = signed.signed_bytes
    good = {keyid for keyid, key in keys.items() if _is_good(key, signed, content)}
    return Signatures(
        role=name,
        version=version,
        expires=timestamp(signed.signed.expires),
        threshold=threshold,
        signed=tuple(sorted(name_of(keys[keyid]) for keyid in good)),
        missing=tuple(sorted(name_of(keys[keyid]) for keyid in keys.keys() - good)),
    )


def _top_keys(data: bytes) -> tuple[dict[str, Key], int]:
    root = Metadata.from_bytes(data).signed
    assert isinstance(root, Root)
    role = root.roles[TOP]
    return {keyid: root.keys[keyid] for keyid in role.keyids}, role.threshold


def _is_good(key: Key, signed: Metadata, content: bytes) -> bool:  # type: ignore[type-arg]  # of any role
    signature = signed.signatures.get(key.keyid)
    if signature is None:
        return False
    try:
        key.verify_signature(signature, content)
    except (UnverifiedSignatureError, VerificationError):
        return False
    return True


def _file(client: TrustClient, name: str) -> bytes:
    data = client.published(name)
    if data is None:
        raise TrustListError(
            "TRUST_CHANGED", f"the trust list changed while {name} was read", remedy="Ask again."
        )
    return data
