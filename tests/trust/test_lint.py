from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # no __all__

from hubproxy.errors import TrustListError
from hubproxy.trust.changes import Delegate, named_keys
from hubproxy.trust.lint import Finding, lint
from hubproxy.trust.thresholds import named
from tests.trust.board import Board
from tests.trust.forging import forge
from tests.trust.published import SPICE_PATH, make_record


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    board.approve(make_record(), by=("lea",))
    return board


def found(board: Board) -> list[Finding]:
    return list(lint(board.list.in_force(), board.clock()))


def test_a_sound_list_has_no_findings(board: Board) -> None:
    assert found(board) == []


def same_key_twice(board: Board, root: Any) -> None:
    ada = board.keys["ada"].public_key
    again = SSlibKey("ab" * 32, "ed25519", "ed25519", ada.keyval)
    root.add_key(named(again, "adele"), "targets")


def under_anothers_id(board: Board, root: Any) -> None:
    eve = SSlibKey(board.keys["cyd"].public_key.keyid, "ed25519", "ed25519",
                   board.keys["eve"].public_key.keyval)  # fmt: skip
    root.keys[eve.keyid] = named(eve, "cyd")


def online_officer(board: Board, root: Any) -> None:
    root.add_key(named(board.keys["timestamp"].public_key, "dan"), "targets")


@pytest.mark.parametrize(
    ("change", "level", "what", "remedy"),
    [
        pytest.param(
            same_key_twice,
            "error",
            "ada and adele have the same public key in targets",
            "hubproxy trust rotate officer adele --new KEY",
            id="row 9: equal keys under two ids",
        ),
        pytest.param(
            under_anothers_id,
            "error",
            "the key of cyd in root goes by the id",
            "hubproxy trust rotate officer cyd --new KEY",
            id="a key under another's id",
        ),
        pytest.param(
            online_officer,
            "error",
            "the key of dan in targets is the online key of timestamp",
            "hubproxy trust rotate online",
            id="an online key that is an officer's",
        ),
    ],
)
def test_faults_of_the_root_are_found(
    board: Board, change: Callable[[Board, Any], None], level: str, what: str, remedy: str
) -> None:
    """A list that another program has made: hubproxy itself refuses to make such a root."""
    forge(board, root=lambda root: change(board, root))

    matching = [one for one in found(board) if what in one.what]
    assert [one.level for one in matching] == [level]
    assert remedy in matching[0].remedy


def team(board: Board, name: str, *patterns: str) -> Delegate:
    keys = named_keys({"max": board.keys["max"].public_key})
    return Delegate(team=name, patterns=patterns, keys=keys)


def test_teams_that_overlap_are_found_and_who_wins(board: Board) -> None:
    board.publish(
        team(board, "vision", "tfhub.dev/*/spice/*/*", "h.org/v/*/*"), by=("ada", "bob", "max")
    )

    [finding] = found(board)
    assert finding.level == "warning"
    assert finding.what == (
        "tfhub.dev/google/*/*/* of the team nlp and tfhub.dev/*/spice/*/* of the team vision "
        "overlap: nlp wins, and what vision lists there is not seen"
    )
    assert "hubproxy trust delegate vision" in finding.remedy

    board.approve(make_record(), by=("max",), role="vision")
    [_, shadowed] = found(board)
    assert shadowed.what == (
        f"vision lists {SPICE_PATH}, but the team nlp comes first: its entry is not seen"
    )
    assert shadowed.remedy == f"hubproxy trust remove {SPICE_PATH} --role vision"


def test_entries_that_nobody_sees_are_found(board: Board) -> None:
    board.approve(make_record(), by=("ada", "bob"), role="targets")
    assert [one.what for one in found(board)] == [
        f"nlp lists {SPICE_PATH}, but the officers' entry comes first: its entry is not seen"
    ]

    board.publish(team(board, "nlp", "h.org/n/*/*"), by=("ada", "bob", "max"))
    assert [(one.level, one.what) for one in found(board)] == [
        ("error", f"nlp lists {SPICE_PATH}, which is not among its paths: nobody sees it")
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda role: role.paths.append("tfhub.dev/google/*"), "'tfhub.dev/google/*' of the team"),
        (lambda role: role.paths.append("a/**/b/c"), "has `**`"),
        (lambda role: role.paths.clear(), "nlp has no path that it may list"),
        (lambda role: setattr(role, "terminating", False), "nlp does not terminate"),
        (lambda role: setattr(role, "threshold", 2), "nlp needs 2 signatures and has 1 keys"),
        (lambda role: setattr(role, "threshold", 2), "does not verify: nlp was signed by 1/2"),
    ],
)
def test_faults_of_a_delegation_are_found(
    board: Board, change: Callable[[Any], None], what: str
) -> None:
    forge(board, targets=lambda targets: change(targets.delegations.roles["nlp"]))

    assert any(what in one.what for one in found(board))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (3, []),
        (4.5, ["timestamp expires in 2 days"]),
        (17, ["timestamp expired", "snapshot expires in 13 days"]),
        (78, ["snapshot expired", "timestamp expired", "nlp expires in 12 days"]),
        (165, ["snapshot expired", "timestamp expired", "nlp expired", "targets expires in 15"]),
        (330, ["snapshot exp", "timestamp exp", "targets exp", "nlp exp", "root expires in 35"]),
    ],
)
def test_roles_near_their_expiry_are_found(board: Board, days: float, expected: list[str]) -> None:
    board.clock.pass_days(days)

    what = [one.what for one in found(board)]
    assert len(what) == len(expected)
    for start in expected:
        assert any(text.startswith(start) for text in what), (start, what)


def test_a_float_is_refused_by_name_since_it_cannot_be_signed(board: Board) -> None:
    """No signature can cover it: canonical JSON has no floats. So the list does not verify."""
    path = board.metadata / "2.nlp.json"
    path.write_bytes(path.read_bytes().replace(b'"length":', b'"custom":{"weight":0.5},"length":'))
    assert any("holds what cannot be signed" in one.what for one in found(board))

    path = board.list.in_force().role_path("targets")
    path.write_bytes(path.read_bytes().replace(b'"min_root":1', b'"min_root":1.5'))
    with pytest.raises(TrustListError, match="cannot be signed: a float at hubproxy/min_root"):
        board.list.in_force()


def test_one_officer_who_suffices_is_told(tmp_path: Path) -> None:
    warned = [one for one in found(Board(tmp_path, threshold=1)) if "alone can sign" in one.what]
    assert [(one.level, one.remedy) for one in warned] == [
        ("warning", "hubproxy trust threshold 2"),
        ("warning", "hubproxy trust threshold 2"),
    ]


def test_a_pattern_of_every_publisher_is_told(board: Board) -> None:
    keys = named_keys({"max": board.keys["max"].public_key})
    wide = Delegate(team="wide", patterns=("tfhub.dev/*/*/*/*",), keys=keys)
    board.publish(wide, by=("ada", "bob", "max"))
    assert "the pattern tfhub.dev/*/*/*/* of the team wide covers whatever anybody publishes" in [
        one.what for one in found(board) if one.level == "warning"
    ]
