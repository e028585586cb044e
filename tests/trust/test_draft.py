import shutil
from pathlib import Path

import pytest

from hubproxy.errors import UsageError
from hubproxy.trust.changes import Renew
from hubproxy.trust.draft import Draft, drafts_in
from hubproxy.trust.proposing import put
from tests.trust.board import Board
from tests.trust.published import SPICE_PATH, make_record

RECORD = make_record()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def approval(board: Board, role: str = "") -> Draft:
    contents = board.contents()
    changes = put(board.list.in_force(), [RECORD], contents, role=role)
    return board.draft(*changes, contents=contents)


def test_a_draft_travels_between_officers_and_is_published(board: Board) -> None:
    draft = approval(board)
    assert [str(one) for one in draft.missing()] == ["targets: 0 of 2, missing ada or bob or cyd"]

    stick = Path(shutil.copytree(draft.folder, board.place / "stick"))
    signed = Draft.load(stick).sign(board.keys["ada"], board.root)
    assert signed.by == "ada"
    assert [str(one) for one in signed.requirements] == ["targets: 1 of 2, missing bob or cyd"]
    with pytest.raises(UsageError, match=r"missing: targets: 0 of 2, missing ada or bob or cyd"):
        draft.publish(board.list, board.online)

    assert [one.met for one in draft.merge(stick)] == [False]
    draft.sign(board.keys["cyd"], board.root)
    versions = draft.publish(board.list, board.online)

    assert versions.targets == 2
    assert board.reader().refresh().versions == versions
    assert board.list.find(SPICE_PATH) == RECORD
    assert not draft.folder.exists()
    assert board.log[-1].draft == "D2"
    assert board.log[-1].signed == ("targets 2: ada, cyd",)


def test_names_of_drafts_never_come_twice(board: Board) -> None:
    first = board.draft(Renew(role="root"))
    assert first.name == "D2"
    first.abandon()

    assert board.draft(Renew(role="root")).name == "D3"
    assert board.draft(Renew(role="root")).name == "D4"
    assert drafts_in(board.drafts) == ("D3", "D4")


def test_a_team_lists_what_its_paths_cover(board: Board) -> None:
    board.delegate("lea")
    board.approve(RECORD, by=("lea",))

    target = board.found(SPICE_PATH)
    assert target is not None
    assert target.length == len(RECORD.encode())
    assert board.list.find(SPICE_PATH) == RECORD
    assert [(role.name, role.version, role.signed) for role in board.list.status()] == [
        ("root", 1, ("ada", "bob")),
        ("targets", 2, ("ada", "bob")),
        ("nlp", 2, ("lea",)),
        ("snapshot", 3, (board.keys["snapshot"].public_key.keyid,)),
        ("timestamp", 3, (board.keys["timestamp"].public_key.keyid,)),
    ]
