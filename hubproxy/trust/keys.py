"""Keys: people's under a passphrase or on a token, the online key plain; files are 0600."""

from dataclasses import dataclass
from pathlib import Path
from typing import overload

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    CryptoSigner,
    Key,
    Signer,
    SSlibKey,
)

from hubproxy.errors import UsageError
from hubproxy.files import write_whole
from hubproxy.trust.disk import write_secret
from hubproxy.trust.keyspec import KeySpec, PemSpec, TokenSpec, parse_spec
from hubproxy.trust.pem import is_encrypted, is_private, load_private, load_public_only, read_pem
from hubproxy.trust.tokens import load_token, load_token_public

__all__ = ["KeySpec", "Keys", "PemSpec", "TokenSpec", "is_encrypted", "parse_spec"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Where an officer's key lies, and the online keys: of timestamp, and of snapshot."""

    officer_pem: Path
    online_pem: Path

    @property
    def snapshot_pem(self) -> Path:
        return self.online_pem.with_name("online-snapshot.pem")

    def check_outside(self, folder: Path) -> None:
        """See that neither key would be published.

        Raises:
            UsageError: one lies in the folder that clients may read.
        """
        for pem in (self.officer_pem, self.online_pem, self.snapshot_pem):
            check_outside(pem, folder)


def check_outside(pem: Path, folder: Path) -> None:
    """See that a key would not be published.

    Raises:
        UsageError: it lies in the folder that clients may read.
    """
    if pem.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"the key {pem} would lie in the published folder {folder}",
            remedy="Keep keys elsewhere: what is in that folder is served to every client.",
        )


@overload
def load_signer(spec: Path, secret: bytes | None = None) -> CryptoSigner: ...
@overload
def load_signer(spec: KeySpec, secret: bytes | None = None) -> Signer: ...
def load_signer(spec: KeySpec | Path, secret: bytes | None = None) -> Signer:
    """What signs with a private key.

    Args:
        secret: the passphrase of the file, not looked at when it is plain; the token's PIN.

    Raises:
        UsageError: it cannot be read or may not sign, or the secret is missing or wrong.
    """
    if isinstance(spec, TokenSpec):
        return load_token(spec, secret)
    return load_private(_path(spec), secret)


def load_public(spec: KeySpec | Path, secret: bytes | None = None) -> SSlibKey:
    """The public half of a key: of a `.pub` file, a private PEM or a token.

    Args:
        secret: as for `load_signer`; a `.pub` file needs none, and most tokens do not.

    Raises:
        UsageError: it cannot be read or may not sign, or the secret is missing or wrong.
    """
    if isinstance(spec, TokenSpec):
        return load_token_public(spec, secret)
    path = _path(spec)
    if is_private(read_pem(path)):
        return load_private(path, secret).public_key
    return load_public_only(path)


def can_sign(spec: KeySpec) -> bool:
    """Whether a key is there whole, or only its public half.

    Raises:
        UsageError: it cannot be read.
    """
    return isinstance(spec, TokenSpec) or is_private(read_pem(spec.path))


def is_plain(spec: KeySpec) -> bool:
    """Whether whoever reads the file can sign with it.

    Raises:
        UsageError: it cannot be read.
    """
    if isinstance(spec, TokenSpec):
        return False
    return is_private(read_pem(spec.path)) and not is_encrypted(spec.path)


def create_key(path: Path, passphrase: bytes | None, *, insecure: bool = False) -> CryptoSigner:
    """Make a person's key, and beside it the `.pub` file that others are given.

    Args:
        passphrase: None only together with `insecure`, which leaves the key plain.

    Raises:
        UsageError: there is one of the files already, or no passphrase.
    """
    public = public_path(path)
    if public.exists():
        raise UsageError(
            f"there is a public key at {public} already",
            remedy="Name another file; a key is never written over.",
        )
    made = create_officer_key(path, passphrase, insecure=insecure)
    write_whole(public.resolve(), public_pem(made.public_key))
    return made


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


def public_path(path: Path) -> Path:
    """Where the public half of a key lies: `ada.pem` or `ada`, and `ada.pub`.

    Raises:
        UsageError: the name is a public key's own.
    """
    if path.suffix == ".pub":
        raise UsageError(
            f"{path} is the name of a public key",
            remedy=f"Name {path.with_suffix('.pem')}; the public one is made beside it.",
        )
    return path.with_suffix(".pub") if path.suffix == ".pem" else Path(f"{path}.pub")


def public_pem(key: Key) -> bytes:
    """The text of a `.pub` file: SubjectPublicKeyInfo in PEM (RFC 7468, 13)."""
    if key.keytype != "ed25519":
        return str(key.keyval["public"]).encode()
    raw = bytes.fromhex(key.keyval["public"])
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )


def _path(spec: PemSpec | Path) -> Path:
    return spec.path if isinstance(spec, PemSpec) else spec


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
    except OSError as error:
        raise UsageError(
            f"the key {path} cannot be written: {error.strerror}",
            remedy="Name a file in a folder that you may write to.",
        ) from error
    return CryptoSigner(key)
