import shutil
from pathlib import Path

import pytest
from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    CryptoSigner,
    Signature,
    SSlibKey,
)

from hubproxy.errors import StorageFailedError, UsageError
from hubproxy.trust.changes import Renew, Threshold, Undelegate
from hubproxy.trust.draft import Draft, drafts_in
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put
from hubproxy.trust.publishing import Publication
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


# --- who may sign, and how often ------------------------------------------------------------


def test_row_9_one_officer_alone_lists_nothing(board: Board) -> None:
    """Signing twice with one key, or with a copy of it, is one signature."""
    draft = approval(board)
    for _ in range(3):
        draft.sign(board.keys["ada"], board.root)

    assert [str(one) for one in draft.missing()] == ["targets: 1 of 2, missing bob or cyd"]
    with pytest.raises(UsageError, match=r"signatures are missing: targets: 1 of 2") as told:
        draft.publish(board.list, board.online)
    assert "hubproxy trust sign" in told.value.remedy
    assert board.list.find(SPICE_PATH) is None


def test_a_strangers_key_is_refused_by_name(board: Board) -> None:
    board.delegate("lea")
    for role, holders in (("targets", "ada, bob, cyd"), ("nlp", "lea")):
        draft = approval(board, role)
        with pytest.raises(UsageError, match=f"this key is not one of: {holders}$"):
            draft.sign(board.keys["eve"], board.root)
        with pytest.raises(UsageError, match="this key is not one of"):
            draft.sign(board.keys["timestamp"], board.root)


def test_a_team_of_two_needs_both(board: Board) -> None:
    board.delegate("lea", "max", threshold=2)
    draft = approval(board)
    assert draft.sign(board.keys["lea"], board.root).by == "lea"
    with pytest.raises(UsageError, match="nlp: 1 of 2, missing max"):
        draft.publish(board.list, board.online)

    draft.sign(board.keys["max"], board.root)
    draft.publish(board.list, board.online)

    assert board.found(SPICE_PATH) is not None


def test_a_token_that_fails_or_lies_is_told_by_its_holders_name(board: Board) -> None:
    class Failing(CryptoSigner):
        def sign(self, payload: bytes) -> Signature:
            raise OSError("CKR_DEVICE_REMOVED")

    class Lying(CryptoSigner):
        def sign(self, payload: bytes) -> Signature:
            return super().sign(payload + b"x")

    draft, ada = approval(board), board.keys["ada"]
    with pytest.raises(UsageError, match="key of ada could not sign: CKR_DEVICE_REMOVED"):
        draft.sign(Failing(ada._private_key), board.root)
    with pytest.raises(UsageError, match="what the key of ada signed does not verify"):
        draft.sign(Lying(ada._private_key), board.root)
    assert [one.signed for one in draft.missing()] == [()]


def test_a_key_counts_under_the_id_that_the_list_has_for_it(board: Board) -> None:
    ada = board.keys["ada"]
    other_id = SSlibKey("ab" * 32, "ed25519", "ed25519", ada.public_key.keyval)
    draft = approval(board)

    assert draft.sign(CryptoSigner(ada._private_key, other_id), board.root).by == "ada"
    assert [one.signed for one in draft.missing()] == [("ada",)]


def test_an_older_root_than_the_pinned_one_is_not_signed_on(board: Board) -> None:
    draft = approval(board)
    board.publish(Renew(role="root"))

    with pytest.raises(UsageError, match="builds on root 1, and root 2 is pinned here"):
        draft.sign(board.keys["ada"], board.list.root_file())


# --- moving on ------------------------------------------------------------------------------


def test_a_draft_that_was_overtaken_must_be_rebased(board: Board) -> None:
    draft = board.sign(approval(board), "ada", "bob")
    board.approve(make_record("h.org/a/1"), by=("ada", "bob"))

    with pytest.raises(UsageError, match="built on targets 1, but targets 2 is in force: rebase"):
        draft.publish(board.list, board.online)
    assert draft.rebase(board.list) == ("ada", "bob")
    with pytest.raises(UsageError, match="targets: 0 of 2"):
        draft.publish(board.list, board.online)

    board.sign(Draft.load(draft.folder), "bob", "cyd").publish(board.list, board.online)
    assert board.list.paths() == ["h.org/a/1/saved_model.json", SPICE_PATH]


def test_a_teams_draft_waits_for_its_team_alone(board: Board) -> None:
    board.delegate("lea")
    draft = board.sign(approval(board), "lea")
    board.publish(Renew(role="targets"), Renew(role="root"))
    assert draft.publish(board.list, board.online).targets == 3

    draft = board.sign(board.draft(Renew(role="nlp")), "lea")
    other = Draft.load(board.copied(draft))
    board.clock.pass_days(1)
    board.publish(Renew(role="nlp"), by=("lea",))
    with pytest.raises(UsageError, match="built on nlp 2, but nlp 3 is in force: rebase it"):
        draft.publish(board.list, board.online)
    board.publish(Undelegate(team="nlp"))
    with pytest.raises(UsageError, match="the team nlp is trusted no longer"):
        other.publish(board.list, board.online)


def test_a_root_that_moved_on_drops_what_was_signed_under_it(board: Board) -> None:
    draft = board.sign(board.draft(Renew(role="root")), "ada", "bob")
    board.publish(Threshold(role="root", number=3), by=("ada", "bob", "cyd"))

    with pytest.raises(UsageError, match="built on root 1, but root 2 is in force"):
        draft.publish(board.list, board.online)
    draft.rebase(board.list)
    assert [str(one) for one in board.sign(draft, "ada", "bob").missing()] == [
        "root: 2 of 3, missing cyd",
        "targets: 2 of 2",
    ]


