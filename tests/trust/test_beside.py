"""The policy, the signatures and the cards of a list, and what a site serves on of it."""

import hashlib
import shutil
from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.digest import Digest
from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.trust.bound import LARGEST_BESIDE, LARGEST_POLICY
from tests.trust.published import SPICE_PATH, Published, make_record
from tests.trust.teams import Teams, refused

RECORD = make_record()
STRICT = Policy(mode="enforce", grace_days=3)
LAX = Policy(grace_days=365)
SIGNATURE = b"untrusted comment: a signature\n"
DIGEST = Digest.of_hex(hashlib.sha256(SIGNATURE).hexdigest())
PLACE = f"{DIGEST.hex[:2]}/{DIGEST.hex}"


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path)
    made.publish(RECORD)
    return made


def set_policy(published: Published, text: bytes | None, *, listed: bytes | None = None) -> Path:
    """Publish a text as the officers' policy; `listed` is what they sign instead of it."""
    teams = Teams(published)
    top = teams.load("targets")
    signed = text if listed is None else listed
    if signed is None:
        del top.signed.targets[POLICY_PATH]
        signed = b""
    else:
        top.signed.targets[POLICY_PATH] = TargetFile.from_data(POLICY_PATH, signed, ["sha256"])
    digest = hashlib.sha256(signed).hexdigest()
    place = published.folder / "records" / digest[:2] / f"{digest}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        place.write_bytes(text)
    teams.change("targets", top, published.officer)
    return place


# --- the policy ------------------------------------------------------------------------------


def test_the_policy_comes_with_the_list(published: Published, source: str) -> None:
    client = published.reader(source)
    assert client.refresh().policy == NO_POLICY

    set_policy(published, STRICT.encode())

    found = client.refresh()
    assert found.policy == STRICT
    assert client.cached() == found
    assert [str(exact) for exact, _ in found.listing()] == [RECORD.handle]


def test_the_policy_is_there_without_the_source(published: Published) -> None:
    place = set_policy(published, STRICT.encode())
    client = published.reader()
    client.refresh()
    place.unlink()
    published.publish(make_record("h.org/a/1"))

    assert client.refresh().policy == STRICT

    shutil.rmtree(published.folder)
    assert published.reader().cached().policy == STRICT


def test_a_policy_may_change_and_go(published: Published) -> None:
    client = published.reader()
    set_policy(published, STRICT.encode())
    client.refresh()

    set_policy(published, Policy(mode="enforce", grace_days=1).encode())
    assert client.refresh().policy.grace_days == 1

    set_policy(published, None)
    assert client.refresh().policy == NO_POLICY
    assert client.cached().policy == NO_POLICY


@pytest.mark.parametrize(
    ("text", "listed", "code"),
    [
        pytest.param(b"{", None, "HP-T09", id="not JSON"),
        pytest.param(b'{"mode": "anything"}', None, "HP-T09", id="an unknown mode"),
        pytest.param(b'{"grace": 3}', None, "HP-T09", id="an unknown field"),
        pytest.param(b"\xff", None, "HP-T09", id="not text"),
        pytest.param(b" " * (LARGEST_POLICY + 1), None, "HP-T09", id="too large"),
        pytest.param(b"{}", LAX.encode(), "HP-T09", id="other bytes than were signed"),
        pytest.param(None, LAX.encode(), "TRUST_UNREACHABLE", id="missing"),
    ],
)
def test_a_bad_policy_leaves_the_good_list(
    published: Published, source: str, text: bytes | None, listed: bytes | None, code: str
) -> None:
    set_policy(published, STRICT.encode())
    client = published.reader(source)
    good = client.refresh()

    published.publish(make_record("h.org/a/1"))
    set_policy(published, text, listed=listed)

    refused(client.refresh, code)
    assert client.cached() == good
    assert published.reader(source).cached() == good
    refused(published.reader(source, state="new").refresh, code)


def test_a_team_cannot_set_the_policy(published: Published) -> None:
    teams = Teams(published)
    teams.delegate("nlp", "*", "tfhub.dev/*/*/*/*")
    role = teams.load("nlp")
    role.signed.targets[POLICY_PATH] = TargetFile.from_data(
        POLICY_PATH, STRICT.encode(), ["sha256"]
    )
    teams.change("nlp", role, *teams.keys["nlp"])
    client = published.reader()

    assert client.load_role(client.refresh(), "nlp").policy == NO_POLICY


