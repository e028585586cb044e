"""Files of a team's role that a site refuses."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    SuccinctRoles,
    Targets,
)

from tests.trust.published import SPICE, SPICE_PATH, Published, make_record, serving_folder
from tests.trust.teams import HANDLE, OTHER, RECORD, Teams, found_in, read_all, refused


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
