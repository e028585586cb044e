import fcntl
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.digest import Descriptor
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.core.trust import Versions, judge
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import ConfigError, TrustListError
from hubproxy.trust.client import TrustClient
from hubproxy.trust.inforce import Lifetimes
from tests.trust.published import (
    SPICE,
    SPICE_PATH,
    START,
    Published,
    Quiet,
    make_record,
    serving,
    serving_folder,
)

RECORD = make_record()


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path)
    made.publish(RECORD)
    return made


def refused(ask: Callable[[], object], code: str) -> TrustListError:
    with pytest.raises(TrustListError) as told:
        ask()
    assert (told.value.code, told.value.status) == (code, 503), str(told.value)
    assert told.value.remedy
    return told.value


@contextmanager
def full_disk() -> Iterator[None]:
    """Every write to a file fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def replace(folder: Path, by: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(by, folder)


# --- what officers publish is what a site reads -------------------------------------------


def test_a_site_reads_what_the_officers_published(published: Published, source: str) -> None:
    client = published.reader(source)

    found = client.refresh()

    assert found.versions == Versions(root=1, timestamp=2, snapshot=2, targets=2)
    assert found.roles["targets"].targets == {SPICE_PATH: RECORD.descriptor}
    assert (found.expires - START).days == 7
    assert client.fetch_record(found.roles["targets"].targets[SPICE_PATH]) == RECORD.encode()
    assert client.cached() == found


def test_a_revocation_takes_the_approvals_place(published: Published, source: str) -> None:
    client = published.reader(source)
    client.refresh()

    published.publish(make_record(status="revoked", reason="leaks"), make_record("h.org/a/1"))

    found = client.refresh()
    listed = found.find(Handle.parse(SPICE), ("saved_model",))
    assert listed is not None
    verdict = judge(Record.decode(client.fetch_record(listed.record)), listed)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T10", 410)
    assert "leaks" in verdict.message
    assert [str(exact) for exact, _ in found.listing()] == ["h.org/a/1", SPICE]


def test_a_renewed_list_lives_longer_and_lists_the_same(published: Published) -> None:
    client = published.reader()
    before = client.refresh()
    published.clock.pass_days(6)

    published.list.renew(online=published.online)
    published.clock.pass_days(6)

    after = client.refresh()
    assert after.roles["targets"].targets == before.roles["targets"].targets
    assert (after.expires - before.expires).days == 6
    assert after.versions == Versions(root=1, timestamp=3, snapshot=3, targets=2)


@pytest.mark.parametrize("shortest", ["root", "targets", "snapshot", "timestamp"])
def test_the_list_lives_as_long_as_its_shortest_role(tmp_path: Path, shortest: str) -> None:
    days = {"root": 90, "targets": 90, "snapshot": 90, "timestamp": 90, shortest: 5}
    published = Published(tmp_path, Lifetimes(**days))
    client = published.reader()

    assert (client.refresh().expires - START).days == 5

    published.clock.pass_days(5)
    for ask in (client.refresh, published.reader(state="new").refresh):
        assert shortest in str(refused(ask, "HP-T07"))


def test_an_unchanged_list_is_not_written_again(published: Published) -> None:
    client = published.reader()
    client.refresh()
    before = (published.place / "state" / "current").readlink()

    client.refresh()

    assert (published.place / "state" / "current").readlink() == before


def test_what_a_crash_left_in_the_state_is_swept(published: Published) -> None:
    client = published.reader()
    client.refresh()
    state = published.place / "state"
    (state / "list-dead" / "root_history").mkdir(parents=True)
    (state / "list-dead.link").symlink_to("list-dead")

    published.publish()
    client.refresh()

    assert sorted(path.name for path in state.iterdir()) == sorted(
        ["current", "lock", "reading", (state / "current").readlink().name]
    )
    assert client.cached().versions.timestamp == 3


def test_one_refresh_at_a_time_has_the_state(published: Published) -> None:
    lock = published.place / "state" / "lock"
    tries: list[bool] = []

    def try_lock(path: str) -> None:
        with lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                tries.append(True)
            except BlockingIOError:
                tries.append(False)

    with serving_folder(published.folder, try_lock) as url:
        published.reader(url).refresh()

    assert len(tries) > 3
    assert not any(tries)


# --- strangers, and keys of other roles ----------------------------------------------------


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
@pytest.mark.parametrize("who", ["a stranger", "nobody", "another role's key"])
def test_each_role_must_be_signed_by_its_own_key(
    published: Published, source: str, role: str, who: str
) -> None:
    client = published.reader(source)
    good = client.refresh()
    wrong = published.online if role == "targets" else published.officer
    signers = {
        "a stranger": [CryptoSigner.generate_ed25519()],
        "nobody": [],
        "another role's key": [wrong],
    }[who]
    targets = published.load("2.targets.json")
    targets.signed.version = 3
    published.point_at(
        published.save("3.targets.json", targets, *signers)
        if role == "targets"
        else (published.metadata / "2.targets.json").read_bytes(),
        3 if role == "targets" else 2,
    )
    if role == "snapshot":
        snapshot = published.load("3.snapshot.json")
        snapshot.signed.version = 3
        data = published.save("3.snapshot.json", snapshot, *signers)
        timestamp = published.load("timestamp.json")
        timestamp.signed.snapshot_meta = type(timestamp.signed.snapshot_meta).from_data(
            3, data, ["sha256"]
        )
        published.save("timestamp.json", timestamp, published.online)
    if role == "timestamp":
        published.save("timestamp.json", published.load("timestamp.json"), *signers)

    told = refused(client.refresh, "HP-T09")

    assert f"{role} was signed by 0/1 keys" in str(told)
    assert client.cached() == good
    refused(published.reader(source, state="new").refresh, "HP-T09")


def test_the_roots_given_must_be_the_lists_own(published: Published, tmp_path: Path) -> None:
    other = Published(tmp_path / "other")

    client = TrustClient(tmp_path / "s", published.folder, other.root, clock=published.clock)

    refused(client.refresh, "HP-T09")


@pytest.mark.parametrize("root", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_a_root_that_is_none_is_told_plainly(published: Published, root: bytes) -> None:
    client = TrustClient(published.place / "state", published.folder, root, clock=published.clock)

    assert "root" in str(refused(client.refresh, "HP-T09"))


# --- older lists ---------------------------------------------------------------------------


def test_an_older_list_is_refused_also_after_a_restart(published: Published, source: str) -> None:
    older = published.copy("older")
    published.publish(make_record(status="revoked"))
    client = published.reader(source)
    good = client.refresh()

    replace(published.folder, older)

    told = refused(client.refresh, "HP-T08")
    assert "timestamp version 2 must be >= 3" in str(told)
    restarted = published.reader(source)
    refused(restarted.refresh, "HP-T08")
    assert restarted.cached() == good


def test_an_older_list_is_refused_also_when_the_newer_expired(published: Published) -> None:
    older = published.copy("older")
    published.publish(make_record(status="revoked"))
    client = published.reader()
    client.refresh()
    published.clock.pass_days(100)

    replace(published.folder, older)

    refused(client.refresh, "HP-T08")


def test_a_stolen_online_key_cannot_point_back(published: Published, source: str) -> None:
    published.publish(make_record(status="revoked"))
    client = published.reader(source)
    good = client.refresh()

    published.point_at((published.metadata / "2.targets.json").read_bytes(), 2)

    refused(client.refresh, "HP-T08")
    assert client.cached() == good

    timestamp, snapshot = published.load("timestamp.json"), published.load("2.snapshot.json")
    published.point_at_snapshot(timestamp, snapshot)

    refused(client.refresh, "HP-T08")
    assert client.cached() == good


def test_old_targets_under_a_new_name_are_refused(published: Published, source: str) -> None:
    client = published.reader(source)
    good = client.refresh()
    published.publish(make_record(status="revoked"))
    old = (published.metadata / "2.targets.json").read_bytes()
    (published.metadata / "3.targets.json").write_bytes(old)

    refused(client.refresh, "HP-T09")

    assert client.cached() == good


# --- roots ---------------------------------------------------------------------------------


def rotate(published: Published, *signers: CryptoSigner) -> CryptoSigner:
    """A second root, with a new officer for the old one. Its signers are the test's choice."""
    newcomer = CryptoSigner.generate_ed25519()
    root = published.load("1.root.json")
    root.signed.version = 2
    for role in ("root", "targets"):
        root.signed.revoke_key(published.officer.public_key.keyid, role)
        root.signed.add_key(newcomer.public_key, role)
    published.save("2.root.json", root, *signers, newcomer)
    return newcomer


