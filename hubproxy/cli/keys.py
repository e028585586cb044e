"""Keys on the command line: where they lie, and the passphrase."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubproxy.config import Config

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__

_VARIABLE = "HUBPROXY_PASSPHRASE_FILE"


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
    from hubproxy.trust.keys import is_encrypted, load_signer

    keys = wiring.keys(config, key)
    passphrase = _from_file(passphrase_file)
    if passphrase is None and is_encrypted(keys.officer_pem):
        passphrase = _ask(confirm=False)
    officer = load_signer(keys.officer_pem, passphrase)
    names = wiring.repository(config).officer_names()
    return Signers(
        officer=officer,
        online=load_signer(keys.online_pem, None),
        name=names.get(officer.public_key.keyid, officer.public_key.keyid),
    )


def new_passphrase(passphrase_file: Path | None) -> bytes:
    """The passphrase for a new key: from the file, or asked for twice."""
    return _from_file(passphrase_file) or _ask(confirm=True)


def _from_file(given: Path | None) -> bytes | None:
    named = given or (Path(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else None)
    return named.read_bytes().rstrip(b"\r\n") if named else None


def _ask(*, confirm: bool) -> bytes:
    answer: str = click.prompt(
        "Passphrase of the officer's key", hide_input=True, confirmation_prompt=confirm, err=True
    )
    return answer.encode()
