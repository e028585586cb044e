"""The CA's folder: made once, whole or not at all, and its owner's alone."""

import os
import shutil
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from hubproxy.ca.authority import Authority
from hubproxy.ca.folder import open_authority, read_current, read_previous, rotate
from hubproxy.errors import AuthorityError, AuthorityMissingError
from tests.ca.forging import NOW, cert_pem, key_pem, new_authority
from tests.ca.leaks import spellings
from tests.durability.place import TOP, environ
from tests.stores import names_in

HUBS = ["tfhub.dev"]
OPEN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from hubproxy.ca.folder import open_authority
sys.stdin.read()
print(open_authority(Path(sys.argv[1]), ["tfhub.dev"], now=datetime.now(UTC)).fingerprint)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ca"


def made(folder: Path) -> Authority:
    return open_authority(folder, HUBS, now=NOW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_ca_is_made_on_first_use_and_stays(folder: Path) -> None:
    first = made(folder)
    assert first.hosts == ("tfhub.dev",)
    assert (mode(folder), mode(folder / "ca.key"), mode(folder / "ca.pem")) == (
        0o700,
        0o600,
        0o644,
    )
    assert (folder / "ca.pem").read_bytes() == first.certificate_pem
    assert names_in(folder) == ["ca.key", "ca.pem", "lock"]
    again = open_authority(folder, ["another.example"], now=NOW)
    assert again.fingerprint == first.fingerprint
    assert again.issue("tfhub.dev", now=NOW).expires > NOW
    assert read_current(folder).fingerprint == first.fingerprint


def test_reading_makes_nothing_and_needs_no_key(folder: Path) -> None:
    with pytest.raises(AuthorityMissingError, match="there is no CA in") as told:
        read_current(folder)
    assert "`hubproxy ca export`" in told.value.remedy
    assert read_previous(folder, now=NOW) == []
    assert not folder.exists()
    fingerprint = made(folder).fingerprint
    (folder / "ca.key").unlink()
    assert read_current(folder).fingerprint == fingerprint


def test_processes_that_make_it_at_once_agree(folder: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environ(), cwd=TOP, text=True,
        )
        for _ in range(6)
    ]  # fmt: skip
    for child in children:  # all have imported what they need, or soon will
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    said = [child.communicate() for child in children]
    assert [errors for _, errors in said] == [""] * 6
    assert {out.strip() for out, _ in said} == {made(folder).fingerprint}
    assert names_in(folder) == ["ca.key", "ca.pem", "lock"]


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o644, 0o660, 0o666, 0o610])
def test_a_key_that_others_can_read_is_not_used(folder: Path, wide: int) -> None:
    made(folder)
    (folder / "ca.key").chmod(wide)
    with pytest.raises(AuthorityError, match=f"is open to others .mode {wide:04o}") as told:
        made(folder)
    assert f"`chmod 600 {folder / 'ca.key'}`" in told.value.remedy
    (folder / "ca.key").chmod(0o600)
    made(folder)


@pytest.mark.parametrize("wide", [0o750, 0o705, 0o755, 0o777, 0o710])
def test_a_folder_that_others_can_enter_is_not_used(folder: Path, wide: int) -> None:
    folder.mkdir(parents=True)
    for make in (made, lambda folder: rotate(folder, HUBS, now=NOW)):
        folder.chmod(wide)
        with pytest.raises(AuthorityError, match=f"is open to others .mode {wide:04o}") as told:
            make(folder)
        assert f"`chmod 700 {folder}`" in told.value.remedy
        assert not (folder / "ca.key").exists()
        folder.chmod(0o700)
        make(folder)
        shutil.rmtree(folder)
        folder.mkdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files away")
