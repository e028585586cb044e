"""Reading key files: only those that nobody else can read, and never a word of them elsewhere."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hubproxy.ca.certificates import Key
from hubproxy.errors import AuthorityError

_LARGEST = 1 << 20
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read_secret(path: Path, *, folder: int | None = None) -> bytes:
    """The content of a file that its owner alone may read.

    Args:
        path: the file. A link is followed unless `folder` is given.
        folder: descriptor of the folder in which it is looked up, by its last name.

    Raises:
        FileNotFoundError: there is none.
        AuthorityError: others can read it, or it cannot be read.
    """
    try:
        if folder is None:
            descriptor = os.open(path, _FLAGS)
        else:
            descriptor = os.open(path.name, _FLAGS | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AuthorityError(
            f"the key {path} cannot be read: {error.strerror}",
            remedy="It must be a plain file that the user of the daemon owns.",
        ) from error
    try:
        _check(os.fstat(descriptor), path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    finally:
        os.close(descriptor)


def check_owned(found: os.stat_result, path: Path) -> None:
    """See that nobody but this process's user, or root, can change what a name stands for.

    Raises:
        AuthorityError: somebody else owns it.
    """
    if found.st_uid not in (os.geteuid(), 0):
        raise AuthorityError(
            f"{path} belongs to another user (uid {found.st_uid})",
            remedy=f"Run the command as that user, or `chown {os.geteuid()} {path}`.",
        )


def parse_key(pem: bytes, path: Path) -> Key:
    """A private key from PEM, whatever else stands beside it.

    Raises:
        AuthorityError: there is none, it has a passphrase, or it is of a kind that TLS clients
            do not take.
    """
    # No error of the parser is passed on: who knows what it cites.
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise AuthorityError(
            f"the key {path} has a passphrase",
            remedy=f"Take it off: `openssl pkey -in {path} -out plain.key`.",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise AuthorityError(f"{path} holds no private key in PEM") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size >= 256:
        return key
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return key
    raise AuthorityError(
        f"the key {path} is of a kind that TLS clients do not take",
        remedy="Use an elliptic curve of 256 bits or more, or RSA of 2048 or more.",
    )


def _check(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise AuthorityError(f"the key {path} is no plain file")
    check_owned(found, path)
    if found.st_mode & 0o077:
        raise AuthorityError(
            f"the key {path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            remedy=f"Run `chmod 600 {path}`; and `hubproxy ca rotate` if they may have read it.",
        )
