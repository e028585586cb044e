"""Signing what was built, and seeing that each signature counts."""

from collections.abc import Iterable, Mapping, Sequence

from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    Key,
    Signature,
    Signer,
)
from tuf.api.exceptions import RepositoryError
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
from hubproxy.trust.build import Built, Part
from hubproxy.trust.thresholds import (
    AnyFile,
    check_signed,
    identity,
    keys_of,
    name_of,
    verifies,
)

Keys = Signer | Sequence[Signer]
"""One key, or several."""
_STATUS = "`hubproxy trust status` shows whose keys may sign, and how many must."


def several(keys: Keys) -> tuple[Signer, ...]:
    """Keys as a sequence; one that is given twice once."""
    given = (keys,) if isinstance(keys, Signer) else keys
    return tuple({identity(key.public_key): key for key in given}.values())


def sign_built(built: Built, signer: Signer) -> str:
    """Sign every new file that this key has a part in; returns its holder's name.

    Signing again what it has signed changes nothing.

    Raises:
        UsageError: it has a part in none, or what it signs does not verify.
    """
    check_has_part(built, signer)
    name = ""
    for part in built.parts():
        for key in _own(part, signer):
            _sign(part.file, key, signer)
            name = name_of(key)
    return name


def check_has_part(built: Built, signer: Signer) -> None:
    """See that a key may sign one of the new files.

    Raises:
        UsageError: it may not; the message names those that may.
    """
    if not any(_own(part, signer) for part in built.parts()):
        names = dict.fromkeys(name_of(key) for part in built.parts() for key in _holders(part))
        raise UsageError(f"this key is not one of: {', '.join(names)}", remedy=_STATUS)


def take_signatures(part: Part, signatures: Mapping[str, Signature]) -> None:
    """Put those signatures on a new file that verify, and that somebody demands."""
    payload = part.file.signed_bytes
    for key in _holders(part):
        signature = signatures.get(key.keyid)
        if signature is not None and verifies(key, signature, payload):
            part.file.signatures[key.keyid] = Signature(key.keyid, signature.signature)


def sign_online(
    role: Snapshot | Timestamp, roots: Sequence[Root], online: Iterable[Signer]
) -> bytes:
    """The file of snapshot or timestamp, signed as each of the roots demands.

    Raises:
        UsageError: the keys at hand do not suffice.
    """
    made: AnyFile = Metadata(role)
    for signer in online:
        for root in roots:
            for key in keys_of(root, role.type):
                if identity(key) == identity(signer.public_key):
                    _sign(made, key, signer)
    for root in roots:
        try:
            check_signed(root, role.type, made)
        except RepositoryError as error:
            raise UsageError(
                f"this key may not sign for the trust list: {error}", remedy=_STATUS
            ) from error
    return to_file(made)


def meta_file(role: Targets | Snapshot, data: bytes) -> MetaFile:
    """What the role above says of a file: version, length and sha256, against mix and match."""
    return MetaFile.from_data(role.version, data, ["sha256"])


def to_file(role: AnyFile) -> bytes:
    """A role as it is written."""
    return role.to_bytes(JSONSerializer(compact=True))


def _own(part: Part, signer: Signer) -> list[Key]:
    own = identity(signer.public_key)
    return [key for key in _holders(part) if identity(key) == own]


def _holders(part: Part) -> list[Key]:
    """The keys that may sign a new file, as whoever demands it; each id once."""
    found = {
        key.keyid: key for _, delegator in part.demands for key in keys_of(delegator, part.role)
    }
    return list(found.values())


def _sign(file: AnyFile, key: Key, signer: Signer) -> None:
    payload = file.signed_bytes
    held = file.signatures.get(key.keyid)
    if held is not None and verifies(key, held, payload):
        return
    try:
        made = Signature(key.keyid, signer.sign(payload).signature)
    except Exception as error:  # a token's driver may raise anything
        raise UsageError(f"the key of {name_of(key)} could not sign: {error}") from error
    if not verifies(key, made, payload):
        raise UsageError(
            f"what the key of {name_of(key)} signed does not verify: the private key is another"
        )
    file.signatures[key.keyid] = made
