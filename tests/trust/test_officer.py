import fcntl
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    Root,
    TargetFile,
)

from hubproxy.core.record import LARGEST_RECORD
from hubproxy.core.trust import Versions
from hubproxy.errors import TrustListError, UsageError
from hubproxy.files import write_whole
from hubproxy.trust.inforce import Lifetimes
from hubproxy.trust.officer import Repository
from tests.trust.crashing import CrashError, CrashingWrite
from tests.trust.published import SPICE_PATH, START, Clock, Published, make_record

RECORD = make_record()
LONG = Lifetimes(root=365, targets=360, snapshot=360, timestamp=360)


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_list_is_laid_out_for_any_web_server(published: Published) -> None:
    published.publish(RECORD)

    digest = RECORD.descriptor.digest.hex
    assert list(contents(published.folder)) == [
        "metadata/1.root.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
        "metadata/2.snapshot.json",
        "metadata/2.targets.json",
        "metadata/timestamp.json",
        f"records/{digest[:2]}/{digest}.json",
    ]
    assert published.record_file(RECORD).read_bytes() == RECORD.encode()


def test_every_level_names_length_and_sha256_of_the_next(published: Published) -> None:
    published.publish(RECORD)

    for name, inner in (("timestamp.json", "snapshot.json"), ("2.snapshot.json", "targets.json")):
        signed = json.loads((published.metadata / name).read_bytes())["signed"]
        meta = signed["meta"][inner]
        assert meta["length"] == len((published.metadata / f"2.{inner}").read_bytes())
        assert set(meta["hashes"]) == {"sha256"}
        assert meta["version"] == 2


def test_roles_live_as_long_as_their_kind(published: Published) -> None:
    versions = published.list.publish([RECORD], officer=published.officer, online=published.online)

    assert versions == Versions(root=1, timestamp=2, snapshot=2, targets=2)
    assert [
        (role.name, role.version, (role.expires - START).days) for role in status(published)
    ] == [
        ("root", 1, 365),
        ("targets", 2, 180),
        ("snapshot", 2, 30),
        ("timestamp", 2, 7),
    ]


def status(published: Published) -> tuple[Any, ...]:
    return published.list.status()


def test_status_names_the_officers_also_of_an_expired_list(published: Published) -> None:
    published.clock.pass_days(1000)
    online = published.online.public_key.keyid

    assert [(role.name, role.threshold, role.keys, role.signed) for role in status(published)] == [
        ("root", 1, ("Ada",), ("Ada",)),
        ("targets", 1, ("Ada",), ("Ada",)),
        ("snapshot", 1, (online,), (online,)),
        ("timestamp", 1, (online,), (online,)),
    ]
    assert published.list.officer_names() == {published.officer.public_key.keyid: "Ada"}


def test_targets_demand_the_root_they_were_signed_under(published: Published) -> None:
    assert published.load("1.targets.json").signed.unrecognized_fields["hubproxy"]["min_root"] == 1

    published.clock.pass_days(200)
    versions = published.list.publish([], officer=published.officer, online=published.online)

    assert versions == Versions(root=2, timestamp=2, snapshot=2, targets=2)
    assert published.load("2.targets.json").signed.unrecognized_fields["hubproxy"]["min_root"] == 2
    root = published.load("2.root.json")
    assert (root.signed.expires - published.clock.now).days == 365
    assert published.list.root_file() == (published.metadata / "2.root.json").read_bytes()


def test_an_existing_list_is_never_begun_again(published: Published) -> None:
    before = contents(published.folder)

    with pytest.raises(UsageError, match=r"there is a trust list in .* already") as told:
        Repository.init(
            published.folder,
            officer_name="Eve",
            officer=CryptoSigner.generate_ed25519(),
            online=CryptoSigner.generate_ed25519(),
            clock=published.clock,
        )

    assert told.value.remedy
    assert contents(published.folder) == before


def test_one_key_cannot_be_both_officers_and_online(tmp_path: Path) -> None:
    key = CryptoSigner.generate_ed25519()

    with pytest.raises(UsageError, match="must not be the same"):
        Repository.init(tmp_path / "t", officer_name="Ada", officer=key, online=key, clock=Clock())


def test_a_folder_without_a_list_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trust list in") as told:
        Repository(tmp_path / "none", clock=Clock()).status()

    assert "hubproxy trust init" in told.value.remedy


