"""Changes that make no sense, each refused by name before anything is drafted."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.policy import Policy
from hubproxy.core.record import CardNote, Evidence
from hubproxy.errors import UsageError
from hubproxy.trust.changes import (
    Begin,
    Change,
    Delegate,
    Member,
    Officer,
    Online,
    PublicKey,
    Put,
    Remove,
    Renew,
    SetPolicy,
    Threshold,
    Undelegate,
    holder_name,
    team_name,
)
from hubproxy.trust.draft import drafts_in
from hubproxy.trust.proposing import put, set_policy
from tests.trust.board import GOOGLE, Board, signer
from tests.trust.published import SPICE_PATH, make_record

ZERO = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    board = Board(tmp_path_factory.mktemp("board"))
    board.delegate("lea")
    board.approve(make_record(), by=("lea",))
    return board


def key(name: str, holder: str = "", **fields: str) -> PublicKey:
    made = PublicKey.of(signer(name).public_key, holder or name)
    return msgspec.structs.replace(made, **fields)


def delegate(team: str = "vision", pattern: str = "tfhub.dev/x/*/*/*", **fields: object) -> Change:
    given = {"keys": (key("max"),), "threshold": 1, **fields}
    return Delegate(team=team, patterns=(pattern,), **given)  # type: ignore[arg-type]  # a test's


WEAK = CryptoSigner(rsa.generate_private_key(65537, 1024))
NONSENSE: list[tuple[str, list[Change], str]] = [
    (
        "a record that is nowhere",
        [Put(role="targets", path=SPICE_PATH, digest=ZERO, size=1)],
        "is missing",
    ),
    (
        "a path that is not there",
        [Remove(role="targets", path=SPICE_PATH)],
        "targets does not list",
    ),
    (
        "a team that is not there",
        [Remove(role="vision", path=SPICE_PATH)],
        "no team 'vision'; the teams are: nlp",
    ),
    ("a policy that is nowhere", [SetPolicy(digest=ZERO, size=1)], "is missing"),
    ("renewing what is online", [Renew(role="snapshot")], "no team 'snapshot'"),
    ("undelegating nobody", [Undelegate(team="vision")], "no team 'vision'"),
    ("a member of no team", [Member(team="vision", name="x", key=key("max"))], "no team 'vision'"),
    ("a member who is none", [Member(team="nlp", name="mia")], "no member of nlp 'mia', only: lea"),
    (
        "the last member",
        [Member(team="nlp", name="lea")],
        "nlp would need 1 signatures and have 0 keys",
    ),
    ("an officer who is none", [Officer(name="dan")], "no officer 'dan', only: ada, bob, cyd"),
    (
        "too few officers left",
        [Officer(name="ada"), Officer(name="bob")],
        "root would need 2 signatures and have 1 keys",
    ),
    (
        "row 9: an officer's own key again",
        [Officer(name="ada", key=key("ada"))],
        "ada has this key already",
    ),
    (
        "row 9: one key for two officers",
        [Officer(name="dan", key=key("ada"))],
        "ada and dan have the same key in root",
    ),
    (
        "row 9: one key under two ids",
        [Officer(name="dan", key=key("ada", id="ab" * 32))],
        "the key of dan goes by the id 'abababababababab'",
    ),
    (
        "a key under another officer's id",
        [Officer(name="ada", key=key("eve", id=signer("ada").public_key.keyid))],
        "the key of ada goes by the id",
    ),
    (
        "a key of one team under the id of another's",
        [delegate(keys=(key("eve", "lea", id=signer("lea").public_key.keyid),))],
        "the key of lea goes by the id",
    ),
    (
        "an online key under an officer's id",
        [Online(role="snapshot", key=key("eve", id=signer("ada").public_key.keyid))],
        "the key of eve goes by the id",
    ),
    (
        "a key with another scheme",
        [Officer(name="dan", key=key("bob", scheme="ecdsa-sha2-nistp384"))],
        "the scheme 'ecdsa-sha2-nistp384', but is",
    ),
    (
        "an RSA key that is too short",
        [Officer(name="dan", key=PublicKey.of(WEAK.public_key, "dan"))],
        "an RSA key of only 1024 bits",
    ),
    (
        "an online key's name with a control sequence",
        [Online(role="snapshot", key=key("new", holder="x\x1b[2J"))],
        "no name for a key's holder",
    ),
    (
        "a name with a control sequence",
        [Officer(name="ada\x1b[2J", key=key("new"))],
        "no name for a key's holder",
    ),
    ("a key of no type", [Officer(name="dan", key=key("new", type="magic"))], "not a public key"),
    ("a key that is none", [Officer(name="dan", key=key("new", public="zz"))], "not a public key"),
    (
        "a key's id that is a path",
        [Officer(name="dan", key=key("new", id="../x"))],
        "goes by the id '../x'",
    ),
    (
        "an online officer",
        [Officer(name="dan", key=key("snapshot"))],
        "officer's key and the online key must not be the same",
    ),
    (
        "an officer online",
        [Online(role="timestamp", key=key("ada"))],
        "officer's key and the online key must not be the same",
    ),
    (
        "a team online",
        [Online(role="timestamp", key=key("lea"))],
        "the key of lea in the team nlp must not be an online key",
    ),
    ("an online team", [delegate(keys=(key("timestamp"),))], "must not be an online key"),
    (
        "more than there are",
        [Threshold(role="targets", number=4)],
        "targets would need 4 signatures and have 3 keys",
    ),
    ("none at all", [Threshold(role="root", number=0)], "root would need 0 signatures"),
    ("more than the team", [Threshold(role="nlp", number=2)], "nlp would need 2"),
    (
        "a threshold online",
        [Threshold(role="timestamp", number=2)],
        "timestamp is signed by one key",
    ),
    ("a threshold of nobody", [Threshold(role="vision", number=1)], "no team 'vision'"),
    ("a role name that is a path", [delegate("../vision")], "no name for a team"),
    ("a team that is a number", [delegate("3")], "no name for a team"),
    ("a team in capitals", [delegate("Vision")], "no name for a team"),
    ("a team with a dot", [delegate("a.b")], "no name for a team"),
    ("a team root", [delegate("root")], "root is one of the list's own roles"),
    ("a team timestamp", [delegate("timestamp")], "one of the list's own roles"),
    ("a pattern of the wrong depth", [delegate(pattern="tfhub.dev/google/*")], "has 3 segments"),
    (
        "a Kaggle pattern of the wrong depth",
        [delegate(pattern="kaggle.com/google/*/*/*/*")],
        "has 6 segments",
    ),
    ("two stars", [delegate(pattern="tfhub.dev/**")], r"`\*\*`"),
    ("an empty segment", [delegate(pattern="/etc/*/*/*")], "is no pattern of paths"),
    ("a team of nobody", [delegate(keys=())], "vision would need 1 signatures and have 0 keys"),
    (
        "a name twice in a team",
        [delegate(keys=(key("max"), key("lea", "max")))],
        "max stands twice",
    ),
    (
        "row 9: one key twice in a team",
        [delegate(keys=(key("max"), key("max", "mia")))],
        "max and mia have the same key in vision",
    ),
    ("a team's threshold", [delegate(threshold=2)], "vision would need 2"),
    (
        "a team without paths",
        [Delegate(team="vision", patterns=(), keys=(key("max"),))],
        "needs a path",
    ),
    (
        "a second beginning",
        [
            Begin(
                officers=(key("ada"),),
                threshold=1,
                snapshot=key("new"),
                timestamp=key("new"),
                days={},
            )
        ],
        "there is a trust list in",
    ),
    (
        "a record of a team that goes in the same step",
        [Undelegate(team="nlp"), Remove(role="nlp", path=SPICE_PATH)],
        "no team 'nlp'; the teams are: none",
    ),
    ("nothing", [], "nothing to change"),
]


@pytest.mark.parametrize(
    "text",
    [
        "00" * 32,
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "ec" + "ff" * 30 + "7f",
        "ee" + "ff" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ],
)
def test_a_key_for_which_anybody_can_sign_is_refused(board: Board, text: str) -> None:
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    made = PublicKey.of(SSlibKey.from_crypto(public), "dan")

    with pytest.raises(UsageError, match="holds a key for which anybody can sign"):
        board.draft(Officer(name="dan", key=made))


@pytest.mark.parametrize(
    ("changes", "said"), [pytest.param(changes, said, id=id_) for id_, changes, said in NONSENSE]
)
def test_a_change_that_makes_no_sense_is_refused(
    board: Board, changes: list[Change], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        board.draft(*changes)

    assert drafts_in(board.drafts) == ()
    assert [path.name for path in board.drafts.iterdir() if path.is_dir()] == []


def test_a_key_is_listed_as_it_is_usually_spelled(board: Board) -> None:
    """The same key in another spelling would be another text under the same id."""
    made = key("bob")
    spelled = msgspec.structs.replace(made, public=made.public.replace("\n", "\r\n"))
    draft = board.draft(Member(team="nlp", name="bob", key=spelled))
    [change] = json.loads((draft.folder / "draft.json").read_bytes())["changes"]
    assert change["key"]["public"] == spelled.public

    role = json.loads(next((draft.folder / "metadata").glob("*.targets.json")).read_bytes())
    assert role["signed"]["delegations"]["keys"][made.id]["keyval"] == {"public": made.public}
    draft.abandon()


def test_a_team_lists_nothing_outside_of_its_paths(board: Board) -> None:
    record = make_record("h.org/a/1")
    contents = board.contents()
    changes = put(board.list.in_force(), [record], contents, role="nlp")

    with pytest.raises(UsageError, match=r"h\.org/a/1/saved_model\.json is not among the paths of"):
        board.draft(*changes, contents=contents)


def test_what_a_record_names_must_be_there(board: Board) -> None:
    evidence = Evidence(kind="minisign", identity="x", digest=ZERO, verified_at="2020-01-01")
    for record in (
        msgspec.structs.replace(make_record(), evidence=(evidence,)),
        msgspec.structs.replace(make_record(), card=CardNote(digest=ZERO, size=1)),
    ):
        contents = board.contents()
        changes = put(board.list.in_force(), [record], contents)
        with pytest.raises(UsageError, match=r"(evidence|boms)/00/0{64}.* is missing"):
            board.draft(*changes, contents=contents)


def test_a_policy_that_no_reader_takes_is_refused(board: Board) -> None:
    contents = board.contents()
    with pytest.raises(UsageError, match="`grace_days` is out of range"):
        set_policy(Policy(grace_days=-1), contents)

    text = Policy().encode() + b" " * (1024 * 1024)
    digest = contents.add("records", text)
    with pytest.raises(UsageError, match=r"a policy of \d+ bytes: too many"):
        board.draft(SetPolicy(digest=digest, size=len(text)), contents=contents)
    digest = contents.add("records", b"{}x")
    with pytest.raises(UsageError, match="not a policy"):
        board.draft(SetPolicy(digest=digest, size=3), contents=contents)


def test_a_key_of_any_kind_becomes_a_value_and_back() -> None:
    for made in (
        CryptoSigner.generate_ed25519(),
        CryptoSigner.generate_ecdsa(),
        signer("cyd"),
    ):
        held = PublicKey.of(made.public_key, "mia")
        assert PublicKey.of(held.key) == held
        held.key.verify_signature(made.sign(b"x"), b"x")
    odd = SSlibKey("ab", "sigstore-oidc", "Fulcio", {"public": "x"})
    odd.keyval = {"identity": "x", "issuer": "y"}
    with pytest.raises(ValueError, match="sigstore-oidc cannot sign a trust list"):
        PublicKey.of(odd)
    with pytest.raises(ValueError, match=r"not a key of the type|Unsupported"):
        _ = PublicKey(id="ab", type="sigstore-oidc", scheme="Fulcio", public="x").key


@pytest.mark.parametrize("text", ["", "a" * 65, "-a", "a b", "ä", "nlp\n"])
def test_names_are_plain_words(text: str) -> None:
    with pytest.raises(ValueError, match="no name for a team"):
        team_name(text)
    assert team_name("nlp-2_x") == "nlp-2_x"
    if text != "a b":
        with pytest.raises(ValueError, match="no name for a key's holder"):
            holder_name(text)


def test_changes_tell_themselves_in_a_line() -> None:
    assert list(
        map(
            str,
            [
                Put(role="nlp", path="p", digest="d", size=1),
                Remove(role="nlp", path="p"),
                SetPolicy(digest="d", size=1),
                delegate(pattern=GOOGLE),
                Undelegate(team="nlp"),
                Officer(name="ada"),
                Member(team="nlp", name="lea", key=key("lea", id="ab" * 32)),
                Online(role="snapshot", key=key("lea", id="ab" * 32)),
                Threshold(role="root", number=2),
                Renew(role="root"),
                Begin(
                    officers=(key("ada"), key("bob")),
                    threshold=2,
                    snapshot=key("new"),
                    timestamp=key("new"),
                    days={},
                ),
            ],
        )
    ) == [
        "nlp lists p d",
        "nlp lists p no longer",
        "the policy is d",
        "team vision: 1 of max, for tfhub.dev/google/*/*/*",
        "team nlp is trusted no longer",
        "officer ada leaves",
        "lea of nlp has the key abababababababab",
        "snapshot has the key abababababababab",
        "root needs 2 signatures",
        "root is renewed",
        "the list begins: 2 of ada, bob",
    ]
