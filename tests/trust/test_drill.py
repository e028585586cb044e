"""The compromised-key drill: what a thief of each kind of key can do, and how it is ended.

A thief has the published folder's host as well wherever it helps him: he writes what he likes
there. What counts is what readers believe: hubproxy's own, and tuf's, with nothing but the first
root.
"""

from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    MetaFile,
    TargetFile,
)

from hubproxy.core.handle import Handle
from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.changes import Member, Officer, Online, PublicKey, Put, Undelegate
from hubproxy.trust.proposing import revoke
from tests.trust.board import Board
from tests.trust.crashing import CrashError, CrashingWrite
from tests.trust.published import SPICE_PATH, make_record

RECORD = make_record()
OFFICERS = make_record("h.org/a/1")
EVIL = "tfhub.dev/google/evil/1/saved_model.json"
ELSEWHERE = "tfhub.dev/meta/evil/1/saved_model.json"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    board.approve(RECORD, by=("lea",))
    board.approve(OFFICERS, by=("ada", "bob"))
    return board


def key(board: Board, name: str, holder: str = "") -> PublicKey:
    return PublicKey.of(board.keys[name].public_key, holder)


class Thief:
    """Signs what he likes with the keys that he has, and writes it where readers read."""

    def __init__(self, board: Board, *names: str) -> None:
        self.board = board
        self.keys = [board.keys[name] for name in names]

    def role(self, name: str) -> Metadata[Any]:
        held = self.board.list.in_force()
        return Metadata.from_file(str(held.role_path(name)))

    def publish(self, name: str, *paths: str) -> None:
        """List paths in a role, and bind it by the next snapshot and timestamp."""
        role = self.role(name)
        for path in paths:
            role.signed.targets[path] = TargetFile(1, {"sha256": "0" * 64}, path)
        role.signed.version += 1
        data = self._write(f"{role.signed.version}.{name}.json", role)
        snapshot = self.role("snapshot")
        snapshot.signed.version += 1
        snapshot.signed.meta[f"{name}.json"] = MetaFile.from_data(
            role.signed.version, data, ["sha256"]
        )
        data = self._write(f"{snapshot.signed.version}.snapshot.json", snapshot)
        timestamp: Metadata[Any] = Metadata.from_file(str(self.board.metadata / "timestamp.json"))
        timestamp.signed.version += 1
        timestamp.signed.snapshot_meta = MetaFile.from_data(
            snapshot.signed.version, data, ["sha256"]
        )
        self._write("timestamp.json", timestamp)

    def _write(self, name: str, role: Metadata[Any]) -> bytes:
        role.signatures.clear()
        for stolen in self.keys:
            role.sign(stolen, append=True)
        data = role.to_bytes()
        (self.board.metadata / name).write_bytes(data)
        return data


def test_row_8_a_teams_stolen_key_lists_nothing_outside_of_its_paths(board: Board) -> None:
    """With the server as well, the thief lists within the team's paths, until the officers act."""
    kept = board.copy("kept")
    Thief(board, "lea", "snapshot", "timestamp").publish("nlp", EVIL, ELSEWHERE)
    assert board.found(EVIL) is not None
    assert board.found(ELSEWHERE) is None
    board.restore(kept)

    board.publish(Member(team="nlp", name="lea", key=key(board, "new")), by=("ada", "bob", "new"))
    assert board.found(SPICE_PATH) is not None
    assert board.found("h.org/a/1/saved_model.json") is not None
    assert [role.keys for role in board.list.status() if role.name == "nlp"] == [("lea",)]

    # The old key is refused by name, by the officers' side and by readers.
    with pytest.raises(UsageError, match="this key is not one of: lea"):
        board.approve(make_record("tfhub.dev/google/x/1"), by=("lea",))
    Thief(board, "lea", "snapshot", "timestamp").publish("nlp", EVIL)
    with pytest.raises(RepositoryError, match="nlp was signed by 0/1 keys"):
        board.found(EVIL)
    assert board.found("h.org/a/1/saved_model.json") is not None
    with pytest.raises(TrustListError, match="nlp was signed by 0/1 keys"):
        board.list.status()


def test_row_8_what_a_thief_has_listed_goes_with_the_team(board: Board) -> None:
    Thief(board, "lea", "snapshot", "timestamp").publish("nlp", EVIL)
    board.publish(Undelegate(team="nlp"))

    assert board.found(EVIL) is None
    assert board.found(SPICE_PATH) is None
    assert board.found("h.org/a/1/saved_model.json") is not None
    # The team may come back, with a new key and nothing that was listed; its versions go on.
    board.delegate("new")
    assert board.found(EVIL) is None
    board.approve(RECORD, by=("new",))
    assert board.found(SPICE_PATH) is not None
    assert [role.version for role in board.list.status() if role.name == "nlp"] == [5]


def test_row_8_officers_take_back_over_a_teams_head(board: Board) -> None:
    contents = board.contents()
    changes = revoke(
        board.list, Handle.parse(RECORD.handle), contents, reason="stolen key",
        by=("ada", "bob"), at=board.clock(),
    )  # fmt: skip
    board.publish(*changes, contents=contents)

    found = board.found(SPICE_PATH)
    assert found is not None
    assert found.custom == {"status": "revoked"}
    # Also when the team lists it again.
    record = RECORD.descriptor
    again = Put(role="nlp", path=SPICE_PATH, digest=str(record.digest), size=record.size)
    board.publish(again, by=("lea",))
    found = board.found(SPICE_PATH)
    assert found is not None
    assert found.custom == {"status": "revoked"}
    assert SPICE_PATH in board.reader().refresh().roles["targets"].revoked