def test_a_record_can_be_found_again(published: Published) -> None:
    published.publish(RECORD)
    published.publish(make_record("h.org/a/1"))

    assert published.list.find(SPICE_PATH) == RECORD
    assert published.list.find("h.org/a/9/saved_model.json") is None
    assert published.list.paths() == ["h.org/a/1/saved_model.json", SPICE_PATH]

    path = published.record_file(RECORD)
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve"))
    with pytest.raises(TrustListError, match="altered or lost"):
        published.list.find(SPICE_PATH)


# --- who may sign --------------------------------------------------------------------------


def test_only_the_lists_own_keys_may_change_it(published: Published) -> None:
    before = contents(published.folder)
    stranger = CryptoSigner.generate_ed25519()

    with pytest.raises(UsageError, match="did not sign the root"):
        published.list.publish([RECORD], officer=stranger, online=published.online)
    with pytest.raises(UsageError, match=r"may not sign .* snapshot was signed by 0/1"):
        published.list.publish([RECORD], officer=published.officer, online=stranger)
    with pytest.raises(UsageError, match=r"may not sign .* snapshot was signed by 0/1"):
        published.list.renew(online=published.officer)

    assert contents(published.folder) == before


def test_one_officer_is_not_two(published: Published) -> None:
    root = published.load("1.root.json")
    second = CryptoSigner.generate_ed25519()
    root.signed.version = 2
    root.signed.add_key(second.public_key, "targets")
    root.signed.roles["targets"].threshold = 2
    published.save("2.root.json", root, published.officer)
    published.save("1.targets.json", published.load("1.targets.json"), published.officer, second)
    timestamp = published.load("timestamp.json")
    published.point_at((published.metadata / "1.targets.json").read_bytes(), 1)
    assert timestamp.signed.version == 1

    with pytest.raises(UsageError, match="signatures are missing: targets: 1 of 2, missing "):
        published.publish(RECORD)


def test_an_officer_never_signs_what_somebody_slipped_in(published: Published) -> None:
    published.publish(RECORD)
    targets = published.load("2.targets.json")
    targets.signed.targets["evil.org/m/1/tfjs.json"] = TargetFile(1, {"sha256": "0" * 64}, "x")
    original = (published.metadata / "2.targets.json").read_bytes()

    (published.metadata / "2.targets.json").write_bytes(targets.to_bytes())
    with pytest.raises(TrustListError, match="does not verify: targets was signed by 0/1"):
        published.publish(RECORD)

    (published.metadata / "2.targets.json").write_bytes(original + b" ")
    with pytest.raises(TrustListError, match="does not match"):
        published.publish(RECORD)

    (published.metadata / "2.targets.json").unlink()
    with pytest.raises(TrustListError, match="No such file"):
        published.publish(RECORD)
    (published.metadata / "2.targets.json").write_bytes(original)

    with (published.metadata / "2.snapshot.json").open("ab") as snapshot:
        snapshot.write(b" ")
    with pytest.raises(TrustListError, match="does not match"):
        published.publish(RECORD)


def test_a_role_in_anothers_place_is_refused(published: Published) -> None:
    (published.metadata / "1.snapshot.json").rename(published.metadata / "timestamp.json")

    with pytest.raises(TrustListError, match=r"timestamp\.json is not of the role timestamp"):
        published.publish(RECORD)


def test_an_officer_never_signs_on_top_of_anothers_roots(published: Published) -> None:
    """A list of somebody else's, whose root has the officer's key among its own."""
    eve = CryptoSigner.generate_ed25519()
    root = published.load("1.root.json")
    root.signed.add_key(eve.public_key, "root")
    root.signed.add_key(eve.public_key, "targets")
    published.save("1.root.json", root, eve)
    targets = published.load("1.targets.json")
    targets.signed.targets["evil.org/m/1/tfjs.json"] = TargetFile(1, {"sha256": "0" * 64}, "x")
    published.point_at(published.save("1.targets.json", targets, eve), 1)

    with pytest.raises(UsageError, match="did not sign the root"):
        published.publish(RECORD)


def test_a_chain_of_roots_must_hold(published: Published) -> None:
    eve = CryptoSigner.generate_ed25519()
    root: Metadata[Root] = published.load("1.root.json")
    root.signed.version = 2
    root.signed.add_key(eve.public_key, "root")
    published.save("2.root.json", root, eve)
    with pytest.raises(TrustListError, match="root was signed by 0/1"):
        published.publish(RECORD)

    root.signed.roles["root"].keyids.remove(published.officer.public_key.keyid)
    published.save("2.root.json", root, published.officer)
    with pytest.raises(TrustListError, match="root was signed by 0/1"):
        published.publish(RECORD)

    root.signed.version = 3
    published.save("2.root.json", root, published.officer, eve)
    with pytest.raises(TrustListError, match="says that it is version 3"):
        published.publish(RECORD)