# --- a list that has expired -----------------------------------------------------------------


@pytest.mark.parametrize("days", [8, 200, 4000])
def test_the_kept_list_is_read_when_it_has_expired(published: Published, days: int) -> None:
    set_policy(published, STRICT.encode())
    client = published.reader()
    good = client.refresh()

    published.clock.pass_days(days)

    assert "trust list expired" in refused(client.refresh, "HP-T07")
    assert published.reader().cached() == good
    assert good.expires < published.clock()
    assert good.fresh(published.clock()) is not None


def test_row_5_a_newer_list_that_arrives_expired_is_gone_on_with(
    published: Published, source: str
) -> None:
    client = published.reader(source)
    before = client.refresh()
    published.publish(make_record(status="revoked", reason="leaks"))
    published.clock.pass_days(8)

    refused(client.refresh, "HP-T07")

    for reader in (client, published.reader(source)):
        late = reader.cached()
        assert late.versions.targets == before.versions.targets + 1
        assert late.roles["targets"].revoked == {SPICE_PATH}
    again = client.published("metadata/timestamp.json")
    assert again == (published.metadata / "timestamp.json").read_bytes()


def test_row_5_an_expired_list_is_none_to_begin_with(published: Published) -> None:
    published.clock.pass_days(8)

    refused(published.reader().refresh, "HP-T07")

    refused(published.reader().cached, "TRUST_UNREACHABLE")


def test_row_4_an_older_list_that_arrives_expired_changes_nothing(published: Published) -> None:
    older = published.copy("older")
    published.publish(make_record(status="revoked", reason="leaks"))
    client = published.reader()
    good = client.refresh()
    published.clock.pass_days(8)
    shutil.rmtree(published.folder)
    older.rename(published.folder)

    refused(client.refresh, "HP-T08")

    assert client.cached() == good


# --- signatures and cards --------------------------------------------------------------------


def put(published: Published, name: str, data: bytes) -> Path:
    place = published.folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


@pytest.mark.parametrize("name", [f"evidence/{PLACE}", f"boms/{PLACE}.cdx.json"])
def test_what_lies_beside_the_records_is_read_and_kept(
    published: Published, source: str, name: str
) -> None:
    place = put(published, name, SIGNATURE)
    client = published.reader(source)

    assert client.fetch_file(name, DIGEST) == SIGNATURE

    place.unlink()
    assert published.reader(source).fetch_file(name, DIGEST) == SIGNATURE
    kept = published.place / "state" / name
    kept.write_bytes(b"damaged")
    refused(lambda: client.fetch_file(name, DIGEST), "TRUST_UNREACHABLE")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(SIGNATURE + b" ", "HP-T09", id="longer"),
        pytest.param(b"", "HP-T09", id="empty"),
        pytest.param(b" " * (LARGEST_BESIDE + 1), "HP-T09", id="too large"),
        pytest.param(None, "TRUST_UNREACHABLE", id="missing"),
    ],
)
def test_other_bytes_beside_the_records_are_refused(
    published: Published, source: str, data: bytes | None, code: str
) -> None:
    name = f"evidence/{PLACE}"
    if data is not None:
        put(published, name, data)

    refused(lambda: published.reader(source).fetch_file(name, DIGEST), code)
    assert not (published.place / "state" / name).exists()


@pytest.mark.parametrize(
    "name",
    [
        f"evidence/{PLACE}.cdx.json",
        f"boms/{PLACE}",
        f"records/{PLACE}.json",
        f"evidence/00/{DIGEST.hex}",
        f"evidence/{DIGEST.hex[:2]}/{'0' * 64}",
        f"evidence/{DIGEST.hex[:2]}/../{PLACE}",
        f"/evidence/{PLACE}",
        "metadata/timestamp.json",
        "",
    ],
)
def test_a_file_is_asked_for_by_its_own_name(published: Published, name: str) -> None:
    assert "is not where" in refused(lambda: published.reader().fetch_file(name, DIGEST))


def test_what_cannot_be_kept_is_used_all_the_same(published: Published) -> None:
    put(published, f"evidence/{PLACE}", SIGNATURE)
    client = published.reader()
    client.refresh()
    (published.place / "state" / "evidence").write_text("a file where the folder should be")

    assert client.fetch_file(f"evidence/{PLACE}", DIGEST) == SIGNATURE


# --- serving the list on ---------------------------------------------------------------------