def rotate_online(published: Published) -> CryptoSigner:
    """A second root, with another online key. What that is to sign is signed by the old one."""
    new = CryptoSigner.generate_ed25519()
    root = published.load("1.root.json")
    root.signed.version = 2
    for role in ("timestamp", "snapshot"):
        for keyid in list(root.signed.roles[role].keyids):
            root.signed.revoke_key(keyid, role)
        root.signed.add_key(new.public_key, role)
    published.save("2.root.json", root, published.officer)
    return new


def resign(published: Published, officer: CryptoSigner, version: int, min_root: int = 2) -> None:
    targets = published.load("2.targets.json")
    targets.signed.version = version
    targets.signed.unrecognized_fields["hubproxy"]["min_root"] = min_root
    published.point_at(published.save(f"{version}.targets.json", targets, officer), version)


def test_officers_can_hand_over_to_another(published: Published, source: str) -> None:
    client = published.reader(source)
    client.refresh()

    newcomer = rotate(published, published.officer)
    resign(published, newcomer, 3)

    found = client.refresh()
    assert found.versions == Versions(root=2, timestamp=3, snapshot=3, targets=3)
    assert found.roles["targets"].targets == {SPICE_PATH: RECORD.descriptor}
    assert client.cached() == found
    assert published.reader(source, state="new").refresh() == found


