from pathlib import Path

import msgspec
import pytest

from hubproxy.core.audit import timestamp
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.policy import NO_POLICY, POLICY_PATH, EvidenceRule, Policy
from hubproxy.core.record import Record
from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.changes import Remove, Renew
from hubproxy.trust.proposing import due, put, refused_by, revoke, set_policy
from tests.trust.board import Board
from tests.trust.published import SPICE, SPICE_PATH, make_record

SPICE_HANDLE = Handle.parse(SPICE)
RECORD = make_record()
OFFICERS = make_record("h.org/a/1")
SAME_BYTES = msgspec.structs.replace(
    make_record("tfhub.dev/google/copy/1"),
    archive=RECORD.archive,
    chunks=RECORD.chunks,
    files=RECORD.files,
    tree=RECORD.tree,
)
OTHER_ARCHIVE = msgspec.structs.replace(
    make_record("h.org/same/1"), files=RECORD.files, tree=RECORD.tree
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    board.approve(RECORD, SAME_BYTES, by=("lea",))
    board.approve(OFFICERS, OTHER_ARCHIVE, by=("ada", "bob"))
    return board


def take_back(board: Board, wanted: Handle | Digest, role: str = "targets") -> list[str]:
    contents = board.contents()
    changes = revoke(
        board.list, wanted, contents, reason="leaks data", by=["ada", "bob"],
        at=board.clock(), role=role,
    )  # fmt: skip
    by = ("ada", "bob") if role == "targets" else ("lea",)
    board.publish(*changes, by=by, contents=contents)
    return [f"{change.role} {change.path}" for change in changes]


def test_a_record_goes_to_the_team_whose_paths_cover_it(board: Board) -> None:
    held = board.list.in_force()
    roles = [
        change.role
        for change in put(held, [RECORD, OFFICERS, make_record("h.org/b/1")], board.contents())
    ]
    assert roles == ["nlp", "targets", "targets"]
    assert put(held, [RECORD], board.contents(), role="targets")[0].role == "targets"


def test_the_officers_entry_comes_before_a_teams(board: Board) -> None:
    other = msgspec.structs.replace(RECORD, licence="MIT")
    board.approve(other, by=("ada", "cyd"), role="targets")

    assert board.list.find(SPICE_PATH) == other
    target = board.found(SPICE_PATH)
    assert target is not None
    assert target.hashes["sha256"] == other.descriptor.digest.hex


def test_a_handle_is_revoked_by_officers_or_by_its_team(board: Board) -> None:
    assert take_back(board, SPICE_HANDLE, "nlp") == [f"nlp {SPICE_PATH}"]
    found = board.list.find(SPICE_PATH)
    assert found is not None
    assert (found.status, found.reason) == ("revoked", "leaks data")
    assert found.reviewers == ("ada", "bob")
    assert found.decided_at == timestamp(board.clock())
    target = board.found(SPICE_PATH)
    assert target is not None
    assert target.custom == {"status": "revoked"}

    assert take_back(board, SPICE_HANDLE) == [f"targets {SPICE_PATH}"]


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        pytest.param(str(RECORD.descriptor.digest), [SPICE_PATH], id="of one record"),
        pytest.param(
            RECORD.archive.digest,
            [SPICE_PATH, "tfhub.dev/google/copy/1/saved_model.json"],
            id="of an archive",
        ),
        pytest.param(
            RECORD.tree,
            [
                "h.org/same/1/saved_model.json",
                SPICE_PATH,
                "tfhub.dev/google/copy/1/saved_model.json",
            ],
            id="of a tree, in whatever role",
        ),
    ],
)
def test_every_record_with_a_digest_is_revoked(
    board: Board, digest: str, expected: list[str]
) -> None:
    taken = take_back(board, Digest.parse(digest))

    assert sorted(taken) == [f"targets {path}" for path in sorted(expected)]
    for path in board.list.paths():
        found = board.list.find(path)
        assert found is not None
        assert (found.status == "revoked") == (path in expected)
    with pytest.raises(UsageError, match="is not on the trust list"):
        take_back(board, Digest.parse(digest))


