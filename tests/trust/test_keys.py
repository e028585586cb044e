import stat
from pathlib import Path

import pytest

from hubproxy.errors import UsageError
from hubproxy.trust.keys import (
    Keys,
    create_officer_key,
    create_online_key,
    is_encrypted,
    load_signer,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_officers_key_is_encrypted_and_its_owners_alone(tmp_path: Path) -> None:
    pem = tmp_path / "keys" / "officer.pem"

    made = create_officer_key(pem, b"correct horse")

    assert pem.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert mode(pem) == 0o600
    assert is_encrypted(pem)
    assert load_signer(pem, b"correct horse").public_key == made.public_key


def test_the_online_key_is_plain_and_its_owners_alone(tmp_path: Path) -> None:
    pem = tmp_path / "online.pem"

    made = create_online_key(pem)

    assert mode(pem) == 0o600
    assert not is_encrypted(pem)
    assert load_signer(pem).public_key == made.public_key
    assert load_signer(pem, b"not needed").public_key == made.public_key


@pytest.mark.parametrize("passphrase", [None, b""])
def test_a_plain_officers_key_must_be_asked_for(tmp_path: Path, passphrase: bytes | None) -> None:
    pem = tmp_path / "officer.pem"

    with pytest.raises(UsageError, match="needs a passphrase"):
        create_officer_key(pem, passphrase)
    assert not pem.exists()

    made = create_officer_key(pem, passphrase, insecure=True)
    assert load_signer(pem).public_key == made.public_key


def test_a_wrong_passphrase_is_told_plainly(tmp_path: Path) -> None:
    pem = tmp_path / "officer.pem"
    create_officer_key(pem, b"right")

    with pytest.raises(UsageError, match=r"wrong passphrase for .*officer\.pem") as told:
        load_signer(pem, b"wrong")

    assert told.value.remedy


def test_a_missing_passphrase_is_told_plainly(tmp_path: Path) -> None:
    pem = tmp_path / "officer.pem"
    create_officer_key(pem, b"right")

    with pytest.raises(UsageError, match="is under a passphrase, and none was given"):
        load_signer(pem)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    pem = tmp_path / "officer.pem"
    create_officer_key(pem, b"right")
    before = pem.read_bytes()

    with pytest.raises(UsageError, match=r"a key at .* already"):
        create_officer_key(pem, b"right")
    with pytest.raises(UsageError, match=r"a key at .* already"):
        create_online_key(pem)

    assert pem.read_bytes() == before


def test_what_is_not_a_key_is_refused(tmp_path: Path) -> None:
    pem = tmp_path / "officer.pem"
    pem.write_text("hello")

    with pytest.raises(UsageError, match="not a key in PEM"):
        load_signer(pem)
    with pytest.raises(UsageError, match=r"cannot read the key .*none\.pem: No such file"):
        load_signer(tmp_path / "none.pem")


@pytest.mark.parametrize("inside", ["officer.pem", "online.pem"])
def test_keys_may_not_lie_where_clients_read(tmp_path: Path, inside: str) -> None:
    folder = tmp_path / "trust"
    places = {name: tmp_path / name for name in ("officer.pem", "online.pem")}
    Keys(places["officer.pem"], places["online.pem"]).check_outside(folder)

    places[inside] = folder / "deep" / ".." / inside

    with pytest.raises(UsageError, match="would lie in the published folder"):
        Keys(places["officer.pem"], places["online.pem"]).check_outside(folder)
