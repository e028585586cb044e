"""A list as another program would make it: signed by all who may, and with faults in it."""

from collections.abc import Callable
from typing import Any

from tuf.api.metadata import Metadata, MetaFile  # type: ignore[attr-defined]  # no __all__

from tests.trust.board import Board

_OFFICERS = ("ada", "bob", "cyd")


def forge(
    board: Board,
    *,
    root: Callable[[Any], None] = lambda root: None,
    targets: Callable[[Any], None] = lambda targets: None,
) -> None:
    """Publish the next root and targets, changed as told."""
    held = board.list.in_force()
    new_root: Metadata[Any] = Metadata.from_file(
        str(board.metadata / f"{len(held.roots)}.root.json")
    )
    new_root.signed.version += 1
    root(new_root.signed)
    _write(board, "root", new_root, *_OFFICERS)
    new_targets: Metadata[Any] = Metadata.from_file(str(held.role_path("targets")))
    new_targets.signed.version += 1
    targets(new_targets.signed)
    data = _write(board, "targets", new_targets, *_OFFICERS)
    snapshot: Metadata[Any] = Metadata.from_file(str(held.role_path("snapshot")))
    snapshot.signed.version += 1
    snapshot.signed.meta["targets.json"] = MetaFile.from_data(
        new_targets.signed.version, data, ["sha256"]
    )
    data = _write(board, "snapshot", snapshot, "snapshot")
    timestamp: Metadata[Any] = Metadata.from_file(str(board.metadata / "timestamp.json"))
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
    _write(board, "timestamp", timestamp, "timestamp")


def _write(board: Board, name: str, role: Metadata[Any], *signers: str) -> bytes:
    role.signatures.clear()
    for signer in signers:
        role.sign(board.keys[signer], append=True)
    data = role.to_bytes()
    file = "timestamp.json" if name == "timestamp" else f"{role.signed.version}.{name}.json"
    (board.metadata / file).write_bytes(data)
    return data
