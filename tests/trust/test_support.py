"""What a draft's records say of signatures and cards is checked wherever the draft is looked at."""

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.policy import Policy
from hubproxy.core.record import CardNote, Evidence, EvidenceKind, Record, tree_digest
from hubproxy.errors import CardError, DeniedError, HubproxyError, NotInstalledError, UsageError
from hubproxy.trust.changes import Change
from hubproxy.trust.contents import Contents
from hubproxy.trust.draft import Draft
from hubproxy.trust.proposing import put, set_policy
from hubproxy.trust.support import Support
from tests.trust.board import Board
from tests.trust.evidence.publisher import NOW, OTHER, PUBLISHER, Publisher, statement, subject
from tests.trust.published import SPICE_PATH, make_record

ADA, EVE = Publisher(), Publisher()
CARD = b'{"a": "card"}'
NOTE = CardNote(digest=Contents().add("boms", CARD), size=len(CARD), fields=("task",))


def cards(data: bytes, record: Record) -> CardNote:
    """A check of cards: only one is a card."""
    if data != CARD:
        raise CardError(f"this is not the model card of {record.handle}")
    return NOTE


SUPPORT = Support(lambda: NOW, cards)


def claim(data: bytes, kind: EvidenceKind = "oms-key", identity: str = PUBLISHER) -> Evidence:
    return Evidence(
        kind=kind,
        identity=identity,
        digest=Contents().add("evidence", data),
        verified_at="2020-01-01T00:00:00Z",
    )


def signed_record(*claims: Evidence, card: CardNote | None = None) -> Record:
    """A record of the publisher's module that says this of it."""
    files = subject().files
    made = make_record()
    return msgspec.structs.replace(
        made,
        files=files,
        tree=str(tree_digest(files)),
        evidence=claims or msgspec.UNSET,
        card=card or msgspec.UNSET,
    )


def minisign() -> bytes:
    """The file of a minisign signature: nobody looks at whose."""
    signature = base64.b64encode(b"ED" + bytes(72)).decode()
    both = base64.b64encode(bytes(64)).decode()
    return f"untrusted comment: x\n{signature}\ntrusted comment: y\n{both}\n".encode()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    contents = board.contents()
    board.publish(set_policy(Policy(evidence=(ADA.rule,)), contents), contents=contents)
    return board


def proposed(board: Board, record: Record, *files: bytes, card: bytes | None = None) -> Draft:
    contents = board.contents()
    for data in files:
        contents.add("evidence", data)
    if card is not None:
        contents.add("boms", card)
    changes: tuple[Change, ...] = put(board.list.in_force(), [record], contents)
    return Draft.load(board.draft(*changes, contents=contents).folder, SUPPORT)


def test_what_is_true_is_signed_and_published(board: Board) -> None:
    good = ADA.signed()
    record = signed_record(claim(good), card=NOTE)
    draft = proposed(board, record, good, card=CARD)

    assert draft.review(board.root).entries[0].unproven == ()
    assert draft.sign(board.keys["ada"], board.root).unproven == ()
    board.sign(draft, "bob").publish(board.list, board.online)

    assert board.list.find(SPICE_PATH) == record


GOOD, OF_OTHER, BY_EVE = ADA.signed(), ADA.signed(statement(OTHER)), EVE.signed()


@pytest.mark.parametrize(
    ("record", "files", "card", "error", "said"),
    [
        pytest.param(
            signed_record(claim(OF_OTHER)), [OF_OTHER], None, DeniedError, "publisher signature",
            id="row 12: a signature of another module of the same publisher",
        ),
        pytest.param(
            signed_record(claim(BY_EVE)), [BY_EVE], None, DeniedError,
            "his key did not make this signature", id="a stranger's signature",
        ),
        pytest.param(
            signed_record(claim(GOOD, identity="mallory")), [GOOD], None, UsageError,
            "no rule of policy", id="a signature in another's name",
        ),
        pytest.param(
            signed_record(claim(GOOD, "minisign")), [GOOD], None, UsageError,
            "a signature of the kind minisign, and its file is: oms-key", id="another kind",
        ),
        pytest.param(
            signed_record(claim(b"x")), [b"x"], None, DeniedError, "neither an OpenSSF",
            id="no signature",
        ),
        pytest.param(
            signed_record(
                card=msgspec.structs.replace(NOTE, fields=("task", "fairnessAssessments"))
            ),
            [], CARD, UsageError, "a card that answers something else, and its file is: task",
            id="a card that answers less",
        ),
        pytest.param(
            signed_record(card=CardNote(digest=Contents().add("boms", b"[]"), size=2)),
            [], b"[]", CardError, "not the model card", id="a card that is none",
        ),
    ],
)  # fmt: skip
def test_what_is_false_is_neither_shown_nor_signed_nor_published(
    board: Board,
    record: Record,
    files: list[bytes],
    card: bytes | None,
    error: type[HubproxyError],
    said: str,
) -> None:
    draft = proposed(board, record, *files, card=card)
    steps: list[Callable[[], object]] = [
        lambda: draft.review(board.root),
        lambda: draft.sign(board.keys["ada"], board.root),
        lambda: draft.publish(board.list, board.online),
    ]
    for step in steps:
        with pytest.raises(error, match=said):
            step()
    assert [one.signed for one in draft.missing()] == [()]


def test_a_policy_of_the_same_draft_counts(board: Board) -> None:
    good = EVE.signed()
    contents = board.contents()
    contents.add("evidence", good)
    changes = put(board.list.in_force(), [signed_record(claim(good))], contents)
    policy = set_policy(Policy(evidence=(EVE.rule,)), contents)
    folder = board.draft(*changes, policy, contents=contents).folder

    signed = Draft.load(folder, SUPPORT).sign(board.keys["ada"], board.root)
    assert (signed.by, signed.unproven) == ("ada", ())


def test_a_revocation_is_not_held_up_by_what_was_once_claimed(board: Board) -> None:
    record = signed_record(claim(BY_EVE))
    revoked = msgspec.structs.replace(record, status="revoked", reason="eve's")
    draft = proposed(board, revoked, BY_EVE)

    assert draft.sign(board.keys["ada"], board.root).unproven == ()


def test_what_a_draft_cannot_prove_is_told_as_the_proposers_word(board: Board) -> None:
    record = signed_record(claim(minisign(), "minisign", "Ada"))
    support = Support(lambda: NOW)

    [told] = support.check(record, [minisign()], None, Policy())
    assert told == ("signer Ada, as the proposer says: minisign signs upstream's own archive")
    bare = signed_record(card=NOTE)
    assert support.check(bare, [], CARD, Policy()) == (
        "card, as the proposer says: cards cannot be checked here",
    )
    draft = proposed(board, bare, card=CARD)
    unchecked = Draft.load(draft.folder)
    assert unchecked.review(board.root).entries[0].unproven == (
        "signers and card, as the proposer says: nothing was checked here",
    )


def test_an_extra_that_is_absent_is_told_by_name() -> None:
    def absent(_data: bytes, _record: Record) -> CardNote:
        raise NotInstalledError("there is no validator", remedy="pip install 'hubproxy[bom]'")

    told = Support(lambda: NOW, absent).check(signed_record(card=NOTE), [], CARD, Policy())

    assert told == (
        "card, as the proposer says: there is no validator. pip install 'hubproxy[bom]'",
    )
