"""Where the TUF client alone would not do: what a site does about it."""

import resource
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.handle import Handle
from tests.trust.published import SPICE, Published, Quiet, make_record, serving
from tests.trust.teams import Teams, refused

RECORD = make_record()


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path)
    made.publish(RECORD)
    return made


# --- a bundle that lacks a root --------------------------------------------------------------


def three_roots(published: Published) -> None:
    """Two votes: the first officer left, and the second has renewed."""
    newcomer = CryptoSigner.generate_ed25519()
    root = published.load("1.root.json")
    for role in ("root", "targets"):
        root.signed.revoke_key(published.officer.public_key.keyid, role)
        root.signed.add_key(newcomer.public_key, role)
    root.signed.version = 2
    published.save("2.root.json", root, published.officer, newcomer)
    root.signed.version = 3
    published.save("3.root.json", root, newcomer)
    targets = published.load("2.targets.json")
    targets.signed.version = 3
    targets.signed.unrecognized_fields["hubproxy"]["min_root"] = 3
    published.point_at(published.save("3.targets.json", targets, newcomer), 3)


def test_a_bundle_with_every_root_is_read(published: Published) -> None:
    client = published.reader()
    client.refresh()
    three_roots(published)

    assert client.refresh().versions.root == 3


@pytest.mark.parametrize(
    "lacking",
    [
        pytest.param((2,), id="row 7: the root between is left out"),
        pytest.param((2, 3), id="row 7: every new root is left out"),
    ],
)
def test_a_bundle_that_lacks_a_root_is_refused(
    published: Published, lacking: tuple[int, ...]
) -> None:
    client = published.reader()
    good = client.refresh()
    three_roots(published)
    # Of the officer who left, and still trusted by who knows no newer root.
    targets = published.load("3.targets.json")
    targets.signed.version = 4
    published.point_at(published.save("4.targets.json", targets, published.officer), 4)
    for version in lacking:
        (published.metadata / f"{version}.root.json").unlink()

    told = refused(client.refresh, "HP-T15")

    assert "trusted root is version 1, the list demands 3" in told
    assert "lacks 2.root.json" in told
    assert client.cached() == good


def test_row_7_a_bundle_without_the_root_that_names_its_signers_says_so(
    published: Published,
) -> None:
    client = published.reader()
    good = client.refresh()
    three_roots(published)
    (published.metadata / "2.root.json").unlink()

    told = refused(client.refresh, "HP-T15")

    assert "lacks 2.root.json" in told
    assert client.cached() == good


def test_a_stranger_cannot_hide_behind_a_demand_for_a_root(published: Published) -> None:
    client = published.reader()
    good = client.refresh()
    targets = published.load("2.targets.json")
    targets.signed.version = 3
    for demand in (2, "many"):
        targets.signed.unrecognized_fields["hubproxy"]["min_root"] = demand
        published.point_at(
            published.save("3.targets.json", targets, CryptoSigner.generate_ed25519()), 3
        )

        refused(client.refresh, "HP-T15" if demand == 2 else "HP-T09")
        assert client.cached() == good


# --- one clock, one timestamp, one lock ------------------------------------------------------


def test_each_refresh_looks_at_the_clock_anew(published: Published) -> None:
    client = published.reader()
    client.refresh()
    published.clock.pass_days(6)
    client.refresh()
    published.clock.pass_days(1)

    refused(client.refresh, "HP-T07")


def test_of_two_timestamps_of_one_version_the_first_stays(published: Published) -> None:
    client = published.reader()
    first = client.refresh()
    timestamp = published.load("timestamp.json")
    timestamp.signed.expires = first.expires.replace(year=2030)
    published.save("timestamp.json", timestamp, published.online)

    assert client.refresh().expires == first.expires
    assert client.cached().expires == first.expires


def test_threads_may_refresh_and_read_roles_at_once(published: Published) -> None:
    teams = Teams(published)
    names = [f"team-{number}" for number in range(6)]
    for name in names:
        teams.delegate(name, f"tfhub.dev/{name}/*/*/*")
        teams.publish(name, make_record(f"tfhub.dev/{name}/module/1"))
    client = published.reader()
    snapshot = client.refresh()

    with ThreadPoolExecutor(8) as pool:
        refreshed = [pool.submit(client.refresh) for _ in range(6)]
        read = [pool.submit(client.load_role, snapshot, name) for name in names * 3]

    assert all(done.result().versions == snapshot.versions for done in refreshed)
    assert {name for done in read for name in done.result().roles} == {"targets", *names}
    assert set(client.refresh().roles) == {"targets", *names}


# --- disks and sources that fail midway ------------------------------------------------------


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_no_list_from_coming_into_force(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    """A revocation must not wait for room; what could not be kept is read again next time."""
    client = published.reader()
    good = client.refresh()
    published.publish(make_record("h.org/a/1"))
    state = published.place / "state"
    before = sorted(path.name for path in state.iterdir())

    with files_no_longer_than(100):
        assert client.refresh().versions.targets == 3

    assert "trust.not_kept" in caplog.text
    assert sorted(path.name for path in state.iterdir()) == before
    assert client.cached() == good
    assert client.refresh().versions.targets == 3


def test_a_disk_without_links_is_told_plainly(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    (published.place / "state" / "current").mkdir(parents=True)

    assert published.reader().refresh().versions.targets == 2

    assert "trust.not_kept code=TRUST_STATE" in caplog.text


def test_an_answer_that_breaks_off_within_a_role_is_told_plainly(published: Published) -> None:
    Teams(published).delegate("nlp")
    folder = published.folder

    class Breaking(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # http.server calls it so
            path = folder / self.path.lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:50] if "nlp" in self.path else data)

    with serving(Breaking) as url:
        client = published.reader(url)
        snapshot = client.refresh()
        assert "broke off" in refused(
            lambda: client.load_role(snapshot, "nlp"), "TRUST_UNREACHABLE"
        )


def test_a_refresh_that_finds_nothing_new_writes_nothing(published: Published) -> None:
    client = published.reader()
    client.refresh()
    state = published.place / "state"

    def written() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in state.rglob("*") if path.is_file()}

    before = written()
    with files_no_longer_than(0):
        client.refresh()

    assert written() == before


def test_the_bytes_of_what_did_not_change_are_not_written_again(published: Published) -> None:
    client = published.reader()
    client.refresh()
    current = published.place / "state" / "current"
    before = (current / "targets.json").stat().st_ino

    published.list.renew(online=published.online)
    client.refresh()

    assert (current / "targets.json").stat().st_ino == before


def test_a_wiped_state_knows_nothing_of_what_was_seen(published: Published) -> None:
    """Why the highest versions stand in the audit log as well."""
    older = published.copy("older")
    published.publish(make_record(status="revoked"))
    published.reader().refresh()

    shutil.rmtree(published.place / "state")

    found = published.reader(older).refresh()
    assert found.find(Handle.parse(SPICE), ("saved_model",)) is not None
