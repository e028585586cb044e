from pathlib import Path

import msgspec
import pytest

from hubproxy.core.policy import Policy
from hubproxy.core.record import CardNote, Evidence
from hubproxy.trust.contents import published_name
from hubproxy.trust.lintfiles import lint_files
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put, set_policy
from tests.trust.board import Board
from tests.trust.published import SPICE, SPICE_PATH, make_record

_POLICY = Policy(grace_days=3)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    return board


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "altered"])
@pytest.mark.parametrize("kind", ["records", "evidence", "boms", "policy"])
def test_what_the_folder_holds_no_longer_is_found(board: Board, kind: str, lost: bool) -> None:
    contents = board.contents()
    signature, card = contents.add("evidence", b"untrusted"), contents.add("boms", b"{}")
    record = msgspec.structs.replace(
        make_record(),
        status="revoked",  # so that nothing is asked of the files
        reason="x",
        evidence=(Evidence(kind="minisign", identity="x", digest=signature, verified_at="2020"),),
        card=CardNote(digest=card, size=2),
    )
    changes = put(board.list.in_force(), [record], contents, role="nlp")
    board.publish(*changes, by=("lea",), contents=contents)
    contents = board.contents()
    policy = set_policy(_POLICY, contents)
    board.publish(policy, by=("ada", "bob"), contents=contents)
    assert found(board.list) == []

    name = {
        "records": published_name("records", str(record.descriptor.digest)),
        "evidence": published_name("evidence", signature),
        "boms": published_name("boms", card),
        "policy": published_name("records", policy.digest),
    }[kind]
    (board.folder / name).unlink()
    if not lost:
        (board.folder / name).write_bytes(b"other bytes")

    (one,) = found(board.list)
    assert name in one[0]
    if kind == "policy":
        assert one[1].endswith("hubproxy trust policy set FILE")
    else:
        assert one[0].startswith(f"{SPICE_PATH}, listed by nlp, cannot be served: ")
        assert one[1].endswith(f"hubproxy trust approve {SPICE}")


def found(repository: Repository) -> list[tuple[str, str]]:
    findings = lint_files(repository.in_force(), repository.contents())
    return [(one.what, one.remedy) for one in findings if one.level == "error"]
