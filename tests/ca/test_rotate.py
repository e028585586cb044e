"""A new CA in the place of the old."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from hubproxy.ca.authority import Authority
from hubproxy.ca.certificates import ROOT_LIFE
from hubproxy.ca.folder import open_authority, read_current, read_previous, rotate
from hubproxy.errors import AuthorityError
from tests.ca.forging import NOW, key_pem
from tests.ca.leaks import spellings

HUBS = ["tfhub.dev"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ca"


def made(folder: Path) -> Authority:
    return open_authority(folder, HUBS, now=NOW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_expired_ca_is_told_with_its_remedy(folder: Path) -> None:
    made(folder)
    later = NOW + ROOT_LIFE
    with pytest.raises(AuthorityError, match="expired on") as told:
        open_authority(folder, HUBS, now=later)
    assert "`hubproxy ca rotate`" in told.value.remedy
    new = rotate(folder, HUBS, now=later)
    assert open_authority(folder, HUBS, now=later).fingerprint == new.fingerprint
    assert read_previous(folder, now=later) == []


def test_rotation_puts_another_key_and_keeps_the_old_certificate(folder: Path) -> None:
    old = made(folder)
    with (folder / "ca.key").open("rb") as file:
        new = rotate(folder, ["kaggle.com"], now=NOW)
        assert os.fstat(file.fileno()).st_nlink == 0
    assert new.fingerprint != old.fingerprint
    assert new.subject != old.subject
    assert made(folder).fingerprint == read_current(folder).fingerprint == new.fingerprint
    assert (new.permits("kaggle.com"), new.permits("tfhub.dev")) == (True, False)
    assert read_previous(folder, now=NOW) == [old.issuer]
    assert mode(folder / "ca.key") == 0o600
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    for spelling in spellings(key_pem(old._key))[:-1]:
        assert spelling not in everything


def test_the_old_certificate_is_forgotten_when_it_ends(folder: Path) -> None:
    old = made(folder)
    later = NOW + timedelta(days=100)
    middle = rotate(folder, HUBS, now=later)
    assert read_previous(folder, now=later) == [old.issuer]
    assert read_previous(folder, now=old.expires) == []
    rotate(folder, HUBS, now=later)
    assert read_previous(folder, now=later) == [middle.issuer, old.issuer]
    rotate(folder, HUBS, now=old.expires)
    assert old.issuer not in read_previous(folder, now=later)


def test_the_old_certificate_is_forgotten_when_it_is_not_trusted(folder: Path) -> None:
    made(folder)
    rotate(folder, HUBS, now=NOW)
    rotate(folder, HUBS, now=NOW, keep_previous=False)
    assert read_previous(folder, now=NOW) == []


@pytest.mark.parametrize("name", ["ca.pem", "previous.pem"])
def test_rotation_passes_over_what_is_damaged(folder: Path, name: str) -> None:
    made(folder)
    rotate(folder, HUBS, now=NOW)
    (folder / name).write_bytes(b"damaged")
    new = rotate(folder, HUBS, now=NOW)
    assert made(folder).fingerprint == new.fingerprint
    assert len(read_previous(folder, now=NOW)) == 1


def test_rotation_is_the_remedy_for_a_key_that_others_have_read(folder: Path) -> None:
    made(folder)
    (folder / "ca.key").chmod(0o644)
    rotate(folder, HUBS, now=NOW)
    assert mode(folder / "ca.key") == 0o600
    made(folder)


def test_a_part_of_a_writer_that_was_killed_is_swept(folder: Path) -> None:
    made(folder)
    (folder / ".ca.key.0123456789abcdef").write_bytes(b"a key")
    rotate(folder, HUBS, now=NOW)
    assert not list(folder.glob(".*"))
