"""Drafts that somebody altered on the way: each is refused, and nothing is signed."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubproxy.core.record import CardNote, Evidence
from hubproxy.errors import HubproxyError, TrustListError, UsageError
from hubproxy.trust.contents import Contents
from hubproxy.trust.draft import Draft
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put
from tests.trust.board import Board
from tests.trust.published import SPICE_PATH, make_record

EVIDENCE, CARD = b"untrusted comment: x", b"{}"
RECORD = msgspec.structs.replace(
    make_record(),
    evidence=(
        Evidence(
            kind="minisign",
            identity="Google",
            digest=Contents().add("evidence", EVIDENCE),
            verified_at="2020-01-01T00:00:00Z",
        ),
    ),
    card=CardNote(digest=Contents().add("boms", CARD), size=len(CARD)),
)
ROLE = "metadata/3.targets.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Board, Draft]:
    """A draft of the officers' that replaces a record; each test alters a copy of it."""
    board = Board(tmp_path_factory.mktemp("board"))
    board.approve(make_record(reason="an older one"), by=("ada", "bob"))
    contents = board.contents()
    contents.add("evidence", EVIDENCE)
    contents.add("boms", CARD)
    changes = put(board.list.in_force(), [RECORD], contents)
    return board, board.draft(*changes, contents=contents)


@pytest.fixture
def stick(made: tuple[Board, Draft], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[1].folder, tmp_path / "stick"))


def edit(folder: Path, name: str, change: Callable[[Any], None]) -> None:
    path = folder / name
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def record_of(folder: Path) -> Path:
    return next((folder / "records").rglob("*.json"))


def add_target(folder: Path) -> None:
    def change(role: Any) -> None:
        role["signed"]["targets"]["evil.org/m/1/tfjs.json"] = {
            "length": 1,
            "hashes": {"sha256": "0" * 64},
        }

    edit(folder, ROLE, change)


def raise_version(folder: Path) -> None:
    edit(folder, ROLE, lambda role: role["signed"].update(version=9))


def put_off_expiry(folder: Path) -> None:
    edit(folder, ROLE, lambda role: role["signed"].update(expires="2099-01-01T00:00:00Z"))


def lower_min_root(folder: Path) -> None:
    edit(folder, ROLE, lambda role: role["signed"]["hubproxy"].update(min_root=0))


def add_team(folder: Path) -> None:
    def change(role: Any) -> None:
        role["signed"]["delegations"] = {"keys": {}, "roles": []}

    edit(folder, ROLE, change)


def other_type(folder: Path) -> None:
    shutil.copy(folder / "base" / "timestamp.json", folder / ROLE)


def no_json(folder: Path) -> None:
    (folder / ROLE).write_bytes(b"{")


def deep_json(folder: Path) -> None:
    (folder / ROLE).write_bytes(b"[" * 100_000)


def gone(folder: Path) -> None:
    (folder / ROLE).unlink()


def one_more(folder: Path) -> None:
    shutil.copy(folder / ROLE, folder / "metadata" / "9.nlp.json")


def other_record(folder: Path) -> None:
    path = record_of(folder)
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve"))


def record_gone(folder: Path) -> None:
    record_of(folder).unlink()


def evidence_gone(folder: Path) -> None:
    shutil.rmtree(folder / "evidence")


def other_card(folder: Path) -> None:
    next((folder / "boms").rglob("*.json")).write_bytes(b"[]")


def linked_record(folder: Path) -> None:
    path = record_of(folder)
    path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


def linked_folder(folder: Path) -> None:
    (folder / "metadata").rename(folder.parent / "elsewhere")
    (folder / "metadata").symlink_to(folder.parent / "elsewhere")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "base" / "pipe")


def too_large(folder: Path) -> None:
    os.truncate(folder / ROLE, 200 * 1024 * 1024)


def many_changes(folder: Path) -> None:
    os.truncate(folder / "draft.json", 64 * 1024 * 1024)


def manifest(**fields: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder, "draft.json", lambda draft: draft.update(fields))


def changed(**fields: object) -> Callable[[Path], None]:
    return lambda folder: edit(
        folder, "draft.json", lambda draft: draft["changes"][0].update(fields)
    )