def in_folder(published: Published) -> dict[str, bytes]:
    files = published.folder.rglob("*")
    return {
        str(path.relative_to(published.folder)): path.read_bytes()
        for path in files
        if path.is_file()
    }


def test_the_list_in_force_can_be_served_on(published: Published, tmp_path: Path) -> None:
    """Another site that reads only what this one serves sees the same list."""
    teams = Teams(published)
    teams.delegate("nlp", "tfhub.dev/vision/*/*/*")
    other = make_record("tfhub.dev/vision/resnet/1")
    teams.publish("nlp", other)
    set_policy(published, STRICT.encode())
    client = published.reader()
    client.refresh()
    served = {
        name: data for name in in_folder(published) if (data := client.published(name)) is not None
    }
    folder = tmp_path / "served"
    for name, data in served.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    below = published.reader(folder, state="below")
    found = below.load_role(below.refresh(), "nlp")

    assert found == client.load_role(client.refresh(), "nlp")
    assert found.policy == STRICT
    assert below.fetch_record(found.roles["targets"].targets[SPICE_PATH]) == RECORD.encode()
    assert below.fetch_record(other.descriptor) == other.encode()


def test_only_files_of_the_list_in_force_are_served_on(published: Published) -> None:
    teams = Teams(published)
    teams.delegate("nlp")
    client = published.reader()
    client.refresh()
    (published.place / "state" / "secret.json").write_text("secret")
    put(published, f"evidence/{PLACE}", SIGNATURE)
    newer = make_record("h.org/newer/1")
    published.publish(newer)

    assert client.published("metadata/3.snapshot.json") is not None
    assert client.published("metadata/1.nlp.json") is not None
    for name in (
        "metadata/1.snapshot.json",
        "metadata/4.snapshot.json",
        "metadata/snapshot.json",
        "metadata/1.targets.json",
        "metadata/4.targets.json",
        "metadata/2.nlp.json",
        "metadata/01.nlp.json",
        "metadata/nlp.json",
        "metadata/1.vision.json",
        "metadata/2.root.json",
        "metadata/root.json",
        "metadata/policy.json",
        "metadata/../secret.json",
        "secret.json",
        f"records/{'0' * 2}/{'0' * 64}.json",
        f"records/{newer.descriptor.digest.hex[:2]}/{newer.descriptor.digest.hex}.json",
        f"evidence/{PLACE}",
        "",
    ):
        assert client.published(name) is None, name

    client.fetch_file(f"evidence/{PLACE}", DIGEST)
    assert client.published(f"evidence/{PLACE}") == SIGNATURE


def test_a_role_below_a_team_is_served_on_after_the_teams(published: Published) -> None:
    teams = Teams(published)
    teams.delegate("nlp")
    teams.delegate("nlp.bert", above="nlp")
    client = published.reader()
    client.refresh()

    assert client.published("metadata/1.nlp.bert.json") is None
    assert client.published("metadata/2.nlp.json") is not None
    assert client.published("metadata/1.nlp.bert.json") is not None


def test_every_root_is_served_on(published: Published) -> None:
    published.clock.pass_days(200)
    published.publish()
    client = published.reader()
    client.refresh()

    for version in (1, 2):
        name = f"metadata/{version}.root.json"
        assert client.published(name) == (published.folder / name).read_bytes()


def test_a_list_is_served_on_after_a_restart_without_its_source(published: Published) -> None:
    Teams(published).delegate("nlp")
    client = published.reader()
    client.load_role(client.refresh(), "nlp")
    before = in_folder(published)
    shutil.rmtree(published.folder)

    restarted = published.reader()

    for name in ("timestamp.json", "1.root.json", "3.targets.json", "1.nlp.json"):
        assert restarted.published(f"metadata/{name}") == before[f"metadata/{name}"]


def test_nothing_is_served_on_before_a_list_was_read(published: Published) -> None:
    client = published.reader()

    assert client.published("metadata/timestamp.json") is None
    assert client.published(f"evidence/{PLACE}") is None
    assert client.published(f"records/{PLACE}.json") is None
    assert client.published("metadata/1.nlp.json") is None


def test_a_damaged_file_is_not_served_on(published: Published) -> None:
    client = published.reader()
    client.refresh()
    (published.place / "state" / "current" / "snapshot.json").write_text("{}")

    assert client.published("metadata/2.snapshot.json") is None