@pytest.mark.parametrize("name", ["ca", "ca/ca.key"])
def test_what_belongs_to_another_user_is_not_used(folder: Path, name: str) -> None:
    made(folder)
    os.chown(folder.parent / name, 12345, 12345)
    with pytest.raises(AuthorityError, match=r"belongs to another user \(uid 12345\)"):
        made(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files away")
def test_root_makes_no_key_that_its_user_could_not_read(folder: Path) -> None:
    folder.parent.mkdir()
    os.chown(folder.parent, 12345, 12345)
    for make in (made, lambda folder: rotate(folder, HUBS, now=NOW)):
        with pytest.raises(AuthorityError, match=r"belongs to another user \(uid 12345\)") as told:
            make(folder)
        assert "sudo -u '#12345'" in told.value.remedy
    assert not folder.exists()


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "lock"])
def test_a_planted_link_is_not_followed(folder: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    made(other)
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    folder.mkdir(parents=True, mode=0o700)
    (folder / name).symlink_to(other / name)
    with pytest.raises(AuthorityError, match=r"cannot be read|cannot be used|is gone"):
        made(folder)
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before
    assert (folder / name).is_symlink()


def test_a_link_in_the_place_of_a_certificate_is_not_read(folder: Path, tmp_path: Path) -> None:
    made(folder)
    (folder / "ca.pem").rename(tmp_path / "elsewhere.pem")
    (folder / "ca.pem").symlink_to(tmp_path / "elsewhere.pem")
    for read in (made, read_current):
        with pytest.raises(AuthorityError, match="cannot be used: Too many levels of symbolic"):
            read(folder)


def test_a_folder_that_is_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    made(tmp_path / "other")
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "other")
    for make in (made, lambda folder: rotate(folder, HUBS, now=NOW)):
        with pytest.raises(AuthorityError, match="cannot be used"):
            make(folder)


def test_a_pipe_in_the_place_of_the_key_holds_nobody_up(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    os.mkfifo(folder / "ca.key", 0o600)
    with pytest.raises(AuthorityError, match="is no plain file"):
        made(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "holds no private key", id="empty"),
        pytest.param(b"hello", "holds no private key", id="no-pem"),
        pytest.param(key_pem(new_authority()._key), "is damaged", id="no-certificate"),
        pytest.param(
            key_pem(new_authority()._key) + new_authority().certificate_pem,
            "do not match",
            id="of-another-key",
        ),
        pytest.param(new_authority().certificate_pem, "holds no private key", id="no-key"),
    ],
)
def test_a_damaged_ca_is_told_with_its_remedy(folder: Path, content: bytes, said: str) -> None:
    made(folder)
    (folder / "ca.key").write_bytes(content)
    with pytest.raises(AuthorityError, match=said) as told:
        made(folder)
    assert "`hubproxy ca rotate`" in told.value.remedy
    rotate(folder, HUBS, now=NOW)
    made(folder)


def test_a_key_that_is_lost_is_not_made_anew_behind_peoples_backs(folder: Path) -> None:
    made(folder)
    (folder / "ca.key").unlink()
    with pytest.raises(AuthorityError, match=r"ca\.key is gone") as told:
        made(folder)
    assert "backup" in told.value.remedy
    assert "`hubproxy ca rotate`" in told.value.remedy
    assert not (folder / "ca.key").exists()


@pytest.mark.parametrize("name", ["ca.pem", "previous.pem"])
def test_a_damaged_certificate_is_told(folder: Path, name: str) -> None:
    made(folder)
    (folder / name).write_bytes(b"damaged")
    with pytest.raises(AuthorityError, match="is damaged") as told:
        read_current(folder) if name == "ca.pem" else read_previous(folder, now=NOW)
    assert "`hubproxy ca rotate`" in told.value.remedy


def test_the_copy_for_people_is_mended(folder: Path) -> None:
    first = made(folder)
    for damage in (b"damaged", cert_pem(new_authority().issuer)):
        (folder / "ca.pem").write_bytes(damage)
        assert made(folder).fingerprint == first.fingerprint
        assert (folder / "ca.pem").read_bytes() == first.certificate_pem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_made_is_told(folder: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(AuthorityError, match="Permission denied"):
        made(folder)


def test_a_file_in_the_folders_place_is_told(folder: Path) -> None:
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(AuthorityError, match="cannot be used"):
        made(folder)


def test_no_error_names_the_key(folder: Path) -> None:
    key = key_pem(made(folder)._key)
    for content in (key[:120], key, key.replace(b"PRIVATE", b"PUBLIC"), b"x" + key):
        (folder / "ca.key").write_bytes(content)
        with pytest.raises(AuthorityError) as told:
            made(folder)
        said = "".join(traceback.format_exception(told.value)) + told.value.remedy
        for spelling in spellings(key):
            assert spelling not in said.encode()