def test_a_rebase_that_fails_leaves_the_draft(board: Board) -> None:
    board.delegate("lea")
    draft = board.sign(approval(board), "lea")
    board.publish(Undelegate(team="nlp"))

    with pytest.raises(UsageError, match="no team 'nlp'"):
        draft.rebase(board.list)

    assert [one.signed for one in Draft.load(draft.folder).missing()] == [("lea",)]
    assert [path.name for path in board.drafts.iterdir() if path.is_dir()] == [draft.name]


def test_what_is_published_twice_is_published_once(board: Board) -> None:
    draft = board.sign(approval(board), "ada", "bob")
    again = Draft.load(board.copied(draft))
    versions = draft.publish(board.list, board.online)

    assert again.publish(board.list, board.online) == versions
    assert not again.folder.exists()


# --- the officers' log ----------------------------------------------------------------------


def test_nothing_is_published_that_the_log_does_not_take(board: Board) -> None:
    def full(publication: Publication) -> None:
        raise OSError("No space left on device")

    before = board.contents_of()
    draft = board.sign(approval(board), "ada", "bob")
    repository = Repository(board.folder, clock=board.clock, log=full, pinned=board.root)
    with pytest.raises(OSError, match="No space left"):
        draft.publish(repository, board.online)

    assert board.contents_of() == before
    draft.publish(board.list, board.online)
    assert board.log[-1].changes == (
        f"targets lists {RECORD.handle} (saved_model) {RECORD.archive.digest}",
    )
    assert board.log[-1].versions == board.list.in_force().versions


# --- where there is nothing -----------------------------------------------------------------


def test_no_draft_is_told_plainly(board: Board) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        Draft.load(board.drafts / "D9")
    (board.drafts / "D9").mkdir()
    with pytest.raises(UsageError, match=r"D9 lacks draft\.json"):
        Draft.load(board.drafts / "D9")
    assert drafts_in(board.place / "nowhere") == ()


def test_an_online_key_that_is_not_at_hand_is_told(board: Board) -> None:
    draft = board.sign(approval(board), "ada", "bob")
    with pytest.raises(UsageError, match=r"may not sign .* timestamp was signed by 0/1 keys"):
        draft.publish(board.list, board.keys["snapshot"])
    with pytest.raises(UsageError, match=r"may not sign .* snapshot was signed by 0/1 keys"):
        draft.publish(board.list, [board.keys["eve"], board.keys["timestamp"]])
    with pytest.raises(UsageError, match="timestamp was signed by 0/1"):
        board.list.renew(online=board.keys["snapshot"])
    assert board.list.renew(online=board.online).timestamp == 2


# --- time, folders, and two at once -----------------------------------------------------------


def test_a_draft_that_waited_until_it_would_be_expired_is_rebased(board: Board) -> None:
    board.delegate("lea")
    draft = board.sign(approval(board), "lea")
    before = board.contents_of()
    board.clock.pass_days(95)

    with pytest.raises(UsageError, match="its nlp 2 would be published expired") as told:
        draft.publish(board.list, board.online)
    assert "hubproxy trust rebase" in told.value.remedy
    assert board.contents_of() == before

    draft.rebase(board.list)
    board.sign(draft, "lea").publish(board.list, board.online)
    assert board.list.find(SPICE_PATH) == RECORD


def test_a_draft_from_the_future_is_not_published(board: Board) -> None:
    """Expiries count from when it was made: it would last longer than the officers decided."""
    board.clock.pass_days(3000)
    draft = board.sign(board.draft(Renew(role="targets")), "ada", "bob")
    board.clock.pass_days(-3000)

    with pytest.raises(UsageError, match="which has not come"):
        draft.publish(board.list, board.online)


def test_what_is_not_the_drafts_stays(board: Board) -> None:
    draft = board.draft(Renew(role="root"))
    other = draft.folder / "metadata" / "holiday.jpg"
    other.write_bytes(b"x")

    draft.abandon()

    assert [path for path in draft.folder.rglob("*") if path.is_file()] == [other]
    again = board.sign(board.draft(Renew(role="root")), "ada", "bob")
    other = again.folder / "holiday.jpg"
    other.write_bytes(b"x")
    again.publish(board.list, board.online)
    assert list(again.folder.iterdir()) == [other]


def test_what_is_published_is_told_whatever_becomes_of_the_folder(board: Board) -> None:
    """A link to a draft: its folder cannot be removed under that name."""
    draft = board.sign(approval(board), "ada", "bob")
    link = board.place / "link"
    link.symlink_to(draft.folder)

    assert Draft.load(link).publish(board.list, board.online).targets == 2
    assert board.list.find(SPICE_PATH) == RECORD


def test_two_who_sign_one_folder_at_once_both_have_signed(board: Board) -> None:
    draft = approval(board)
    other = Draft.load(draft.folder)

    class Meanwhile(CryptoSigner):
        def sign(self, payload: bytes) -> Signature:
            made = super().sign(payload)
            other.sign(board.keys["bob"], board.root)
            return made

    draft.sign(Meanwhile(board.keys["ada"]._private_key), board.root)

    assert [one.signed for one in Draft.load(draft.folder).missing()] == [("ada", "bob")]


def test_a_full_disk_is_told_in_words(board: Board) -> None:
    def full(path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(StorageFailedError, match="No space left on device"):
        board.repository(full).renew(online=board.online)
