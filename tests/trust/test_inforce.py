"""Lists that do not verify on the officers' side, each told by what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    SuccinctRoles,
)

from hubproxy.errors import TrustListError, UsageError
from hubproxy.trust.beginning import begin
from hubproxy.trust.changes import Begin, PublicKey, Renew, SetPolicy
from hubproxy.trust.contents import LARGEST_ATTACHMENT, Contents
from hubproxy.trust.inforce import Lifetimes
from hubproxy.trust.officer import Repository
from hubproxy.trust.standing import check_pinned
from hubproxy.trust.thresholds import count, named
from tests.trust.board import Board
from tests.trust.crashing import CrashError, CrashingWrite
from tests.trust.forging import forge
from tests.trust.published import make_record


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.delegate("lea")
    return board


def test_row_9_one_key_under_two_ids_is_one_signature(board: Board) -> None:
    """TUF counts ids. On the officers' side a public key counts once, whatever its id."""
    ada = board.keys["ada"]
    again = named(SSlibKey("ab" * 32, "ed25519", "ed25519", ada.public_key.keyval), "adele")
    root: Metadata[Any] = Metadata.from_file(str(board.metadata / "1.root.json"))
    root.signed.add_key(again, "targets")
    root.signed.roles["targets"].keyids = [ada.public_key.keyid, "ab" * 32]
    signature = ada.sign(b"payload")
    both = {ada.public_key.keyid: signature, "ab" * 32: _under("ab" * 32, signature)}

    assert len(root.signed.get_verification_result("targets", b"payload", both).signed) == 2
    found = count(root.signed, "targets", b"payload", both)
    assert (len(found.signed), found.threshold, found.met) == (1, 2, False)
    assert found.missing == ()


def _under(keyid: str, signature: Any) -> Any:
    return type(signature)(keyid, signature.signature)


def rename(targets: Any, name: str) -> None:
    role = targets.delegations.roles.pop("nlp")
    role.name = name
    targets.delegations.roles[name] = role


def by_hash(targets: Any) -> None:
    keyids = targets.delegations.roles["nlp"].keyids
    targets.delegations.succinct_roles = SuccinctRoles(keyids, 1, 4, "bin")
    targets.delegations.roles = None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda targets: rename(targets, "../x"), "name of the team '../x' is a path",
                     id="a role name that is a path"),
        pytest.param(lambda targets: rename(targets, ".x"), "is a path", id="a hidden role"),
        pytest.param(lambda targets: rename(targets, "vision"), "does not name the team vision",
                     id="a team that the snapshot does not know"),
        pytest.param(by_hash, "delegations by hash are not hubproxy's", id="hash bins"),
    ],
)  # fmt: skip
def test_a_delegation_that_is_not_ours_is_refused(
    board: Board, change: Callable[[Any], None], said: str
) -> None:
    forge(board, targets=change)

    with pytest.raises(TrustListError, match=said):
        board.list.status()


def test_a_teams_file_under_another_version_is_refused(board: Board) -> None:
    path = board.metadata / "1.nlp.json"
    role: Metadata[Any] = Metadata.from_file(str(path))
    role.signed.version = 7
    role.signatures.clear()
    role.sign(board.keys["lea"])
    path.write_bytes(role.to_bytes())

    with pytest.raises(TrustListError, match="does not verify"):
        board.list.in_force().role("nlp")


def test_a_delegation_to_no_known_key_is_unsigned(board: Board) -> None:
    forge(board, targets=lambda targets: targets.delegations.keys.clear())

    with pytest.raises(TrustListError, match="nlp was signed by 0/1 keys"):
        board.list.status()


@pytest.mark.parametrize("days", [{"root": 0}, {"team": -1}, {"targets": 10**6}, {"root": "x"}])
def test_lifetimes_that_nobody_means_are_refused(board: Board, days: dict[str, Any]) -> None:
    forge(board, targets=lambda targets: targets.unrecognized_fields["hubproxy"].update(days=days))

    with pytest.raises(TrustListError, match=r"`hubproxy\.days` is malformed"):
        board.list.in_force()


def test_lists_without_a_teams_lifetime_have_the_usual_one(board: Board) -> None:
    """As they were written before there were teams."""
    forge(board, targets=lambda t: t.unrecognized_fields["hubproxy"]["days"].pop("team"))

    assert board.list.in_force().days == Lifetimes()


@pytest.mark.parametrize(
    ("pinned", "said"),
    [
        (b"{", "the root that is pinned here is none"),
        ("1.targets.json", "the root that is pinned here is none"),
    ],
)
def test_what_is_pinned_must_be_a_root(board: Board, pinned: bytes | str, said: str) -> None:
    data = pinned if isinstance(pinned, bytes) else (board.metadata / pinned).read_bytes()
    with pytest.raises(UsageError, match=said):
        check_pinned(board.list.in_force().roots, data)