def test_nobody_can_take_over_without_the_officers(published: Published, source: str) -> None:
    client = published.reader(source)
    good = client.refresh()

    newcomer = rotate(published)
    resign(published, newcomer, 3)

    assert "root was signed by 0/1" in str(refused(client.refresh, "HP-T09"))
    assert client.cached() == good


def test_a_root_under_a_wrong_number_is_malformed_not_older(published: Published) -> None:
    client = published.reader()
    shutil.copy(published.metadata / "1.root.json", published.metadata / "2.root.json")

    refused(client.refresh, "HP-T09")


def test_who_was_voted_out_stays_out_though_the_refresh_failed(published: Published) -> None:
    client = published.reader()
    client.refresh()
    rotate(published, published.officer)
    published.metadata.joinpath("timestamp.json").rename(published.place / "timestamp.json")
    refused(client.refresh, "TRUST_UNREACHABLE")

    # The officer voted out goes on, and hides the vote.
    published.metadata.joinpath("2.root.json").unlink()
    (published.place / "timestamp.json").rename(published.metadata / "timestamp.json")
    published.publish(make_record("evil.org/module/1"))

    assert "targets was signed by 0/1" in str(refused(client.refresh, "HP-T09"))


def test_a_source_that_breaks_off_behind_a_new_root_leaves_a_list(
    published: Published, source: str
) -> None:
    good = published.reader(source).refresh()
    rotate_online(published)
    timestamp = (published.metadata / "timestamp.json").read_bytes()
    (published.metadata / "timestamp.json").unlink()

    refused(published.reader(source).refresh, "TRUST_UNREACHABLE")

    assert published.reader(source).cached() == good
    assert published.reader(source).published("metadata/2.root.json") is None

    # Whoever hides the new root again gets nowhere: it is known, and the old keys are nobody's.
    (published.metadata / "timestamp.json").write_bytes(timestamp)
    (published.metadata / "2.root.json").unlink()
    assert "timestamp was signed by 0/1" in str(refused(published.reader(source).refresh, "HP-T09"))


def test_what_was_broken_off_can_be_gone_on_with(published: Published) -> None:
    published.reader().refresh()
    new = rotate_online(published)
    (published.metadata / "2.root.json").rename(published.place / "2.root.json")
    shutil.copy(published.place / "2.root.json", published.metadata)
    refused(published.reader().refresh, "HP-T09")  # the timestamp is by the old key
    (published.metadata / "2.root.json").unlink()  # it is kept

    published.online = new
    snapshot = published.load("2.snapshot.json")
    snapshot.signed.version = 3
    published.point_at_snapshot(published.load("timestamp.json"), snapshot)

    client = published.reader()
    assert client.refresh().versions.root == 2
    assert client.cached().versions.root == 2
    assert client.published("metadata/2.root.json") is not None
    assert not (published.place / "state" / "newer").exists()


def test_a_kept_list_of_an_officer_who_was_voted_out_is_not_gone_on_with(
    published: Published,
) -> None:
    published.reader().refresh()
    rotate(published, published.officer)
    (published.metadata / "timestamp.json").unlink()
    refused(published.reader().refresh, "TRUST_UNREACHABLE")

    assert "targets was signed by 0/1" in str(refused(published.reader().cached, "HP-T09"))


