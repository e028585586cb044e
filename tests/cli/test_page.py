"""What a review tells a person, of drafts that the library makes."""

from pathlib import Path

import msgspec
import pytest

from hubproxy.cli.options import Output
from hubproxy.cli.trust.page import print_review
from hubproxy.core.record import GateNote
from hubproxy.trust.beginning import begin
from hubproxy.trust.changes import Delegate, Online, PublicKey, Put, Remove, Undelegate, named_keys
from hubproxy.trust.draft import Draft
from hubproxy.trust.lifetimes import Lifetimes
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put
from tests.trust.board import Board
from tests.trust.published import SPICE, SPICE_PATH, make_record

REVOKED = msgspec.structs.replace(
    make_record(status="revoked", reason="leaks addresses"), reviewers=("ada", "bob")
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    return board


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> "Shown":
    return Shown(capsys)


class Shown:
    """Prints reviews."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, draft: Draft, root: bytes | None) -> list[str]:
        print_review(draft.review(root), Output(as_json=False))
        return self._capsys.readouterr().out.splitlines()


def test_an_approval_that_takes_a_revocation_back_says_so(board: Board, shown: Shown) -> None:
    board.approve(REVOKED, by=("lea",))
    contents = board.contents()
    draft = board.draft(*put(board.list.in_force(), [make_record()], contents), contents=contents)

    lines = shown(draft, board.root)

    assert lines[0].startswith("D4: 1 approved again: nlp signed by 0 of 1")
    assert f"approved again {SPICE}  saved_model, listed by nlp" in lines
    was = f"revoked {REVOKED.decided_at} by ada, bob: leaks addresses"
    assert f"  was        {was}" in lines
    assert "  look-up    revoked -> approved, listed by nlp" in lines


def test_a_removed_revocation_says_what_shows_again(board: Board, shown: Shown) -> None:
    board.approve(make_record(), by=("lea",))
    board.approve(REVOKED, by=("ada", "bob"), role="targets")

    lines = shown(board.draft(Remove(role="targets", path=SPICE_PATH)), board.root)

    assert ": 1 revocation removed: " in lines[0]
    assert f"revocation removed {SPICE}  saved_model, listed by targets" in lines
    assert any(line.endswith("by ada, bob: leaks addresses") for line in lines)
    assert "  look-up    revoked, listed by targets -> approved, listed by nlp" in lines


def test_a_removed_entry_says_that_nothing_is_found(board: Board, shown: Shown) -> None:
    board.approve(make_record(), by=("lea",))
    lines = shown(board.draft(Remove(role="nlp", path=SPICE_PATH)), board.root)
    assert "  look-up    approved, listed by nlp -> not listed" in lines


def test_an_entry_that_nobody_will_see_says_so(board: Board, shown: Shown) -> None:
    board.approve(make_record(), by=("ada", "bob"), role="targets")
    contents = board.contents()
    digest = contents.add_record(make_record())
    size = len(contents.read("records", digest))
    change = Put(role="nlp", path=SPICE_PATH, digest=digest, size=size)

    lines = shown(board.draft(change, contents=contents), board.root)

    assert "  look-up    does not see it: approved, listed by targets" in lines


def test_teams_that_change_their_order_are_told(board: Board, shown: Shown) -> None:
    keys = named_keys({"max": board.keys["max"].public_key})
    wide = Delegate(team="wide", patterns=("tfhub.dev/*/*/*/*",), keys=keys)
    board.publish(wide, by=("ada", "bob", "max"))

    lines = shown(board.draft(Undelegate(team="nlp"), board.team("lea")), board.root)

    assert ": the order of teams: " in lines[0]
    assert "teams are asked in another order: nlp, wide -> wide, nlp" in lines


def test_what_nobody_looked_at_is_told(board: Board, shown: Shown) -> None:
    contents = board.contents()
    draft = board.draft(*put(board.list.in_force(), [make_record()], contents), contents=contents)
    assert "  ops        not known: not looked at" in shown(draft, board.root)

    record = msgspec.structs.replace(make_record(), ops=("Add", "MatMul"))
    draft = board.draft(*put(board.list.in_force(), [record], contents), contents=contents)
    assert "  ops        2 kinds" in shown(draft, board.root)


def test_what_is_found_anew_is_told_from_what_was_there(board: Board, shown: Shown) -> None:
    before = msgspec.structs.replace(make_record(), findings=("op:A in f", "op:B in f"))
    board.approve(before, by=("lea",))
    after = msgspec.structs.replace(
        make_record(),
        findings=("op:B in f", "op:C in f"),
        gate=GateNote(version=2, ops=3, verdict="hold"),
    )
    contents = board.contents()
    draft = board.draft(*put(board.list.in_force(), [after], contents), contents=contents)
    lines = shown(draft, board.root)
    at = lines.index("  gate       hold, by gate 2 with ops 3")
    assert lines[at + 1 : at + 4] == [
        "  finding    op:B in f",
        "  new find.  op:C in f",
        "  find. gone op:A in f",
    ]


def test_new_online_keys_are_not_said_to_be_gone(board: Board, shown: Shown) -> None:
    key = PublicKey.of(board.keys["new"].public_key)
    draft = board.draft(Online(role="snapshot", key=key), Online(role="timestamp", key=key))
    lines = shown(draft, board.root)
    assert "snapshot: signed unattended" in lines
    assert not [line for line in lines if "trusted no longer" in line]


def test_a_new_list_says_how_long_its_roles_last(
    board: Board, tmp_path: Path, shown: Shown
) -> None:
    draft = begin(
        tmp_path / "begun",
        Repository(tmp_path / "second", clock=board.clock),
        officers={"ada": board.keys["ada"].public_key},
        threshold=1,
        signers=[],
        snapshot=board.keys["snapshot"],
        timestamp=board.keys["timestamp"],
        days=Lifetimes(timestamp=21000),
    )
    assert draft is not None
    lines = shown(draft, None)
    assert "timestamp lasts 21000 days" in lines
    assert "root lasts 365 days" in lines


def test_what_is_to_be_signed_has_one_digest_in_every_copy(board: Board, shown: Shown) -> None:
    contents = board.contents()
    draft = board.draft(*put(board.list.in_force(), [make_record()], contents), contents=contents)
    other = board.draft(*put(board.list.in_force(), [REVOKED], contents), contents=contents)
    digest = draft.review(board.root).digest
    board.sign(draft, "lea")
    assert f"to be signed: {digest}" in shown(draft, board.root)
    assert other.review(board.root).digest != digest
