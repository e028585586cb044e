from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.core.record import CardNote, Evidence, FileEntry, Record, tree_digest
from hubproxy.errors import UsageError
from hubproxy.trust.beginning import begin
from hubproxy.trust.changes import (
    Change,
    Delegate,
    Member,
    Officer,
    Online,
    PublicKey,
    Put,
    Remove,
    Renew,
    Threshold,
    Undelegate,
    named_keys,
)
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put, revoke, set_policy
from hubproxy.trust.review import RoleReview
from tests.trust.board import KAGGLE, Board
from tests.trust.published import SPICE_PATH, START, make_record

RECORD = msgspec.structs.replace(make_record(), ops=("Add", "MatMul"))


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    board.approve(RECORD, by=("lea",))
    return board


def key(board: Board, name: str) -> PublicKey:
    return PublicKey.of(board.keys[name].public_key)


def shown(board: Board, name: str, holder: str = "") -> str:
    return f"{holder or name} ({board.keys[name].public_key.keyid[:16]})"


def test_a_review_tells_what_changes_in_a_record(board: Board) -> None:
    contents = board.contents()
    signature = contents.add("evidence", b"untrusted comment: x")
    card = contents.add("boms", b"{}")
    files = (
        FileEntry("saved_model.pb", 512, 5, "ab" * 32),
        FileEntry("assets/vocab.txt", 1536, 5, "cd" * 32),
    )
    record = msgspec.structs.replace(
        RECORD,
        files=files,
        tree=str(tree_digest(files)),
        licence="Apache-2.0",
        ops=("Add", "ReadFile"),
        evidence=(
            Evidence(kind="minisign", identity="Google", digest=signature, verified_at="2020"),
        ),
        card=CardNote(digest=card, size=2, fields=("task",), unknown=("datasets: ada",)),
    )
    changes = put(board.list.in_force(), [record], contents)
    draft = board.draft(*changes, contents=contents)
    review = draft.review(board.root)

    [entry] = review.entries
    assert (entry.role, entry.path) == ("nlp", SPICE_PATH)
    assert (entry.before, entry.after) == (RECORD, record)
    assert entry.new == ("assets/vocab.txt",)
    assert entry.changed == ("saved_model.pb",)
    assert entry.removed == ()
    assert (entry.new_ops, entry.removed_ops) == (("ReadFile",), ("MatMul",))
    assert [str(one) for one in review.requirements] == ["nlp: 0 of 1, missing lea"]
    assert review.roles == (
        RoleReview(
            role="nlp",
            was_version=2,
            version=3,
            was_expires=START + timedelta(days=90),
            expires=START + timedelta(days=90),
            was_threshold=1,
            threshold=1,
            was_listed=1,
            listed=1,
            was_terminating=True,
            terminating=True,
        ),
    )
    assert (review.name, review.begins, review.pinned) == ("D4", False, True)
    assert not draft.review().pinned
    assert review.policy is None
    # It is published whole: the signature and the card beside the record.
    board.sign(draft, "lea").publish(board.list, board.online)
    for name in (
        f"evidence/{signature[7:9]}/{signature[7:]}",
        f"boms/{card[7:9]}/{card[7:]}.cdx.json",
    ):
        assert name in board.contents_of()


def test_a_review_tells_what_is_new_revoked_and_removed(board: Board) -> None:
    contents = board.contents()
    held = board.list.in_force()
    new = make_record("h.org/a/1")
    [taken] = revoke(board.list, RECORD.exact, contents, reason="x", by=[], at=board.clock())
    draft = board.draft(
        *put(held, [new], contents), taken, Remove(role="nlp", path=SPICE_PATH), contents=contents
    )
    entries = draft.review(board.root).entries

    assert [(one.role, one.before, one.after and one.after.status) for one in entries] == [
        ("targets", None, "approved"),
        ("targets", RECORD, "revoked"),
        ("nlp", RECORD, None),
    ]
    assert entries[0].new == ("saved_model.pb",)
    assert entries[0].new_ops == ()  # nobody has looked
    assert entries[2].removed == ("saved_model.pb",)
    assert entries[2].removed_ops == ("Add", "MatMul")