def test_a_pinned_root_of_any_version_of_the_chain_will_do(board: Board) -> None:
    board.publish(Renew(role="root"))
    for name in ("1.root.json", "2.root.json"):
        check_pinned(board.list.in_force().roots, (board.metadata / name).read_bytes())


# --- beginning ------------------------------------------------------------------------------


def test_a_beginning_cut_short_can_be_published_again(tmp_path: Path) -> None:
    other = Board(tmp_path / "other")
    folder = tmp_path / "trust"

    def repository(crashing: CrashingWrite | None = None) -> Repository:
        more: dict[str, Any] = {} if crashing is None else {"write": crashing}
        return Repository(folder, clock=other.clock, **more)

    draft = begin(
        tmp_path / "drafts",
        repository(),
        officers={name: other.keys[name].public_key for name in ("ada", "bob")},
        threshold=2,
        signers=[other.keys["bob"]],
        snapshot=other.keys["snapshot"],
        timestamp=other.keys["timestamp"],
    )
    assert draft is not None
    draft.sign(other.keys["ada"])
    for at in range(4):
        with pytest.raises(CrashError):
            draft.publish(repository(CrashingWrite(at, after=False)), other.online)
        assert not repository().is_begun
    kept = other.copied(draft)
    versions = draft.publish(repository(), other.online)
    again = type(draft).load(kept)
    assert again.publish(repository(), other.online) == versions
    assert [role.signed for role in repository().status()][:2] == [("ada", "bob")] * 2


def key(board: Board, name: str) -> PublicKey:
    return PublicKey.of(board.keys[name].public_key, name)


def begun(board: Board, **fields: Any) -> Begin:
    given = {
        "officers": (key(board, "ada"), key(board, "bob")),
        "threshold": 2,
        "snapshot": key(board, "snapshot"),
        "timestamp": key(board, "timestamp"),
        "days": {},
        **fields,
    }
    return Begin(**given)


@pytest.mark.parametrize(
    ("fields", "more", "said"),
    [
        (lambda b: {"threshold": 3}, [], "root would need 3 signatures and have 2 keys"),
        (lambda b: {"officers": ()}, [], "root would need 2 signatures and have 0 keys"),
        (lambda b: {"officers": (key(b, "ada"),) * 2}, [], "ada stands twice in the officers"),
        (lambda b: {"snapshot": key(b, "ada")}, [], "must not be the same one"),
        (lambda b: {"days": {"root": 0}}, [], "out of range"),
        (lambda b: {"days": {"root": 10**9}}, [], "out of range"),
        (lambda b: {}, [Renew(role="root")], "there is no list yet to be changed"),
        (lambda b: {}, None, "a list is begun once"),
    ],
)
def test_a_beginning_that_makes_no_sense_is_refused(
    board: Board, tmp_path: Path, fields: Callable[[Board], Any], more: list[Any] | None, said: str
) -> None:
    change = begun(board, **fields(board))
    changes = [change, change] if more is None else [change, *more]
    with pytest.raises(UsageError, match=said):
        Repository(tmp_path / "new", clock=board.clock).change(
            changes, signers=[board.keys["ada"], board.keys["bob"]], online=board.online
        )
    assert not (tmp_path / "new" / "metadata").exists()


# --- contents -------------------------------------------------------------------------------


def test_files_larger_than_a_reader_takes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"16777217 bytes among the evidence: too many"):
        Contents().add("evidence", bytes(LARGEST_ATTACHMENT + 1))


def test_what_lies_under_a_records_name_must_be_one(board: Board) -> None:
    contents = Contents()
    digest = contents.add("records", b"{}")
    with pytest.raises(UsageError, match="not a record"):
        contents.record(digest)
    policy = contents.add("records", msgspec.json.encode({"v": 1}))
    with pytest.raises(UsageError, match="has 7 bytes, not 8"):
        board.draft(SetPolicy(digest=policy, size=8), contents=contents)


def test_a_folder_may_hold_the_text_of_a_list_of_one_officer(tmp_path: Path) -> None:
    """A list as it was begun before there were teams goes on: one key for all that is online."""
    board = Board(tmp_path / "b")
    one = Repository.init(
        tmp_path / "trust",
        officer_name="Ada",
        officer=board.keys["ada"],
        online=board.keys["snapshot"],
        clock=board.clock,
    )
    one.publish([make_record()], officer=board.keys["ada"], online=board.keys["snapshot"])
    signed = json.loads((tmp_path / "trust" / "metadata" / "1.root.json").read_bytes())["signed"]
    roles = signed["roles"]
    assert roles["snapshot"] == roles["timestamp"]
    assert roles["root"]["threshold"] == 1
