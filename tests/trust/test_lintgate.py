from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.allowance import Allowance
from hubproxy.core.policy import Policy
from hubproxy.trust.contents import published_name
from hubproxy.trust.lint import Finding
from hubproxy.trust.lintgate import lint_gate
from hubproxy.trust.proposing import set_policy
from tests.trust.board import Board
from tests.trust.published import SPICE, make_record

LINE = "op:WriteFile in function inner"


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """A list with a module in which something was found, and allowed for forty days."""
    board = Board(tmp_path)
    board.delegate("lea")
    day = (board.clock() + timedelta(days=40)).strftime("%Y-%m-%d")
    allow = Allowance(
        pattern=str(SPICE), finding="op:WriteFile", reason="its own log", review_by=day
    )
    contents = board.contents()
    policy = set_policy(Policy(allow=(allow,)), contents)
    board.publish(policy, by=("ada", "bob"), contents=contents)
    record = msgspec.structs.replace(make_record(), findings=(LINE,))
    board.approve(record, by=("lea",))
    return board


def found(board: Board) -> list[Finding]:
    return list(lint_gate(board.list.in_force(), board.contents(), board.clock()))


def test_what_is_allowed_for_long_is_not_told(board: Board) -> None:
    assert found(board) == []


def test_an_allowance_that_ends_soon_is_told(board: Board) -> None:
    board.clock.pass_days(15)
    (one,) = found(board)
    assert one.level == "warning"
    assert f"the allowance of op:WriteFile for {SPICE} ends with " in one.what
    assert one.remedy.endswith("--why REASON --review-by DAY")


def test_one_that_has_ended_is_told_with_the_modules_that_are_refused(board: Board) -> None:
    board.clock.pass_days(42)
    ended, refused = found(board)
    assert (ended.level, refused.level) == ("warning", "error")
    assert "allows nothing any more" in ended.what
    assert f"it is refused: {SPICE} has {LINE}" in refused.what
    assert "hubproxy trust policy allow" in refused.remedy


def test_what_cannot_be_read_is_left_to_others(board: Board) -> None:
    targets = board.list.in_force().role("nlp").signed.targets
    (target,) = targets.values()
    (board.folder / published_name("records", f"sha256:{target.hashes['sha256']}")).unlink()
    board.clock.pass_days(42)
    assert [one.level for one in found(board)] == ["warning"]