@pytest.mark.parametrize("junk", [b"", b"{}", None], ids=["empty", "no root", "another list's"])
def test_a_damaged_root_beside_the_list_is_passed_over(
    published: Published, tmp_path: Path, junk: bytes | None
) -> None:
    good = published.reader().refresh()
    if junk is None:
        other = Published(tmp_path / "other")
        rotate(other, other.officer)
        junk = (other.metadata / "2.root.json").read_bytes()
    beside = published.place / "state" / "newer" / "2.root.json"
    beside.parent.mkdir()
    beside.write_bytes(junk)

    assert published.reader().cached() == good
    resign(published, rotate(published, published.officer), 3)
    assert published.reader().refresh().versions.root == 2


def test_roots_of_another_list_are_not_kept_nor_published(tmp_path: Path) -> None:
    trial, real = Published(tmp_path / "trial"), Published(tmp_path / "real")
    for version in (2, 3):
        root = trial.load(f"{version - 1}.root.json")
        root.signed.version = version
        trial.save(f"{version}.root.json", root, trial.officer)
    first = TrustClient(tmp_path / "state", trial.folder, trial.root, clock=trial.clock)
    assert first.refresh().versions.root == 3
    assert first.published("metadata/3.root.json") is not None

    client = TrustClient(tmp_path / "state", real.folder, real.root, clock=real.clock)

    refused(lambda: client.published("metadata/timestamp.json"), "HP-T09")
    assert client.refresh().versions.root == 1
    assert client.published("metadata/1.root.json") == real.root
    assert client.published("metadata/2.root.json") is None
    roots = tmp_path / "state" / "current" / "root_history"
    assert [path.name for path in roots.iterdir()] == ["1.root.json"]


def test_a_list_without_the_root_that_it_demands_is_refused(
    published: Published, source: str
) -> None:
    client = published.reader(source)
    good = client.refresh()
    resign(published, published.officer, 3)

    told = refused(client.refresh, "HP-T15")

    assert "root is version 1, the list demands 2" in str(told)
    assert "2.root.json" in str(told)
    assert client.cached() == good
    refused(published.reader(source, state="new").refresh, "HP-T15")


def test_a_root_renewed_by_its_officer_must_be_there(published: Published) -> None:
    published.clock.pass_days(200)
    published.publish()
    assert published.reader().refresh().versions.root == 2

    (published.metadata / "2.root.json").unlink()

    refused(published.reader(state="new").refresh, "HP-T15")


@pytest.mark.parametrize("field", [{"min_root": "2"}, "2", {"min_root": None}])
def test_a_malformed_field_of_ours_is_refused(published: Published, field: object) -> None:
    targets = published.load("2.targets.json")
    targets.signed.version = 3
    targets.signed.unrecognized_fields["hubproxy"] = field
    published.point_at(published.save("3.targets.json", targets, published.officer), 3)

    assert "min_root" in str(refused(published.reader().refresh, "HP-T09"))


@pytest.mark.parametrize("hashes", [{"sha512": "00"}, {"sha256": "short"}])
def test_a_target_without_a_sha256_is_refused(published: Published, hashes: dict[str, str]) -> None:
    targets = published.load("2.targets.json")
    targets.signed.version = 3
    targets.signed.targets["x"] = TargetFile(3, hashes, "x")
    published.point_at(published.save("3.targets.json", targets, published.officer), 3)

    assert "x has no sha256" in str(refused(published.reader().refresh, "HP-T09"))


# --- sources that fail ---------------------------------------------------------------------


def no_folder(published: Published) -> None:
    shutil.rmtree(published.folder)


def no_timestamp(published: Published) -> None:
    (published.metadata / "timestamp.json").unlink()


def half_published(published: Published) -> None:
    published.publish(make_record("h.org/a/1"))
    (published.metadata / "3.snapshot.json").unlink()


def no_targets(published: Published) -> None:
    published.publish(make_record("h.org/a/1"))
    (published.metadata / "3.targets.json").unlink()


def torn_timestamp(published: Published) -> None:
    path = published.metadata / "timestamp.json"
    path.write_bytes(path.read_bytes()[:100])


def flipped_targets(published: Published) -> None:
    published.publish(make_record("h.org/a/1"))
    path = published.metadata / "3.targets.json"
    path.write_bytes(path.read_bytes().replace(b"h.org", b"g.org"))


def longer_targets(published: Published) -> None:
    published.publish(make_record("h.org/a/1"))
    with (published.metadata / "3.targets.json").open("ab") as file:
        file.write(b" ")


