import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from hubproxy.pointing.bundle import BundleError, bundle_place, write_bundle
from tests.pointing.sites import root, site


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """One in which the system's CAs are one."""
    system = tmp_path / "system.pem"
    system.write_bytes(root("system.example")[0])
    return {"SSL_CERT_FILE": str(system)}


def test_it_has_the_systems_cas_and_ours_for_everybody_to_read(
    tmp_path: Path, environ: dict[str, str], umask: None
) -> None:
    place = tmp_path / "cache" / "ca.pem"
    write_bundle(site(), place, environ)
    found = x509.load_pem_x509_certificates(place.read_bytes())
    wanted = x509.load_pem_x509_certificates(site().ca + root("system.example")[0])
    assert set(found) == set(wanted)
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    assert [path.name for path in place.parent.iterdir()] == ["ca.pem"]


def test_one_that_is_right_is_left_alone(tmp_path: Path, environ: dict[str, str]) -> None:
    place = tmp_path / "ca.pem"
    write_bundle(site(), place, environ)
    before = place.stat().st_ino
    write_bundle(site(), place, environ)
    assert place.stat().st_ino == before
    place.chmod(0o600)
    write_bundle(site(), place, environ)
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    place.write_bytes(b"something else")
    write_bundle(site(), place, environ)
    assert site().ca in place.read_bytes()


def test_it_lies_in_the_cache_under_the_cas_fingerprint(tmp_path: Path) -> None:
    name = f"ca-bundle-{site().fingerprint[:16]}.pem"
    assert bundle_place(site(), {"XDG_CACHE_HOME": "/c"}) == Path("/c/hubproxy") / name
    # A relative one is to be ignored (XDG base directories).
    assert bundle_place(site(), {"XDG_CACHE_HOME": "c"}) == Path.home() / ".cache/hubproxy" / name


def test_a_daemon_without_a_ca_has_no_bundle(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(BundleError, match="gives no CA"):
        write_bundle(site(ca=b""), tmp_path / "ca.pem", environ)


def test_a_place_that_cannot_be_is_told_with_the_flag(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match=r"cannot be written: File exists") as caught:
        write_bundle(site(), tmp_path / "file" / "ca.pem", environ)
    assert "--ca FILE" in caught.value.remedy
