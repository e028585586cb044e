"""Teams' roles as a site reads them."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner, Key  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    SuccinctRoles,
    Targets,
)

from hubproxy.core.handle import Handle
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.trust.client import TrustClient
from tests.trust.published import SPICE, SPICE_PATH, START, Published, make_record, serving_folder
from tests.trust.teams import Teams

HANDLE = Handle.parse(SPICE)
RECORD = make_record()
OTHER = make_record("tfhub.dev/vision/resnet/1")


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


@pytest.fixture
def teams(published: Published) -> Teams:
    made = Teams(published)
    made.delegate("nlp", "tfhub.dev/google/*/*/*")
    made.publish("nlp", RECORD)
    made.delegate("vision", "tfhub.dev/vision/*/*/*")
    made.publish("vision", OTHER)
    return made


@pytest.fixture(params=["folder", "url"])
def source(
    request: pytest.FixtureRequest, published: Published, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The published folder, read as a folder and through a web server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    if request.param == "folder":
        yield str(published.folder)
    else:
        with serving_folder(published.folder) as url:
            yield url


def refused(ask: Callable[[], object], code: str = "HP-T09") -> str:
    with pytest.raises(TrustListError) as told:
        ask()
    assert (told.value.code, told.value.status) == (code, 503), str(told.value)
    assert told.value.remedy
    return str(told.value)


def found_in(snapshot: TrustSnapshot, handle: str) -> str | None:
    """The role that lists a handle, of those read."""
    listed = snapshot.find(Handle.parse(handle), ("saved_model",))
    return None if listed is None else listed.role


def read_all(client: TrustClient, handle: Handle = HANDLE) -> TrustSnapshot:
    """What a site does for a handle."""
    snapshot = client.refresh()
    while missing := snapshot.missing(handle):
        for name in missing:
            snapshot = client.load_role(snapshot, name)
    return snapshot


# --- a role is read when it is needed, and once --------------------------------------------


def test_a_teams_role_is_read_when_it_is_asked_for(
    published: Published, teams: Teams, source: str
) -> None:
    client = published.reader(source)

    before = client.refresh()
    assert list(before.roles) == ["targets"]
    assert before.missing(HANDLE) == ("nlp",)

    after = client.load_role(before, "nlp")
    listed = after.find(HANDLE, ("saved_model",))
    assert after.missing(HANDLE) == ()
    assert listed is not None
    assert (listed.role, listed.record) == ("nlp", RECORD.descriptor)
    assert listed.expires == START + timedelta(days=7)
    assert client.fetch_record(listed.record) == RECORD.encode()


def test_a_role_that_was_read_needs_no_source(published: Published, teams: Teams) -> None:
    client = published.reader()
    found = client.load_role(client.refresh(), "nlp")
    shutil.rmtree(published.folder)

    restarted = published.reader()
    assert restarted.load_role(restarted.cached(), "nlp") == found


def test_what_has_not_changed_is_taken_over(published: Published, teams: Teams) -> None:
    asked: list[str] = []
    with serving_folder(published.folder, asked.append) as url:
        client = published.reader(url)
        before = read_all(client)
        teams.publish("vision", make_record("tfhub.dev/vision/resnet/2"))
        del asked[:]

        after = client.refresh()

    assert after.roles["nlp"] is before.roles["nlp"]
    assert "vision" not in after.roles
    assert not [path for path in asked if "nlp" in path]


def test_what_has_changed_is_read_again(published: Published, teams: Teams) -> None:
    client = published.reader()
    read_all(client)
    teams.publish("nlp", make_record(status="revoked"), make_record("tfhub.dev/google/spice/1"))

    assert client.refresh().missing(HANDLE) == ("nlp",)
    found = read_all(client)

    assert found.roles["nlp"].revoked == {SPICE_PATH}
    assert found.exact(HANDLE.unversioned) == HANDLE.at(1)


def test_a_role_may_delegate_to_roles_under_its_name(published: Published, teams: Teams) -> None:
    bert = make_record("tfhub.dev/google/bert/1")
    teams.delegate("nlp.bert", "tfhub.dev/google/bert/*/*", above="nlp")
    teams.publish("nlp.bert", bert)
    client = published.reader()

    found = read_all(client, bert.exact)

    assert found_in(found, bert.handle) == "nlp.bert"
    assert set(client.refresh().roles) == {"targets", "nlp", "nlp.bert"}


def test_files_of_roles_go_when_the_list_names_them_no_longer(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    read_all(client)
    kept = published.place / "state" / "roles"
    (before,) = kept.iterdir()
    teams.publish("nlp", make_record("tfhub.dev/google/spice/3"))

    client.refresh()
    assert list(kept.iterdir()) == []

    read_all(client)
    (after,) = kept.iterdir()
    assert after.name != before.name


def test_a_kept_file_that_was_damaged_is_read_from_the_source(
    published: Published, teams: Teams
) -> None:
    found = read_all(published.reader())
    (kept,) = (published.place / "state" / "roles").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"spice", b"slice"))

    restarted = published.reader()
    assert restarted.load_role(restarted.cached(), "nlp") == found
    assert b"slice" not in kept.read_bytes()


def test_a_role_that_cannot_be_kept_is_used_all_the_same(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    client.refresh()
    (published.place / "state" / "roles").write_text("a file where the folder should be")

    assert found_in(read_all(client), SPICE) == "nlp"


def test_an_expired_role_is_read_and_says_so(published: Published, teams: Teams) -> None:
    role = teams.load("nlp")
    role.signed.expires = START - timedelta(days=1)
    teams.change("nlp", role, *teams.keys["nlp"])

    listed = read_all(published.reader()).find(HANDLE, ("saved_model",))

    assert listed is not None
    assert listed.expires == START - timedelta(days=1)


# --- strangers, thresholds, and one key twice ----------------------------------------------


def another_teams_key(teams: Teams) -> list[CryptoSigner]:
    return teams.keys["vision"]


def an_officers_key(teams: Teams) -> list[CryptoSigner]:
    return [teams.published.officer]


def a_strangers_key(teams: Teams) -> list[CryptoSigner]:
    return [CryptoSigner.generate_ed25519()]


def nobodys_key(teams: Teams) -> list[CryptoSigner]:
    return []


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(a_strangers_key, id="row 3: strange key"),
        pytest.param(another_teams_key, id="row 3: another team's key"),
        pytest.param(an_officers_key, id="row 3: an officer's key"),
        pytest.param(nobodys_key, id="row 3: no signature"),
    ],
)
def test_a_team_signs_with_its_own_key(
    published: Published, teams: Teams, source: str, who: Callable[[Teams], list[CryptoSigner]]
) -> None:
    client = published.reader(source)
    teams.change("nlp", teams.load("nlp"), *who(teams))

    told = refused(lambda: read_all(client))

    assert told == "trust list signature: team `nlp` signed by 0 of 1 keys; missing: nlp-0"
    assert found_in(read_all(client, OTHER.exact), OTHER.handle) == "vision"


def two_of(published: Published) -> tuple[Teams, list[CryptoSigner]]:
    signers = [CryptoSigner.generate_ed25519() for _ in range(3)]
    made = Teams(published)
    made.delegate("nlp", "tfhub.dev/google/*/*/*", signers=signers, threshold=2)
    return made, signers


def test_row_3_one_of_two_signatures_is_not_enough(published: Published) -> None:
    teams, signers = two_of(published)
    teams.publish("nlp", RECORD, signers=signers[:2])
    assert found_in(read_all(published.reader()), SPICE) == "nlp"

    teams.publish("nlp", RECORD, signers=signers[:1])

    assert "signed by 1 of 2 keys; missing: nlp-1, nlp-2" in refused(
        lambda: read_all(published.reader())
    )


def test_row_9_one_signature_twice_counts_once(published: Published) -> None:
    teams, signers = two_of(published)
    teams.publish("nlp", RECORD, signers=[signers[0], signers[0]])

    assert "signed by 1 of 2 keys" in refused(lambda: read_all(published.reader()))


def renamed(signer: CryptoSigner, keyid: str) -> CryptoSigner:
    """The same key under another id."""
    key = Key.from_dict(keyid, signer.public_key.to_dict())
    return CryptoSigner(signer._private_key, key)  # type: ignore[arg-type]  # it is an SSlibKey


def in_other_letters(signer: CryptoSigner, keyid: str) -> CryptoSigner:
    """The same key under another id, written in another way."""
    written = signer.public_key.to_dict()
    public = written["keyval"]["public"]
    if "PUBLIC KEY" in public:
        written["keyval"]["public"] = public.rstrip() + "\n\n"
    else:
        written["keyval"]["public"] = public.upper()
    return CryptoSigner(signer._private_key, Key.from_dict(keyid, written))  # type: ignore[arg-type]  # it is an SSlibKey


@pytest.mark.parametrize("make", [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa])
@pytest.mark.parametrize("other", [renamed, in_other_letters])
def test_row_9_one_key_under_two_ids_does_not_make_two_of_a_team(
    published: Published,
    make: Callable[[], CryptoSigner],
    other: Callable[[CryptoSigner, str], CryptoSigner],
) -> None:
    one = make()
    twice = [one, other(one, "ab" * 32)]
    Teams(published).delegate("nlp", signers=twice, threshold=2)

    assert "`nlp` must be signed by 2 keys, and has one under two key ids" in refused(
        published.reader().refresh
    )


def test_row_9_one_key_under_two_ids_does_not_make_two_officers(published: Published) -> None:
    client = published.reader()
    good = client.refresh()
    twice = renamed(published.officer, "ab" * 32)
    root = published.load("1.root.json")
    root.signed.version = 2
    root.signed.add_key(twice.public_key, "targets")
    root.signed.roles["targets"].threshold = 2
    published.save("2.root.json", root, published.officer)

    assert "`targets` must be signed by 2 keys, and has one" in refused(client.refresh)
    assert client.cached() == good

    pinned = (published.metadata / "2.root.json").read_bytes()
    fresh = TrustClient(published.place / "s", published.folder, pinned, clock=published.clock)
    assert "one under two key ids" in refused(fresh.refresh)


def test_two_ids_of_one_key_that_may_sign_alone_deceive_nobody(published: Published) -> None:
    one = CryptoSigner.generate_ed25519()
    teams = Teams(published)
    teams.delegate("nlp", signers=[one, renamed(one, "ab" * 32)])
    teams.publish("nlp", RECORD)

    assert found_in(read_all(published.reader()), SPICE) == "nlp"


# --- a stolen team key ----------------------------------------------------------------------


def test_row_8_what_is_outside_a_teams_paths_is_not_listed(
    published: Published, teams: Teams
) -> None:
    teams.publish("nlp", OTHER, make_record("kaggle.com/google/nnlm/tensorFlow2/en/1"))
    client = published.reader()

    found = client.load_role(read_all(client, OTHER.exact), "nlp")

    assert found_in(found, "kaggle.com/google/nnlm/tensorFlow2/en/1") is None
    assert found_in(found, OTHER.handle) == "vision"
    assert [str(exact) for exact, _ in found.listing()] == [SPICE, OTHER.handle]


def test_row_8_a_rotated_key_is_refused_and_the_others_go_on(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    read_all(client)
    stolen = teams.keys["nlp"]

    teams.delegate("nlp", "tfhub.dev/google/*/*/*", publish=False)

    # The very file that was good before: it was signed by who may sign no longer.
    assert "team `nlp` signed by 0 of 1 keys" in refused(lambda: read_all(client))
    teams.publish("nlp", make_record("tfhub.dev/google/spice/9"), signers=stolen)
    assert "team `nlp` signed by 0 of 1 keys" in refused(lambda: read_all(client))
    assert found_in(read_all(client, OTHER.exact), OTHER.handle) == "vision"

    teams.publish("nlp", RECORD)
    assert found_in(read_all(client), SPICE) == "nlp"


def test_a_raised_threshold_holds_for_the_file_that_was_read(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    read_all(client)
    signers = [*teams.keys["nlp"], CryptoSigner.generate_ed25519()]

    teams.delegate("nlp", "tfhub.dev/google/*/*/*", signers=signers, threshold=2, publish=False)

    assert "team `nlp` signed by 1 of 2 keys" in refused(lambda: read_all(client))


# --- old files, mix and match ---------------------------------------------------------------


def old_file(published: Published, teams: Teams) -> None:
    old = (published.metadata / "2.nlp.json").read_bytes()
    teams.publish("nlp", make_record(status="revoked"))
    (published.metadata / "3.nlp.json").write_bytes(old)


def altered(published: Published, teams: Teams) -> None:
    path = published.metadata / "2.nlp.json"
    path.write_bytes(path.read_bytes().replace(b"spice", b"slice"))


def longer(published: Published, teams: Teams) -> None:
    with (published.metadata / "2.nlp.json").open("ab") as file:
        file.write(b" ")


def another_version(published: Published, teams: Teams) -> None:
    data = (published.metadata / "2.nlp.json").read_bytes()
    teams.point("nlp", MetaFile.from_data(3, data, ["sha256"]))
    (published.metadata / "3.nlp.json").write_bytes(data)


def another_kind(published: Published, teams: Teams) -> None:
    snapshot = published.load("1.snapshot.json")
    teams.change("nlp", snapshot, *teams.keys["nlp"])


def not_a_file_of_a_list(published: Published, teams: Teams) -> None:
    data = b"<html>Please log in</html>"
    (published.metadata / "3.nlp.json").write_bytes(data)
    teams.point("nlp", MetaFile.from_data(3, data, ["sha256"]))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(old_file, "not the one that the snapshot", id="row 6: old file, new name"),
        pytest.param(altered, "not the one that the snapshot", id="row 6: altered"),
        pytest.param(longer, "longer than", id="row 6: longer"),
        pytest.param(
            another_version, "is version 2, the snapshot names 3", id="row 6: old version"
        ),
        pytest.param(another_kind, "expected the role targets", id="another role's file"),
        pytest.param(not_a_file_of_a_list, "not a file of a trust list", id="a web page"),
    ],
)
def test_another_file_of_a_team_is_refused(
    published: Published,
    teams: Teams,
    source: str,
    spoil: Callable[[Published, Teams], None],
    told: str,
) -> None:
    spoil(published, teams)
    client = published.reader(source)

    assert told in refused(lambda: read_all(client))
    assert found_in(read_all(client, OTHER.exact), OTHER.handle) == "vision"


def test_a_file_that_is_missing_is_told_as_such(
    published: Published, teams: Teams, source: str
) -> None:
    (published.metadata / "2.nlp.json").unlink()

    refused(lambda: read_all(published.reader(source)), "TRUST_UNREACHABLE")


def test_row_10_a_stolen_online_key_cannot_point_a_team_back(
    published: Published, teams: Teams, source: str
) -> None:
    old = (published.metadata / "2.nlp.json").read_bytes()
    teams.publish("nlp", make_record(status="revoked"))
    client = published.reader(source)
    good = read_all(client)

    teams.point("nlp", MetaFile.from_data(2, old, ["sha256"]))

    refused(client.refresh, "HP-T08")
    assert client.load_role(client.cached(), "nlp") == good


def test_row_10_a_stolen_online_key_cannot_leave_a_team_out(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    client.refresh()
    timestamp = published.load("timestamp.json")
    snapshot = published.load(f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
    del snapshot.signed.meta["nlp.json"]
    snapshot.signed.version += 1
    published.point_at_snapshot(timestamp, snapshot)

    refused(client.refresh)
    fresh = published.reader(state="new")
    assert "not part of the list" in refused(lambda: read_all(fresh))


def test_row_4_an_older_list_is_refused_with_its_teams(published: Published, teams: Teams) -> None:
    older = published.copy("older")
    teams.publish("nlp", make_record(status="revoked"))
    client = published.reader()
    good = read_all(client)

    shutil.rmtree(published.folder)
    shutil.copytree(older, published.folder)

    refused(client.refresh, "HP-T08")
    restarted = published.reader()
    assert restarted.load_role(restarted.cached(), "nlp") == good
    assert good.roles["nlp"].revoked == {SPICE_PATH}


def test_row_11b_latest_is_answered_by_the_list(published: Published, teams: Teams) -> None:
    teams.publish(
        "nlp",
        make_record("tfhub.dev/google/spice/10"),
        make_record("tfhub.dev/google/spice/11", status="revoked"),
    )
    client = published.reader()

    before = client.refresh()
    assert before.missing(HANDLE.unversioned) == ("nlp",)

    assert read_all(client, HANDLE.unversioned).exact(HANDLE.unversioned) == HANDLE.at(10)


# --- what a reader never accepts ------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../nlp", id="a path out"),
        pytest.param("a/b", id="a path in"),
        pytest.param("..", id="the folder above"),
        pytest.param(".hidden", id="hidden"),
        pytest.param("nlp.", id="a dot at the end"),
        pytest.param("nlp.bert", id="as if another team had delegated it"),
        pytest.param("a\\b", id="a backslash"),
        pytest.param("a%2fb", id="an encoded slash"),
        pytest.param("a b", id="a space"),
        pytest.param("a\nb", id="a line break"),
        pytest.param("nlp\n", id="a line break at the end"),
        pytest.param("a\x00b", id="a NUL"),
        pytest.param("\uff4elp", id="another alphabet's letter"),
        pytest.param("-rf", id="an option"),
        pytest.param("a" * 65, id="too long"),
        pytest.param("a" * 5000, id="far too long"),
    ],
)
def test_a_role_whose_name_is_not_a_teams_is_refused(published: Published, name: str) -> None:
    top = published.load("1.targets.json")
    team = CryptoSigner.generate_ed25519().public_key
    role = DelegatedRole(name, [team.keyid], 1, terminating=True, paths=["*"])
    top.signed.delegations = Delegations({team.keyid: team}, {name: role})
    publish_top(published, top)

    assert "targets delegates to" in refused(published.reader().refresh)


@pytest.mark.parametrize("name", ["vision", "nlp.root", "nlp..a", "nlp.../x", "vision.a"])
def test_a_team_delegates_only_to_roles_under_its_own_name(
    published: Published, teams: Teams, name: str
) -> None:
    team = CryptoSigner.generate_ed25519().public_key
    role = teams.load("nlp")
    role.signed.delegations = Delegations(
        {team.keyid: team},
        {name: DelegatedRole(name, [team.keyid], 1, terminating=True, paths=["*"])},
    )
    teams.change("nlp", role, *teams.keys["nlp"])

    assert "nlp delegates to" in refused(lambda: read_all(published.reader()))


def publish_top(published: Published, top: Metadata[Any]) -> None:
    top.signed.version += 1
    version = top.signed.version
    published.point_at(published.save(f"{version}.targets.json", top, published.officer), version)


@pytest.mark.parametrize(
    ("roles", "succinct", "told"),
    [
        pytest.param(
            {"nlp": DelegatedRole("nlp", ["ab"], 1, terminating=True, path_hash_prefixes=["ab"])},
            None,
            "by hashes, not by patterns",
            id="hash prefixes",
        ),
        pytest.param(None, SuccinctRoles(["ab"], 1, 4, "bin"), "by hash bins", id="TAP 15"),
    ],
)
def test_a_list_that_delegates_by_hash_is_refused(
    published: Published,
    roles: dict[str, DelegatedRole] | None,
    succinct: SuccinctRoles | None,
    told: str,
) -> None:
    top = published.load("1.targets.json")
    top.signed.delegations = Delegations({}, roles, succinct)
    publish_top(published, top)

    assert told in refused(published.reader().refresh)


@pytest.mark.parametrize("name", ["nlp", "targets"])
@pytest.mark.parametrize("part", ["length", "hashes"])
def test_a_role_that_the_snapshot_does_not_bind_is_refused(
    published: Published, teams: Teams, name: str, part: str
) -> None:
    data = (
        published.metadata / f"3.{name}.json"
        if name == "targets"
        else published.metadata / "2.nlp.json"
    ).read_bytes()
    meta = MetaFile.from_data(3 if name == "targets" else 2, data, ["sha256"])
    setattr(meta, part, None)
    teams.point(name, meta)

    wanted = "sha256" if part == "hashes" else "length"
    assert f"{name}.json is listed without a {wanted}" in refused(published.reader().refresh)


@pytest.mark.parametrize("part", ["length", "hashes"])
def test_a_snapshot_that_the_timestamp_does_not_bind_is_refused(
    published: Published, part: str
) -> None:
    timestamp = published.load("timestamp.json")
    setattr(timestamp.signed.snapshot_meta, part, None)
    timestamp.signed.version += 1
    published.save("timestamp.json", timestamp, published.online)

    assert "snapshot is listed without a" in refused(published.reader().refresh)


def test_a_list_that_is_too_large_is_refused_before_it_is_fetched(
    published: Published, teams: Teams
) -> None:
    for name in ("nlp", "vision"):
        teams.point(name, MetaFile(9, 150_000_000, {"sha256": "ab" * 32}))
    asked: list[str] = []

    with serving_folder(published.folder, asked.append) as url:
        told = refused(published.reader(url).refresh)

    assert "the roles have 300" in told
    assert not [path for path in asked if "targets" in path]


def test_a_role_that_nobody_delegates_to_is_not_read(published: Published, teams: Teams) -> None:
    client = published.reader()
    found = client.refresh()

    assert "team `chemistry`" in refused(lambda: client.load_role(found, "chemistry"))
    assert "team `../../x`" in refused(lambda: client.load_role(found, "../../x"))


def test_patterns_match_segment_by_segment(published: Published) -> None:
    teams = Teams(published)
    teams.delegate("nlp", "tfhub.dev/google/*", "tfhub.dev/google/*/*")
    teams.publish("nlp", RECORD)
    client = published.reader()

    assert client.refresh().missing(HANDLE) == ()
    assert found_in(client.load_role(client.refresh(), "nlp"), SPICE) is None


def test_a_team_that_lists_nothing_is_a_team(published: Published) -> None:
    Teams(published).delegate("nlp")
    client = published.reader()

    assert read_all(client).roles["nlp"].targets == {}
    assert isinstance(published.load("1.nlp.json").signed, Targets)
