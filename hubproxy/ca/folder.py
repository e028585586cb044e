"""The CA of this host, made on first use, in a folder that is its daemon's alone.

    ca.key        0600  the key and its certificate, in one file: one rename makes or changes both,
                        so no power cut can part them
    ca.pem        0644  the certificate again, for people and for commands that need no key
    previous.pem  0644  certificates of earlier CAs, while they are valid
    lock                held by whoever makes or changes the others

`ca.key` decides; what a cut left undone of the rest is mended when it is next opened. A reader
takes no lock, since files appear whole.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hubproxy.ca.authority import ROTATE, Authority, Chain
from hubproxy.ca.certificates import build_root
from hubproxy.ca.keyfile import check_owned, parse_key, read_secret
from hubproxy.errors import AuthorityError, AuthorityMissingError
from hubproxy.files import make_folder, write_whole

_KEY, _CERTIFICATE, _PREVIOUS, _LOCK = "ca.key", "ca.pem", "previous.pem", "lock"
_LARGEST = 1 << 20
_NEW = "Run `hubproxy ca export`, or start the daemon: either makes one."


def open_authority(folder: Path, hosts: Sequence[str], *, now: datetime) -> Authority:
    """The CA in a folder; a new one if there is none. Any number of processes may ask at once.

    Args:
        folder: made if missing.
        hosts: that a new CA is to permit. One that is there keeps to its own.
        now: timezone-aware.

    Raises:
        AuthorityError: it is damaged, expired or open to others, or cannot be read or made.
    """
    with _errors(folder):
        authority = _load(folder)
        if authority is None or _read(folder / _CERTIFICATE) != authority.certificate_pem:
            with _locked(folder):
                authority = _load(folder) or _create(folder, hosts, now)
                write_whole(folder / _CERTIFICATE, authority.certificate_pem)
    authority.check(now)
    return authority


def rotate(
    folder: Path, hosts: Sequence[str], *, now: datetime, keep_previous: bool = True
) -> Authority:
    """Put a new CA in the place of the one in a folder, whose key is then gone.

    A daemon goes on with the old one until it opens the folder again.

    Args:
        folder: made if missing.
        hosts: that the new CA is to permit.
        now: timezone-aware.
        keep_previous: whether the old certificate stays in `previous.pem`. Not if its key may
            be in other hands.

    Raises:
        AuthorityError: it cannot be written. The old one is in force, unharmed.
    """
    with _errors(folder), _locked(folder):
        kept = _old(folder, now) if keep_previous else []
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in kept)
        write_whole(folder / _PREVIOUS, pem)
        authority = _make(folder, hosts, now)
        write_whole(folder / _CERTIFICATE, authority.certificate_pem)
    return authority


def read_current(folder: Path) -> Chain:
    """The certificate of the CA in a folder. Its key is not looked at.

    Raises:
        AuthorityMissingError: there is none.
        AuthorityError: it is damaged, or cannot be read.
    """
    with _errors(folder):
        pem = _read(folder / _CERTIFICATE)
        if pem is None:
            raise AuthorityMissingError(f"there is no CA in {folder} yet", remedy=_NEW)
        return Chain(_parse(pem, folder / _CERTIFICATE)[:1])


def read_previous(folder: Path, *, now: datetime) -> list[x509.Certificate]:
    """The certificates of earlier CAs that are valid still, the newest first.

    Raises:
        AuthorityError: the file is damaged, or cannot be read.
    """
    with _errors(folder):
        pem = _read(folder / _PREVIOUS)
        found = _parse(pem, folder / _PREVIOUS) if pem else []
        return [one for one in found if one.not_valid_after_utc > now]


def _load(folder: Path) -> Authority | None:
    """What `ca.key` holds, if the folder and the file are there and nobody else can read it."""
    try:
        with _opened(folder) as descriptor:
            content = read_secret(folder / _KEY, folder=descriptor)
    except FileNotFoundError:
        return None
    path = folder / _KEY
    try:
        key = parse_key(content, path)
    except AuthorityError as error:
        raise AuthorityError(str(error), remedy=ROTATE) from None
    certificate = _parse(content, path)[0]
    if certificate.public_key() != key.public_key():
        raise AuthorityError(f"key and certificate in {path} do not match", remedy=ROTATE)
    return Authority([certificate], key)


def _create(folder: Path, hosts: Sequence[str], now: datetime) -> Authority:
    if (folder / _CERTIFICATE).exists():
        # No cut leaves this: the key is there first. Clients may trust what has lost it.
        raise AuthorityError(
            f"the key {folder / _KEY} is gone, and its certificate is not",
            remedy=f"Bring it back from a backup. {ROTATE}",
        )
    return _make(folder, hosts, now)


def _make(folder: Path, hosts: Sequence[str], now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = build_root(key, hosts, now=now)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(folder / _KEY, pem + certificate.public_bytes(Encoding.PEM), mode=0o600)
    return Authority([certificate], key)


def _old(folder: Path, now: datetime) -> list[x509.Certificate]:
    """Certificates that clients may trust, as far as they can be read: damaged ones are no loss."""
    found: list[x509.Certificate] = []
    with suppress(AuthorityError):
        found += read_current(folder).certificates
    with suppress(AuthorityError):
        found += read_previous(folder, now=now)
    return [one for one in dict.fromkeys(found) if one.not_valid_after_utc > now]


def _parse(pem: bytes, path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise AuthorityError(f"the certificate in {path} is damaged", remedy=ROTATE) from None


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LARGEST)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A descriptor of the folder, if it is one that others can neither read nor change."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        check_owned(found, folder)
        if found.st_mode & 0o077:
            raise AuthorityError(
                f"the folder {folder} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
                remedy=f"Run `chmod 700 {folder}`.",
            )
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, waiting for whoever holds it; the folder is made if missing."""
    above = next(one for one in (folder, *folder.parents) if one.exists())
    owner = above.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise AuthorityError(
            f"{above} belongs to another user (uid {owner}), who could not read root's files",
            remedy=f"Run the command as that user: `sudo -u '#{owner}' hubproxy ...`; under the "
            "shipped unit, `systemd-run --pipe -p DynamicUser=yes -p User=hubproxy "
            "-p StateDirectory=hubproxy hubproxy ...`.",
        )
    make_folder(folder, mode=0o700)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with (
        _opened(folder) as descriptor,
        os.fdopen(os.open(_LOCK, flags, 0o600, dir_fd=descriptor), "rb") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        for part in folder.glob(".*"):  # of a writer that was killed: it may hold a key
            part.unlink()
        yield


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AuthorityError(
            f"the CA's folder {folder} cannot be used: {error.strerror}",
            remedy="It belongs to the user of the daemon: run the command as that user, and look "
            "at the disk.",
        ) from error