def test_row_9_one_officers_stolen_key_lists_nothing(board: Board) -> None:
    client = board.reader()
    before = client.refresh()
    kept = board.copy("kept")
    Thief(board, "bob", "snapshot", "timestamp").publish("targets", EVIL)
    with pytest.raises(TrustListError, match=r"targets (was )?signed by 1(/| of )2"):
        client.refresh()
    with pytest.raises(RepositoryError, match="targets was signed by 1/2 keys"):
        board.found(EVIL)
    assert client.cached() == before
    board.restore(kept)

    board.publish(Officer(name="bob", key=key(board, "new")), by=("ada", "cyd"))

    found = client.refresh()
    assert found.versions.root == 2
    assert board.found(SPICE_PATH) is not None
    with pytest.raises(UsageError, match="this key is not one of: ada, cyd, bob"):
        board.approve(make_record("h.org/b/1"), by=("bob",))
    # bob's old key and one more are not two any longer.
    Thief(board, "bob", "cyd", "snapshot", "timestamp").publish("targets", EVIL)
    with pytest.raises(TrustListError, match=r"targets (was )?signed by 1(/| of )2"):
        client.refresh()
    with pytest.raises(TrustListError, match=r"targets (was )?signed by 1(/| of )2"):
        board.reader("fresh").refresh()


def test_row_9_a_root_that_is_held_back_is_noticed(board: Board) -> None:
    """min_root goes up with the root: who hides the new one is told from who has none."""
    board.publish(Officer(name="bob", key=key(board, "new")), by=("ada", "cyd"))
    (board.metadata / "2.root.json").unlink()

    with pytest.raises(TrustListError, match="trusted root is version 1, the list demands 2") as no:
        board.reader().refresh()
    assert no.value.code == "HP-T15"


def test_row_10_stolen_online_keys_add_nothing_and_take_nothing_back(board: Board) -> None:
    client = board.reader()
    before = client.refresh()
    kept = board.copy("kept")
    thief = Thief(board, "snapshot", "timestamp")

    thief.publish("targets", EVIL)
    with pytest.raises(TrustListError, match=r"targets (was )?signed by 0(/| of )2"):
        client.refresh()
    board.restore_only(kept)

    # An older list, under new numbers.
    snapshot = thief.role("snapshot")
    snapshot.signed.version += 1
    old = (board.metadata / "1.targets.json").read_bytes()
    snapshot.signed.meta["targets.json"] = MetaFile.from_data(1, old, ["sha256"])
    data = thief._write(f"{snapshot.signed.version}.snapshot.json", snapshot)
    timestamp: Metadata[Any] = Metadata.from_file(str(board.metadata / "timestamp.json"))
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
    thief._write("timestamp.json", timestamp)
    with pytest.raises(TrustListError) as told:
        client.refresh()
    assert told.value.code in ("HP-T08", "HP-T09")
    assert client.cached() == before
    board.restore_only(kept)

    board.publish(
        Online(role="snapshot", key=key(board, "new")),
        Online(role="timestamp", key=key(board, "eve")),
        online=("snapshot", "timestamp", "new", "eve"),
    )
    found = client.refresh()
    assert found.versions.root == 2
    assert board.found(SPICE_PATH) is not None
    thief.publish("targets")
    with pytest.raises(TrustListError, match=r"timestamp (was )?signed by 0(/| of )1"):
        client.refresh()
    with pytest.raises(TrustListError, match="timestamp was signed by 0/1"):
        board.list.renew(online=[board.keys["new"], board.keys["eve"]])


def test_row_10_readers_come_back_from_numbers_that_a_thief_ran_up(board: Board) -> None:
    """A new key for snapshot and timestamp ends the memory of what the old ones signed."""
    client = board.reader()
    client.refresh()
    kept = board.copy("kept")
    thief = Thief(board, "snapshot", "timestamp")
    timestamp: Metadata[Any] = Metadata.from_file(str(board.metadata / "timestamp.json"))
    timestamp.signed.version = 2**31
    thief._write("timestamp.json", timestamp)
    assert client.refresh().versions.timestamp == 2**31
    board.restore_only(kept)
    with pytest.raises(TrustListError) as told:
        client.refresh()
    assert told.value.code == "HP-T08"

    board.publish(
        Online(role="snapshot", key=key(board, "new")),
        Online(role="timestamp", key=key(board, "new")),
        online=("new",),
    )

    found = client.refresh()
    assert (found.versions.root, found.online_since) == (2, 2)
    assert client.cached().online_since == 2


def test_row_10_lost_online_keys_are_replaced_by_the_officers_alone(board: Board) -> None:
    """Without the old keys there is a moment that readers refuse; they keep what they have."""
    draft = board.sign(
        board.draft(
            Online(role="snapshot", key=key(board, "new")),
            Online(role="timestamp", key=key(board, "new")),
        ),
        "ada",
        "bob",
    )
    client = board.reader()
    before = client.refresh()
    with pytest.raises(CrashError):
        draft.publish(board.repository(CrashingWrite(1, after=False)), board.keys["new"])

    assert (board.metadata / "2.root.json").exists()
    with pytest.raises(TrustListError, match=r"timestamp (was )?signed by 0(/| of )1"):
        client.refresh()
    assert before.versions.root == 1
    with pytest.raises(TrustListError, match="does not verify: timestamp was signed by 0/1"):
        board.list.renew(online=board.keys["new"])
    draft.publish(board.list, board.keys["new"])
    assert client.refresh().versions.root == 2
