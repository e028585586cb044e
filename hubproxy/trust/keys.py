"""Key files: officers' keys under a passphrase, the online key plain, both Ed25519 and 0600."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__

from hubproxy.errors import UsageError
from hubproxy.trust.disk import write_secret

_ENCRYPTED = b"BEGIN ENCRYPTED PRIVATE KEY"


@dataclass(frozen=True, slots=True)
class Keys:
    """Where an officer's key and the online key lie."""

    officer_pem: Path
    online_pem: Path

    def check_outside(self, folder: Path) -> None:
        """See that neither key would be published.

        Raises:
            UsageError: one lies in the folder that clients may read.
        """
        for pem in (self.officer_pem, self.online_pem):
            if pem.resolve().is_relative_to(folder.resolve()):
                raise UsageError(
                    f"the key {pem} would lie in the published folder {folder}",
                    remedy="Keep keys elsewhere: what is in that folder is served to every client.",
                )


def create_officer_key(
    path: Path, passphrase: bytes | None, *, insecure: bool = False
) -> CryptoSigner:
    """Make an officer's key. It signs what the site trusts.

    Args:
        passphrase: None only together with `insecure`, which leaves the key plain.

    Raises:
        UsageError: there is a file already, or no passphrase.
    """
    if passphrase:
        return _create(path, BestAvailableEncryption(passphrase))
    if not insecure:
        raise UsageError(
            f"the officer's key {path} needs a passphrase",
            remedy="Give one, or say `--insecure-plain-keys` for a trial.",
        )
    return _create(path, NoEncryption())


def create_online_key(path: Path) -> CryptoSigner:
    """Make the online key. It renews the list unattended, and cannot add a module to it.

    Raises:
        UsageError: there is a file already.
    """
    return _create(path, NoEncryption())


def load_signer(path: Path, passphrase: bytes | None = None) -> CryptoSigner:
    """Read a private key from a PEM file.

    Args:
        passphrase: not looked at when the key is plain.

    Raises:
        UsageError: no such file, not a key, or the passphrase is missing or wrong.
    """
    pem = _read(path)
    encrypted = _ENCRYPTED in pem
    if encrypted and not passphrase:
        raise UsageError(
            f"the key {path} is under a passphrase, and none was given",
            remedy="Run the command at a terminal, or give the passphrase in a file.",
        )
    try:
        return CryptoSigner(load_pem_private_key(pem, passphrase if encrypted else None))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise UsageError(
                f"wrong passphrase for {path}, or the file is damaged",
                remedy="Try the passphrase again; nothing was changed.",
            ) from error
        raise UsageError(f"{path} is not a private key in PEM: {error}") from error


def is_encrypted(path: Path) -> bool:
    """Whether a key needs a passphrase.

    Raises:
        UsageError: it cannot be read.
    """
    return _ENCRYPTED in _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}") from error


def _create(path: Path, encryption: KeySerializationEncryption) -> CryptoSigner:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        write_secret(path, pem)
    except FileExistsError:
        raise UsageError(
            f"there is a key at {path} already",
            remedy="Name another file; a key is never written over.",
        ) from None
    return CryptoSigner(key)
