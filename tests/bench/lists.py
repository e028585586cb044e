"""A large trust list, written by the TUF library alone: quick to make, with nothing of ours."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Key  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    T,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

_COMPACT = JSONSerializer(compact=True)
_RECORD_SIZE = 41_873


def handle(team: int, module: int) -> str:
    """The exact handle of a module of a list."""
    return f"tfhub.dev/publisher-{team:02}/universal-sentence-encoder-{module:04}/{module % 9 + 1}"


def make(folder: Path, *, records: int, teams: int) -> Path:
    """Publish so many records, the same for each team, below an officers' role without any.

    Returns:
        The root, in the folder.
    """
    place = folder / "metadata"
    place.mkdir(parents=True)
    expires = datetime.now(UTC) + timedelta(days=30)
    officer, online, team_key = (CryptoSigner.generate_ed25519() for _ in range(3))
    root = Root(expires=expires)
    for kind, signer in (
        ("root", officer),
        ("targets", officer),
        ("snapshot", online),
        ("timestamp", online),
    ):
        root.add_key(signer.public_key, kind)
    names = [f"publisher-{number:02}" for number in range(teams)]
    delegated = {
        name: DelegatedRole(
            name,
            [team_key.public_key.keyid],
            1,
            terminating=True,
            paths=[f"tfhub.dev/{name}/*/*/*"],
        )
        for name in names
    }
    keys: dict[str, Key] = {team_key.public_key.keyid: team_key.public_key}
    top = Targets(expires=expires, delegations=Delegations(keys, delegated))
    files = {"targets": _put(place / "1.targets.json", top, officer)}
    for number, name in enumerate(names):
        paths = [f"{handle(number, module)}/saved_model.json" for module in range(records // teams)]
        targets = {path: TargetFile(_RECORD_SIZE, _hashes(path), path) for path in paths}
        role = Targets(expires=expires, targets=targets)
        files[name] = _put(place / f"1.{name}.json", role, team_key)
    snapshot = Snapshot(
        expires=expires,
        meta={f"{name}.json": _meta(data) for name, data in files.items()},
    )
    timestamp = Timestamp(
        expires=expires, snapshot_meta=_meta(_put(place / "1.snapshot.json", snapshot, online))
    )
    _put(place / "timestamp.json", timestamp, online)
    _put(place / "1.root.json", root, officer)
    return place / "1.root.json"


def _put(path: Path, signed: T, signer: CryptoSigner) -> bytes:
    made = Metadata(signed)
    made.sign(signer)
    data = made.to_bytes(_COMPACT)
    path.write_bytes(data)
    return data


def _meta(data: bytes) -> MetaFile:
    return MetaFile.from_data(1, data, ["sha256"])


def _hashes(path: str) -> dict[str, str]:
    return {"sha256": hashlib.sha256(path.encode()).hexdigest()}