def web_page_for_everything(published: Published) -> None:
    (published.metadata / "2.root.json").write_text("<html>Please log in</html>")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (no_folder, "TRUST_UNREACHABLE"),
        (no_timestamp, "TRUST_UNREACHABLE"),
        (half_published, "TRUST_UNREACHABLE"),
        (no_targets, "TRUST_UNREACHABLE"),
        (torn_timestamp, "HP-T09"),
        (flipped_targets, "HP-T09"),
        (longer_targets, "HP-T09"),
        (web_page_for_everything, "HP-T09"),
    ],
)
def test_a_bad_source_leaves_the_good_list(
    published: Published, source: str, spoil: Callable[[Published], None], code: str
) -> None:
    client = published.reader(source)
    good = client.refresh()

    spoil(published)

    refused(client.refresh, code)
    assert client.cached() == good
    assert published.reader(source).cached() == good
    refused(published.reader(source, state="new").refresh, code)
    refused(published.reader(source, state="new").cached, "TRUST_UNREACHABLE")


def test_a_server_that_is_gone_or_failing_is_unreachable(published: Published) -> None:
    class Failing(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # http.server calls it so
            self.send_error(503)

    with serving(Failing) as url:
        assert "503" in str(refused(published.reader(url).refresh, "TRUST_UNREACHABLE"))
    assert url in str(refused(published.reader(url).refresh, "TRUST_UNREACHABLE"))


def test_a_source_of_another_scheme_is_a_setting_to_mend(published: Published) -> None:
    with pytest.raises(ConfigError, match="ftp://host/trust"):
        published.reader("ftp://host/trust")


# --- the state folder ----------------------------------------------------------------------


def test_the_state_alone_gives_the_last_list(published: Published) -> None:
    good = published.reader().refresh()
    shutil.rmtree(published.folder)

    assert published.reader().cached() == good
    assert (published.place / "state").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json"])
def test_the_state_is_verified_again(published: Published, name: str) -> None:
    client = published.reader()
    client.refresh()
    path = published.place / "state" / "current" / name
    path.write_bytes(path.read_bytes().replace(b'"version":2', b'"version":9'))

    refused(client.cached, "HP-T09")

    assert client.refresh().roles["targets"].targets == {SPICE_PATH: RECORD.descriptor}
    assert client.cached().roles["targets"].targets == {SPICE_PATH: RECORD.descriptor}


def test_a_state_that_cannot_be_kept_is_told_plainly(published: Published) -> None:
    (published.place / "state").write_text("a file where the folder should be")

    refused(published.reader().refresh, "TRUST_STATE")


def test_a_list_that_cannot_be_kept_is_in_force_all_the_same(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    client = published.reader()
    good = client.refresh()
    published.publish(make_record(status="revoked", reason="leaks"))
    with full_disk():
        found = client.refresh()

    assert found.versions.targets == good.versions.targets + 1
    assert found.roles["targets"].revoked == {SPICE_PATH}
    assert "trust.not_kept code=TRUST_STATE" in caplog.text
    assert published.reader().cached() == good


def test_what_must_not_be_remembered_is_not(published: Published) -> None:
    def check(found: TrustSnapshot) -> None:
        raise TrustListError("HP-T08", f"{found.versions} is older", remedy="Ask.")

    client = TrustClient(
        published.place / "state",
        published.folder,
        published.root,
        clock=published.clock,
        check=check,
    )
    refused(client.refresh, "HP-T08")
    assert client.published("metadata/timestamp.json") is None
    refused(client.cached, "TRUST_UNREACHABLE")


# --- records -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (RECORD.encode().replace(b"Ada", b"Eve"), "HP-T09"),
        (RECORD.encode()[:-1], "HP-T09"),
        (RECORD.encode() + b" ", "HP-T09"),
        (b"", "HP-T09"),
        (None, "TRUST_UNREACHABLE"),
    ],
    ids=["altered", "shorter", "longer", "empty", "missing"],
)
def test_a_record_of_other_bytes_is_refused(
    published: Published, source: str, data: bytes | None, code: str
) -> None:
    client = published.reader(source)
    wanted = client.refresh().roles["targets"].targets[SPICE_PATH]
    path = published.record_file(RECORD)
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)

    refused(lambda: client.fetch_record(wanted), code)


def test_a_record_must_have_the_size_that_was_signed(published: Published) -> None:
    wanted = RECORD.descriptor

    refused(
        lambda: published.reader().fetch_record(Descriptor(wanted.digest, wanted.size + 1)),
        "HP-T09",
    )
