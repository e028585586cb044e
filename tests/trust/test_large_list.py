"""20,000 records in 40 teams: one approval is a matter of its own team's role."""

from pathlib import Path

from hubproxy.trust.changes import Put
from hubproxy.trust.proposing import put
from tests.trust.board import Board
from tests.trust.largelist import fill
from tests.trust.published import make_record


def test_one_approval_into_20_000_records_leaves_the_other_teams_as_they_are(
    tmp_path: Path,
) -> None:
    board = Board(tmp_path)
    lea = board.keys["lea"]
    officers = [board.keys["ada"], board.keys["bob"]]
    fill(board.list, officers=officers, member=lea, online=board.online, teams=40, each=500)
    before = {path.name for path in board.metadata.iterdir()}
    record = make_record("tfhub.dev/team7/new/1")

    contents = board.contents()
    changes = put(board.list.in_force(), [record], contents)
    board.list.change(changes, contents, signers=lea, online=board.online)

    new = {path.name for path in board.metadata.iterdir()} - before
    assert {name.partition(".")[2] for name in new} == {"team7.json", "snapshot.json"}

    [change] = put(board.list.in_force(), [make_record("tfhub.dev/team8/new/1")], contents)
    assert isinstance(change, Put)
    draft = board.draft(change, contents=contents)
    draft.review(board.root)
    draft.sign(lea, board.root)
    draft.publish(board.list, board.online)

    assert change.role == "team8"
    assert board.found("tfhub.dev/team7/new/1/saved_model.json") is not None
    assert board.found("tfhub.dev/team39/module499/1/saved_model.json") is not None
