"""A signature counts on every list that names the key: so the list must be known before it is made.

Eve hands over a stick with a draft that only renews. Its base is a list of her own, with a module
of hers, and bob among its officers: a review tells of neither, since neither changes.
"""

from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from hubproxy.core.trustlist import TOP
from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.changes import Officer, PublicKey, Renew
from hubproxy.trust.draft import Draft
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put
from hubproxy.trust.thresholds import count
from tests.trust.board import Board
from tests.trust.published import make_record


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.fixture
def stick(board: Board, tmp_path: Path) -> Path:
    """A draft on a list of eve's own, that bob is an officer of and never signed for."""
    eve, online = board.keys["eve"], board.keys["new"]
    own = Repository.init(
        tmp_path / "eve", officer_name="eve", officer=eve, online=online, clock=board.clock
    )
    contents = own.contents()
    bob = Officer(name="bob", key=PublicKey.of(board.keys["bob"].public_key))
    evil = put(own.in_force(), [make_record("tfhub.dev/google/evil/1")], contents)
    own.change([*evil, bob], contents, signers=[eve], online=online)
    return Draft.create(tmp_path / "eves", own, [Renew(role=TOP)]).folder


def signatures(board: Board, folder: Path) -> int:
    """How many officers of the real list its targets, as they lie on the stick, would have."""
    path = next((folder / "metadata").glob("*.targets.json"))
    file = Metadata.from_bytes(path.read_bytes())
    root = board.list.in_force().root.signed
    return len(count(root, TOP, file.signed_bytes, file.signatures).signed)


def test_a_list_that_is_not_known_is_not_signed(board: Board, stick: Path) -> None:
    with pytest.raises(UsageError, match="this key has signed none: it may be any list") as told:
        Draft.load(stick).sign(board.keys["bob"])

    assert "--root FILE" in told.value.remedy
    assert "--fingerprint HEX" in told.value.remedy
    assert Draft.load(stick).review().fingerprint in str(told.value)
    assert signatures(board, stick) == 0


def test_a_list_with_another_fingerprint_is_not_signed(board: Board, stick: Path) -> None:
    real = board.draft(Renew(role=TOP))
    fingerprint = real.review(board.root).fingerprint

    with pytest.raises(TrustListError, match="this is another list"):
        Draft.load(stick).sign(board.keys["bob"], fingerprint=fingerprint)
    assert signatures(board, stick) == 0

    for given in (fingerprint, f" sha256:{fingerprint.upper()}\n".replace("SHA", "sha")):
        assert real.sign(board.keys["cyd"], fingerprint=given).by == "cyd"
    assert signatures(board, real.folder) == 1


def test_an_officer_knows_the_list_whose_root_he_signed(board: Board) -> None:
    draft = board.draft(Renew(role=TOP))

    assert draft.sign(board.keys["ada"]).by == "ada"
    with pytest.raises(UsageError, match="no root of the list is held here"):
        draft.sign(board.keys["cyd"])  # an officer, who signed no root


def test_a_member_of_a_team_needs_the_root_or_its_fingerprint(board: Board) -> None:
    board.delegate("lea")
    draft = board.draft(Renew(role="nlp"))

    with pytest.raises(UsageError, match="no root of the list is held here"):
        draft.sign(board.keys["lea"])
    assert draft.sign(board.keys["lea"], board.root).by == "lea"


def test_the_online_key_signs_only_the_list_that_is_pinned(board: Board, tmp_path: Path) -> None:
    """Whoever may write to the published folder puts a list of his own there."""
    eve, online = board.keys["eve"], board.keys["timestamp"]
    Repository.init(
        tmp_path / "eve", officer_name="eve", officer=eve, online=online, clock=board.clock
    )
    other = Repository(tmp_path / "eve", clock=board.clock, pinned=board.root)

    with pytest.raises(TrustListError, match="this is another list"):
        other.renew(online=online)
    own = Repository(tmp_path / "eve", clock=board.clock)
    draft = Draft.create(tmp_path / "eves", own, [Renew(role=TOP)])
    draft.sign(eve)
    with pytest.raises(TrustListError, match="this is another list"):
        draft.publish(other, online)