@pytest.mark.parametrize("field", [{}, {"days": {"root": "many"}}, {"days": 7}, "x"])
def test_malformed_lifetimes_are_refused(published: Published, field: object) -> None:
    targets = published.load("1.targets.json")
    targets.signed.unrecognized_fields["hubproxy"] = field
    published.point_at(published.save("1.targets.json", targets, published.officer), 1)

    with pytest.raises(TrustListError, match="days"):
        published.publish(RECORD)


# --- what may be listed --------------------------------------------------------------------


def test_two_records_of_one_module_are_refused(published: Published) -> None:
    with pytest.raises(UsageError, match=r"two records of tfhub\.dev/google/spice/2"):
        published.publish(RECORD, make_record(status="revoked"))


def test_a_record_that_contradicts_itself_is_refused(published: Published) -> None:
    wrong = msgspec.structs.replace(RECORD, tree="sha256:" + "0" * 64)

    with pytest.raises(UsageError, match=r"cannot list .*tree digest"):
        published.publish(wrong)


def test_a_record_that_no_client_would_read_is_refused(published: Published) -> None:
    with pytest.raises(UsageError, match="too many"):
        published.publish(make_record(reason="x" * LARGEST_RECORD))


# --- crashes and company -------------------------------------------------------------------


def test_a_change_writes_records_first_and_the_timestamp_last(published: Published) -> None:
    names: list[str] = []

    def write(path: Path, data: bytes) -> None:
        names.append(path.name)
        write_whole(path, data)

    published.clock.pass_days(200)
    Repository(published.folder, clock=published.clock, write=write).publish(
        [RECORD], officer=published.officer, online=published.online
    )

    assert names == [
        f"{RECORD.descriptor.digest.hex}.json",
        "2.root.json",
        "2.targets.json",
        "2.snapshot.json",
        "timestamp.json",
    ]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(5))
def test_a_crash_while_publishing_leaves_the_old_list_or_the_new(
    tmp_path: Path, at: int, after: bool
) -> None:
    published = Published(tmp_path, LONG)
    client = published.reader()
    old = client.refresh()
    published.clock.pass_days(200)
    crashing = CrashingWrite(at, after=after)
    repository = Repository(published.folder, clock=published.clock, write=crashing)

    with pytest.raises(CrashError):
        repository.publish([RECORD], officer=published.officer, online=published.online)

    new = {SPICE_PATH: RECORD.descriptor}
    done = crashing.written == 5
    for reader in (client, published.reader(state="new")):
        found = reader.refresh()
        assert found.roles["targets"].targets == (new if done else old.roles["targets"].targets)
        assert reader.cached() == found
    # What the crash left is no obstacle.
    published.list.renew(online=published.online)
    published.publish(RECORD)
    assert client.refresh().roles["targets"].targets == new
    assert client.fetch_record(RECORD.descriptor) == RECORD.encode()


@pytest.mark.parametrize("at", range(2))
def test_a_crash_while_renewing_leaves_a_list(published: Published, at: int) -> None:
    client = published.reader()
    client.refresh()

    repository = Repository(
        published.folder, clock=published.clock, write=CrashingWrite(at, after=False)
    )
    with pytest.raises(CrashError):
        repository.renew(online=published.online)

    client.refresh()
    published.list.renew(online=published.online)
    assert client.refresh().versions.timestamp == 2


@pytest.mark.parametrize("at", range(4))
def test_an_init_cut_short_can_be_run_again(tmp_path: Path, at: int) -> None:
    published = Published(tmp_path / "other")
    folder = tmp_path / "trust"

    def init(**more: Any) -> Repository:
        return Repository.init(
            folder,
            officer_name="Ada",
            officer=published.officer,
            online=published.online,
            clock=published.clock,
            **more,
        )

    with pytest.raises(CrashError):
        init(write=CrashingWrite(at, after=False))

    assert [role.version for role in init().status()] == [1, 1, 1, 1]


def test_one_officers_command_at_a_time_changes_the_list(published: Published) -> None:
    lock = published.place / ".trust.lock"
    held: list[str] = []

    def write(path: Path, data: bytes) -> None:
        with lock.open("ab") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.append(path.name)

    repository = Repository(published.folder, clock=published.clock, write=write)
    repository.publish([RECORD], officer=published.officer, online=published.online)
    repository.renew(online=published.online)

    assert len(held) == 6
