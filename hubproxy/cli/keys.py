"""Keys on the command line: where they lie, and the passphrase."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubproxy.config import Config
from hubproxy.errors import UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__

_VARIABLE = "HUBPROXY_PASSPHRASE_FILE"
_REMEDY = f"Write it to a file, and name that with --passphrase-file or {_VARIABLE}."


@dataclass(frozen=True, slots=True)
class Signers:
    """An officer's key and the online key, loaded."""

    officer: "CryptoSigner"
    online: "CryptoSigner"
    name: str


def key_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--key` and `--passphrase-file`."""
    function = click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help=f"Read the passphrase from here. [default: ${_VARIABLE}, else ask]",
    )(function)
    return click.option(
        "--key",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The officer's key file. [default: DATA/trust/keys/officer.pem]",
    )(function)


def load_keys(config: Config, key: Path | None, passphrase_file: Path | None) -> Signers:
    """Load both keys, asking for the passphrase if the officer's has one.

    Raises:
        UsageError: a key cannot be read, or the passphrase is wrong.
    """
    from hubproxy import wiring
    from hubproxy.trust.keys import load_signer

    keys = wiring.keys(config, key)
    officer = load_officer(keys.officer_pem, passphrase_file)
    names = wiring.repository(config).officer_names()
    return Signers(
        officer=officer,
        online=load_signer(keys.online_pem, None),
        name=names.get(officer.public_key.keyid, officer.public_key.keyid),
    )


def load_officer(pem: Path, passphrase_file: Path | None) -> "CryptoSigner":
    """An officer's key, asking for its passphrase if it has one.

    Raises:
        UsageError: it cannot be read, or the passphrase is wrong.
    """
    from hubproxy.trust.keys import is_encrypted, load_signer

    passphrase = _from_file(passphrase_file)
    if passphrase is None and is_encrypted(pem):
        passphrase = _ask(confirm=False)
    return load_signer(pem, passphrase)


def new_passphrase(passphrase_file: Path | None) -> bytes:
    """The passphrase for a new key: from the file, or asked for twice.

    Raises:
        UsageError: the file cannot be read or is empty, or nobody is there to be asked.
    """
    return _from_file(passphrase_file) or _ask(confirm=True)


def _from_file(given: Path | None) -> bytes | None:
    named = given or (Path(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else None)
    if named is None:
        return None
    try:
        passphrase = named.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise UsageError(
            f"the passphrase cannot be read: {named}: {error.strerror}", remedy=_REMEDY
        ) from error
    if not passphrase:
        raise UsageError(f"there is no passphrase in {named}", remedy=_REMEDY)
    return passphrase


def _ask(*, confirm: bool) -> bytes:
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask for the passphrase", remedy=_REMEDY)
    answer: str = click.prompt(
        "Passphrase of the officer's key", hide_input=True, confirmation_prompt=confirm, err=True
    )
    return answer.encode()