def base(name: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    return lambda folder: edit(folder, f"base/{name}", change)


def base_gone(folder: Path) -> None:
    shutil.rmtree(folder / "base")


def base_file_gone(folder: Path) -> None:
    (folder / "base" / "2.targets.json").unlink()


def old_base(folder: Path) -> None:
    """An older list in the place of the one in force."""
    shutil.copy(folder / "base" / "2.targets.json", folder / "base" / "1.targets.json")
    edit(folder, "base/timestamp.json", lambda role: role["signed"].update(version=1))


def add_list(role: Any) -> None:
    role["signed"]["targets"]["evil.org/m/1/tfjs.json"] = {
        "length": 1,
        "hashes": {"sha256": "0" * 64},
    }


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        pytest.param(add_target, "not what the changes make", id="a target more"),
        pytest.param(raise_version, "not what the changes make", id="a higher version"),
        pytest.param(put_off_expiry, "not what the changes make", id="a later expiry"),
        pytest.param(lower_min_root, "not what the changes make", id="a lower min_root"),
        pytest.param(add_team, "not what the changes make", id="a delegation more"),
        pytest.param(other_type, "not what the changes make", id="another role's file"),
        pytest.param(no_json, "cannot be read", id="a role that is no JSON"),
        pytest.param(deep_json, "cannot be read", id="a role that is nested deep"),
        pytest.param(gone, r"lacks metadata/3\.targets\.json", id="a role's file gone"),
        pytest.param(one_more, "is no part of the draft", id="a role's file more"),
        pytest.param(other_record, "has other bytes than its name says", id="another record"),
        pytest.param(record_gone, "is missing", id="a record gone"),
        pytest.param(evidence_gone, "evidence/.* is missing", id="a signature gone"),
        pytest.param(other_card, "boms/.* has other bytes", id="another card"),
        pytest.param(linked_record, "is a link or a device", id="a linked record"),
        pytest.param(linked_folder, "is a link or a device", id="a linked folder"),
        pytest.param(pipe, "is a link or a device", id="a pipe"),
        pytest.param(too_large, "209715200 bytes: too many", id="200 MB of metadata"),
        pytest.param(many_changes, "67108864 bytes: too many", id="64 MB of changes"),
        pytest.param(manifest(v=2), "not a draft's of this release", id="another release's"),
        pytest.param(manifest(name="../D1"), "not a draft's of this release", id="a path for name"),
        pytest.param(manifest(more=1), "unknown field `more`", id="an unknown field"),
        pytest.param(manifest(made_at="soon"), "not a draft's", id="no time"),
        pytest.param(
            manifest(made_at="2020-01-01T00:00:00"), "not a draft's of this", id="no time zone"
        ),
        pytest.param(manifest(made_at="2021-01-01T00:00:00Z"), "not what the", id="another time"),
        pytest.param(
            manifest(made_at="9999-12-31T00:00:00Z"), "would never expire", id="the end of time"
        ),
        pytest.param(manifest(changes=[]), "nothing to change", id="no changes"),
        pytest.param(manifest(changes=[{"do": "evil"}]), "Invalid value 'evil'", id="no change"),
        pytest.param(changed(more=1), "unknown field `more`", id="a change with more"),
        pytest.param(changed(digest="../../x"), "not a sha256 digest", id="a path for a digest"),
        pytest.param(changed(digest="sha256:" + "0" * 64), "is missing", id="no such record"),
        pytest.param(changed(path="h.org/a/1/tfjs.json"), "is not the one of", id="another path"),
        pytest.param(changed(size=1), "is not the one of", id="another size"),
        pytest.param(changed(role="nlp"), "no team 'nlp'", id="no such team"),
        pytest.param(changed(role="../x"), "no team '../x'", id="a role that is a path"),
        pytest.param(changed(role="root"), "no team 'root'", id="a role that lists nothing"),
        pytest.param(base_gone, "builds on is missing", id="no base"),
        pytest.param(base_file_gone, "builds on does not verify", id="a part of the base gone"),
        pytest.param(
            base("2.targets.json", add_list), "targets was signed by 0/2", id="another base"
        ),
        pytest.param(
            base("1.root.json", lambda role: role["signed"].update(version=2)),
            "root was signed by 0/2",
            id="another root",
        ),
        pytest.param(old_base, "timestamp was signed by 0/1", id="an older base"),
    ],
)
def test_an_altered_draft_is_refused_and_not_signed(
    made: tuple[Board, Draft], stick: Path, alter: Callable[[Path], None], said: str
) -> None:
    board, _ = made
    alter(stick)
    before = {path: path.lstat().st_mtime_ns for path in stick.rglob("*")}

    with pytest.raises(HubproxyError, match=said):
        Draft.load(stick).sign(board.keys["ada"], board.root)
    with pytest.raises(HubproxyError, match=said):
        Draft.load(stick).review(board.root)
    with pytest.raises(HubproxyError, match=said):
        Draft.load(stick).publish(board.list, board.online)

    assert {path: path.lstat().st_mtime_ns for path in stick.rglob("*")} == before