def test_a_review_tells_who_signs_from_now_on(board: Board) -> None:
    draft = board.draft(
        Officer(name="bob", key=key(board, "new")),
        Officer(name="cyd"),
        Threshold(role="targets", number=1),
        Online(role="timestamp", key=key(board, "eve")),
        Member(team="nlp", name="mia", key=key(board, "max")),
        Threshold(role="nlp", number=2),
    )
    review = draft.review(board.root)
    changed = {
        one.role: (one.was_threshold, one.threshold, one.new_keys, one.removed_keys)
        for one in review.roles
    }

    bob, cyd, new = shown(board, "bob"), shown(board, "cyd"), shown(board, "new", "bob")
    eve, old = (board.keys[name].public_key.keyid for name in ("eve", "timestamp"))
    assert changed == {
        "root": (2, 2, (new,), (bob, cyd)),
        "targets": (2, 1, (new,), (bob, cyd)),
        "timestamp": (1, 1, (f"{eve} ({eve[:16]})",), (f"{old} ({old[:16]})",)),
        "nlp": (1, 2, (shown(board, "max", "mia"),), ()),
    }
    assert [str(one) for one in review.requirements] == [
        "root: 0 of 2 as root 1 demands, missing ada or bob or cyd",
        "root: 0 of 2 as root 2 demands, missing ada or bob",
        "targets: 0 of 1, missing ada or bob",
        "nlp: 0 of 2, missing lea or mia",
    ]


def test_a_review_tells_teams_that_come_change_and_go(board: Board) -> None:
    new = Delegate(
        team="vision",
        patterns=("h.org/v/*/*",),
        keys=named_keys({"max": board.keys["max"].public_key}),
    )
    old = Delegate(
        team="nlp", patterns=(KAGGLE, "h.org/n/*/*"),
        keys=named_keys({"lea": board.keys["lea"].public_key}),
    )  # fmt: skip
    review = board.draft(new, old).review(board.root)
    roles = {one.role: one for one in review.roles}

    assert list(roles) == ["targets", "nlp", "vision"]
    assert roles["vision"].was_version is None
    assert roles["vision"].version == 1
    assert roles["vision"].new_patterns == ("h.org/v/*/*",)
    assert roles["vision"].new_keys == (shown(board, "max"),)
    assert roles["nlp"].new_patterns == ("h.org/n/*/*",)
    assert roles["nlp"].removed_patterns == ("tfhub.dev/google/*/*/*",)

    review = board.draft(Undelegate(team="nlp")).review(board.root)
    gone = review.roles[-1]
    assert (gone.role, gone.version, gone.expires, gone.threshold) == ("nlp", None, None, None)
    assert (gone.was_listed, gone.listed) == (1, None)
    assert gone.removed_keys == (shown(board, "lea"),)


def test_a_review_tells_the_policy_before_and_after(board: Board) -> None:
    for before, after in ((NO_POLICY, Policy(grace_days=3)), (Policy(grace_days=3), Policy())):
        contents = board.contents()
        draft = board.draft(set_policy(after, contents), contents=contents)
        review = draft.review(board.root)
        assert review.policy == (before, after)
        assert review.entries == ()
        board.sign(draft, "ada", "bob").publish(board.list, board.online)
    review = board.draft(Remove(role="targets", path=POLICY_PATH)).review(board.root)
    assert review.policy == (Policy(), NO_POLICY)


def test_a_review_of_dates_alone(board: Board) -> None:
    board.clock.pass_days(30)
    review = board.draft(Renew(role="targets")).review(board.root)

    [role] = review.roles
    assert (role.was_expires, role.expires) == (
        START + timedelta(days=180),
        START + timedelta(days=210),
    )
    assert review.entries == ()


def test_an_altered_record_of_the_base_is_told(board: Board) -> None:
    contents = board.contents()
    changes = put(board.list.in_force(), [make_record()], contents)
    draft = board.draft(*changes, contents=contents)
    path = next((draft.folder / "base" / "records").rglob("*.json"))
    path.write_bytes(b"{}")

    with pytest.raises(UsageError, match="other bytes than its name says"):
        draft.review(board.root)


