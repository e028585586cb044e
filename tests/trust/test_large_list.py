"""20,000 records in 40 teams: one approval is a matter of its own team's role."""

import hashlib
import time
from pathlib import Path

from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.trust.build import build
from hubproxy.trust.changes import Delegate, Put, named_keys
from hubproxy.trust.proposing import put
from hubproxy.trust.signing import sign_built
from tests.trust.board import Board
from tests.trust.published import make_record

_TEAMS, _EACH = 40, 500


def fill(board: Board) -> None:
    """Lists with teams that have each listed their part. The records themselves are not needed."""
    lea = board.keys["lea"]
    keys = named_keys({"lea": lea.public_key})
    teams = [
        Delegate(team=f"team{number}", patterns=(f"tfhub.dev/team{number}/*/*/*",), keys=keys)
        for number in range(_TEAMS)
    ]
    contents = board.contents()
    base = board.list.in_force()
    built = build(base, teams, contents, board.clock())
    for number in range(_TEAMS):
        targets = built.teams[f"team{number}"].signed.targets
        for module in range(_EACH):
            path = f"tfhub.dev/team{number}/module{module}/1/saved_model.json"
            digest = hashlib.sha256(path.encode()).hexdigest()
            targets[path] = TargetFile(40_000, {"sha256": digest}, path)
    for name in ("ada", "bob", "lea"):
        sign_built(built, board.keys[name])
    board.list.publish_draft(built, contents, teams, board.online, "D2")


def test_one_approval_into_20_000_records_takes_less_than_a_second(tmp_path: Path) -> None:
    board = Board(tmp_path)
    fill(board)
    lea = board.keys["lea"]
    record = make_record("tfhub.dev/team7/new/1")

    started = time.process_time()
    contents = board.contents()
    changes = put(board.list.in_force(), [record], contents)
    board.list.change(changes, contents, signers=lea, online=board.online)
    at_once = time.process_time() - started

    started = time.process_time()
    [change] = put(board.list.in_force(), [make_record("tfhub.dev/team8/new/1")], contents)
    assert isinstance(change, Put)
    draft = board.draft(change, contents=contents)
    draft.review(board.root)
    draft.sign(lea, board.root)
    draft.publish(board.list, board.online)
    drafted = time.process_time() - started

    assert change.role == "team8"
    assert board.found("tfhub.dev/team7/new/1/saved_model.json") is not None
    assert board.found("tfhub.dev/team39/module499/1/saved_model.json") is not None
    assert at_once < 1.0
    assert drafted < 1.0