def test_a_whole_list_of_somebody_elses_is_refused_where_a_root_is_pinned(
    made: tuple[Board, Draft], tmp_path: Path
) -> None:
    """Eve's list with ada among its officers: nothing in it is wrong but that it is Eve's."""
    board, _ = made
    eve = Board(tmp_path, threshold=1)
    contents = eve.contents()
    changes = put(eve.list.in_force(), [make_record()], contents)
    draft = eve.draft(*changes, contents=contents)

    with pytest.raises(TrustListError, match="root 1 is not the one that is pinned here"):
        draft.sign(board.keys["ada"], board.root)
    with pytest.raises(TrustListError, match="this is another list"):
        draft.review(board.root)

    # Without one, the first root's fingerprint is what tells them apart.
    assert draft.sign(board.keys["ada"]).fingerprint == draft.review().fingerprint
    assert draft.review().fingerprint != made[1].review().fingerprint
    with pytest.raises(TrustListError, match="this is another list"):
        draft.publish(board.list, board.online)
    bare = Repository(board.folder, clock=board.clock)
    with pytest.raises(UsageError, match="a draft of another list"):
        draft.publish(bare, board.online)


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        pytest.param(manifest(note="another"), "is not a copy of D3", id="another note"),
        pytest.param(manifest(made_at="2021-01-01T00:00:00Z"), "is not a copy", id="another time"),
        pytest.param(add_target, "not what the changes make", id="a target more"),
        pytest.param(linked_folder, "is a link or a device", id="a linked folder"),
        pytest.param(too_large, "too many", id="200 MB of metadata"),
    ],
)
def test_only_copies_of_a_draft_are_merged(
    made: tuple[Board, Draft], stick: Path, alter: Callable[[Path], None], said: str
) -> None:
    board, draft = made
    Draft.load(stick).sign(board.keys["bob"], board.root)
    alter(stick)

    with pytest.raises(UsageError, match=said):
        draft.merge(stick)

    assert [one.signed for one in draft.missing()] == [()]


def test_signatures_that_count_for_nothing_are_not_taken(
    made: tuple[Board, Draft], stick: Path
) -> None:
    """A stranger's, and one that does not verify: neither counts, neither is kept."""
    board, _ = made
    ada, eve = (board.keys[name].public_key.keyid for name in ("ada", "eve"))

    def forge(role: Any) -> None:
        role["signatures"] = [{"keyid": ada, "sig": "00" * 64}, {"keyid": eve, "sig": "11" * 64}]

    edit(stick, ROLE, forge)
    draft = Draft.load(stick)

    assert [one.signed for one in draft.missing()] == [()]
    draft.sign(board.keys["bob"], board.root)
    kept = json.loads((stick / ROLE).read_bytes())["signatures"]
    assert [one["keyid"] for one in kept] == [board.keys["bob"].public_key.keyid]


def test_other_files_on_a_stick_do_no_harm(made: tuple[Board, Draft], stick: Path) -> None:
    board, _ = made
    for name in (".DS_Store", "base/notes.txt", "records/Thumbs.db", "metadata/._3.targets.json"):
        (stick / name).write_bytes(b"x")

    assert Draft.load(stick).sign(board.keys["ada"], board.root).by == "ada"
    assert board.list.find(SPICE_PATH) != RECORD