def test_a_list_begins_as_a_draft_where_keys_are_elsewhere(tmp_path: Path) -> None:
    other = Board(tmp_path / "other")
    folder, drafts = tmp_path / "trust", tmp_path / "drafts"
    repository = Repository(folder, clock=other.clock, log=other.log.append)
    draft = begin(
        drafts,
        repository,
        officers={name: other.keys[name].public_key for name in ("ada", "bob", "cyd")},
        threshold=2,
        signers=[other.keys["ada"]],
        snapshot=other.keys["snapshot"],
        timestamp=other.keys["timestamp"],
    )
    assert draft is not None
    assert draft.name == "D1"
    assert not repository.is_begun
    review = draft.review()
    assert review.begins
    assert [(one.role, one.was_version, one.version) for one in review.roles] == [
        ("root", None, 1),
        ("targets", None, 1),
        ("snapshot", None, None),
        ("timestamp", None, None),
    ]
    assert [str(one) for one in review.requirements] == [
        "root: 1 of 2, missing bob or cyd",
        "targets: 1 of 2, missing bob or cyd",
    ]
    signed = draft.sign(other.keys["cyd"])
    assert signed.fingerprint == review.fingerprint
    draft.publish(repository, other.online)

    assert repository.in_force().versions.root == 1
    assert other.log[-1].changes == ("the list begins: 2 of ada, bob, cyd",)
    with pytest.raises(UsageError, match="there is a trust list in"):
        begin(
            drafts,
            repository,
            officers={"eve": other.keys["eve"].public_key},
            threshold=1,
            signers=[other.keys["eve"]],
            snapshot=other.keys["new"],
            timestamp=other.keys["new"],
        )


# --- what is not to be missed -------------------------------------------------------------------


def taken_back(reason: str = "leaks addresses") -> Record:
    return msgspec.structs.replace(RECORD, status="revoked", reason=reason)


def test_a_review_tells_that_a_revocation_is_taken_back(board: Board) -> None:
    board.approve(taken_back(), by=("lea",))
    contents = board.contents()
    changes = put(board.list.in_force(), [RECORD], contents)
    [entry] = board.draft(*changes, contents=contents).review(board.root).entries

    assert entry.kind == "approved again"
    assert (entry.status_before, entry.status_then) == ("revoked", "approved")
    assert entry.revocation == taken_back()


def test_a_review_tells_what_shows_again_when_a_revocation_is_removed(board: Board) -> None:
    board.approve(taken_back(), by=("ada", "bob"), role="targets")
    [entry] = board.draft(Remove(role="targets", path=SPICE_PATH)).review(board.root).entries

    assert entry.kind == "revocation removed"
    assert entry.revocation == entry.gone == taken_back()
    assert (entry.before_role, entry.status_before) == ("targets", "revoked")
    assert (entry.then_role, entry.status_then) == ("nlp", "approved")
    assert entry.then == RECORD


def test_a_review_tells_that_what_is_listed_is_not_seen(board: Board) -> None:
    board.approve(taken_back(), by=("ada", "bob"), role="targets")
    digest, size = str(RECORD.descriptor.digest), RECORD.descriptor.size
    hidden = Put(role="nlp", path=SPICE_PATH, digest=digest, size=size)
    [entry] = board.draft(hidden).review(board.root).entries

    assert not entry.is_seen
    assert (entry.then_role, entry.then) == ("targets", taken_back())


@pytest.mark.parametrize(
    ("earlier", "now", "kind"),
    [
        pytest.param(None, RECORD, "new", id="new"),
        pytest.param(RECORD, msgspec.structs.replace(RECORD, licence="MIT"), "changed", id="other"),
        pytest.param(RECORD, taken_back(), "revoked", id="revoked"),
        pytest.param(taken_back(), taken_back("more"), "revoked", id="revoked for another reason"),
        pytest.param(RECORD, None, "removed", id="removed"),
    ],
)
def test_each_kind_of_change_has_its_name(
    tmp_path: Path, earlier: Record | None, now: Record | None, kind: str
) -> None:
    board = Board(tmp_path)
    if earlier is not None:
        board.approve(earlier, by=("ada", "bob"))
    contents = board.contents()
    changes: Sequence[Change] = [Remove(role="targets", path=SPICE_PATH)]
    if now is not None:
        changes = put(board.list.in_force(), [now], contents)
    [entry] = board.draft(*changes, contents=contents).review(board.root).entries

    assert (entry.kind, entry.revocation) == (kind, None)
    assert entry.status_then == ("not listed" if now is None else now.status)


def test_a_review_tells_that_teams_change_their_order(board: Board) -> None:
    board.delegate("max", team="two")
    again = board.team("lea")
    draft = board.draft(Undelegate(team="nlp"), again)

    assert draft.review(board.root).order == (("nlp", "two"), ("two", "nlp"))
    draft.abandon()
    assert board.draft(Undelegate(team="nlp")).review(board.root).order is None