def test_a_digest_is_revoked_within_a_team(board: Board) -> None:
    assert sorted(take_back(board, Digest.parse(RECORD.tree), "nlp")) == [
        f"nlp {SPICE_PATH.replace('spice/2', 'copy/1')}",
        f"nlp {SPICE_PATH}",
    ]
    found = board.list.find("h.org/same/1/saved_model.json")
    assert found is not None
    assert found.status == "approved"


def test_what_the_officers_list_otherwise_is_not_taken_back_for_a_teams_entry(
    board: Board,
) -> None:
    """A look-up ends at the officers' entry: the other one is not in use."""
    good = msgspec.structs.replace(
        make_record("tfhub.dev/google/x/9"), handle=SAME_BYTES.handle, format="saved_model"
    )
    board.approve(good, by=("ada", "bob"), role="targets")

    assert take_back(board, Digest.parse(RECORD.archive.digest)) == [f"targets {SPICE_PATH}"]


@pytest.mark.parametrize(
    ("wanted", "role", "reason", "said"),
    [
        (Handle.parse("h.org/none/1"), "targets", "x", "h.org/none/1 is not on the trust list"),
        (Handle.parse("h.org/none"), "targets", "x", "is not on the trust list"),
        (Digest.of_hex("0" * 64), "targets", "x", "is not on the trust list"),
        (OFFICERS.exact, "nlp", "x", "is not on the list of the team nlp"),
        (SPICE_HANDLE, "vision", "x", "no team 'vision'"),
        (SPICE_HANDLE, "targets", "  ", "needs a reason"),
    ],
)
def test_a_revocation_that_makes_no_sense_is_refused(
    board: Board, wanted: Handle | Digest, role: str, reason: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        revoke(board.list, wanted, board.contents(), reason=reason, by=[], at=board.clock(),
               role=role)  # fmt: skip


def test_a_team_cannot_take_back_what_the_officers_list_before_it(board: Board) -> None:
    board.approve(RECORD, by=("ada", "bob"), role="targets")

    with pytest.raises(UsageError, match=r"the officers list .* themselves, before the team nlp"):
        take_back(board, SPICE_HANDLE, "nlp")


def test_a_path_is_removed_and_the_teams_shows_again(board: Board) -> None:
    take_back(board, SPICE_HANDLE)
    board.publish(Remove(role="targets", path=SPICE_PATH))

    assert board.list.find(SPICE_PATH) == RECORD
    board.publish(Remove(role="nlp", path=SPICE_PATH), by=("lea",))
    assert board.list.find(SPICE_PATH) is None
    assert board.found(SPICE_PATH) is None


def test_a_policy_is_a_target_of_the_officers(board: Board) -> None:
    assert board.list.policy() == NO_POLICY
    policy = Policy(mode="enforce", grace_days=3)
    contents = board.contents()
    board.publish(set_policy(policy, contents), contents=contents)

    assert board.list.policy() == policy
    target = board.found(POLICY_PATH)
    assert target is not None
    assert POLICY_PATH not in board.list.paths()
    name = f"records/{target.hashes['sha256'][:2]}/{target.hashes['sha256']}.json"
    assert (board.folder / name).read_bytes() == policy.encode()

    board.publish(Remove(role="targets", path=POLICY_PATH))
    assert board.list.policy() == NO_POLICY
    (board.folder / name).write_bytes(b"{}")
    board.publish(set_policy(policy, contents), contents=contents)  # it is written again
    assert board.list.policy() == policy
    (board.folder / name).write_bytes(b"{}")
    with pytest.raises(TrustListError, match=r"policy\.json .* was altered or lost"):
        board.list.policy()


def test_what_has_lived_half_its_life_is_due(board: Board) -> None:
    held = board.list.in_force()
    assert due(held, board.clock()) == ()
    board.clock.pass_days(46)
    assert due(held, board.clock()) == (Renew(role="nlp"),)
    board.clock.pass_days(45)
    assert due(held, board.clock()) == (Renew(role="targets"), Renew(role="nlp"))
    board.clock.pass_days(100)
    board.publish(*due(held, board.clock()), by=("ada", "bob", "lea"))

    assert [(role.name, (role.expires - board.clock()).days) for role in board.list.status()] == [
        ("root", 365),
        ("targets", 180),
        ("nlp", 90),
        ("snapshot", 30),
        ("timestamp", 7),
    ]


def test_a_bad_record_is_not_taken_in(board: Board) -> None:
    wrong: Record = msgspec.structs.replace(RECORD, tree="sha256:" + "0" * 64)
    with pytest.raises(UsageError, match=r"cannot list .*tree digest"):
        put(board.list.in_force(), [wrong], board.contents())


# --- what nobody would see, or nobody could use ----------------------------------------------


def test_a_record_goes_to_the_role_that_lists_its_path_now(board: Board) -> None:
    held, contents = board.list.in_force(), board.contents()
    by_officers = make_record("tfhub.dev/google/own/1")
    board.approve(by_officers, by=("ada", "bob"), role="targets")
    newer = msgspec.structs.replace(by_officers, licence="MIT")

    assert [one.role for one in put(board.list.in_force(), [newer], contents)] == ["targets"]
    assert [one.role for one in put(held, [newer], contents)] == ["nlp"]


def test_a_record_that_nobody_would_see_is_not_listed(board: Board) -> None:
    by_officers = make_record("tfhub.dev/google/own/1")
    board.approve(by_officers, by=("ada", "bob"), role="targets")

    with pytest.raises(UsageError, match="nobody would see what nlp lists there") as told:
        put(board.list.in_force(), [by_officers], board.contents(), role="nlp")
    assert "hubproxy trust remove tfhub.dev/google/own/1" in told.value.remedy


def test_a_hidden_record_is_told_and_takes_nothing_down(tmp_path: Path) -> None:
    """The second team's entry has the bad archive; the first team's, which is seen, is good."""
    board = Board(tmp_path)
    board.delegate("max", team="two")
    bad = msgspec.structs.replace(
        RECORD, archive=msgspec.structs.replace(RECORD.archive, digest="sha256:" + "b" * 64)
    )
    elsewhere = msgspec.structs.replace(
        make_record("tfhub.dev/google/other/1"), archive=bad.archive
    )
    board.approve(bad, elsewhere, by=("max",))
    board.approve(RECORD, by=("ada", "bob"), role="targets")
    told: list[str] = []
    contents = board.contents()

    changes = revoke(
        board.list, Digest.parse(bad.archive.digest), contents, reason="bad", by=["ada"],
        at=board.clock(), told=told.append,
    )  # fmt: skip

    assert [change.path for change in changes] == ["tfhub.dev/google/other/1/saved_model.json"]
    [line] = told
    assert line == (
        f"two lists {SPICE_PATH} with it too, hidden by what targets lists there: "
        f"`hubproxy trust remove {SPICE_PATH} --role two`"
    )


def test_a_lost_record_does_not_stop_a_revocation(board: Board) -> None:
    digest = OFFICERS.descriptor.digest.hex
    (board.folder / "records" / digest[:2] / f"{digest}.json").unlink()
    told: list[str] = []
    contents = board.contents()

    changes = revoke(
        board.list, RECORD.archive_digest, contents, reason="bad", by=["ada"],
        at=board.clock(), told=told.append,
    )  # fmt: skip

    assert SPICE_PATH in [change.path for change in changes]
    assert len(told) == 1
    assert "h.org/a/1" in told[0]


def test_a_rule_whose_key_is_none_is_not_signed(board: Board) -> None:
    rule = EvidenceRule(pattern="**", kind="minisign", identity="Google", key="no key at all")

    with pytest.raises(UsageError, match=r"the minisign rule for .* cannot be used"):
        set_policy(Policy(evidence=(rule,)), board.contents())


def test_what_a_policy_would_refuse_is_known_before(board: Board) -> None:
    take_back(board, Handle.parse("h.org/same/1"))

    assert refused_by(board.list, NO_POLICY, board.clock()) == ()
    found = refused_by(board.list, Policy(card_fields=("licence",)), board.clock())
    assert [(path, verdict.code) for path, verdict in found] == [
        ("h.org/a/1/saved_model.json", "HP-T16"),
        ("tfhub.dev/google/copy/1/saved_model.json", "HP-T16"),
        (SPICE_PATH, "HP-T16"),
    ]
