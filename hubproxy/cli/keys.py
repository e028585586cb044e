"""Keys on the command line: which sign, and the passphrase or PIN of each."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubproxy.config import Config
from hubproxy.errors import UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer  # type: ignore[attr-defined]  # no __all__

    from hubproxy.trust.keys import KeySpec

_VARIABLE = "HUBPROXY_PASSPHRASE_FILE"
_REMEDY = f"Write it to a file, and name that with --passphrase-file or {_VARIABLE}."


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passphrases and PINs: from files, or from the person at the terminal.

    Args:
        files: one for every key, or one for each in their order.
        plain: whether keys without a passphrase may be used.
    """

    files: tuple[Path, ...] = ()
    plain: bool = False

    def signer(self, config: Config, spec: "KeySpec", number: int = 0) -> "Signer":
        """What signs with the key that comes as the given number, from 0.

        Raises:
            UsageError: it cannot be read or may not sign, or the secret is missing or wrong.
        """
        from hubproxy import wiring
        from hubproxy.trust.keys import is_plain, load_signer

        if is_plain(spec):
            if not self.plain and not wiring.places(config).plain_keys.exists():
                raise UsageError(
                    f"the key {spec} is not under a passphrase: whoever reads the file can sign",
                    remedy=f"Put it under one: `openssl pkcs8 -topk8 -in {spec} -out NEW`; or say "
                    "--insecure-plain-keys, for a trial.",
                )
            return load_signer(spec)
        return load_signer(spec, self._given(number) or _ask(_secret_of(spec)))

    def public(self, spec: "KeySpec", number: int = 0) -> "Key":
        """The public half of a key.

        Raises:
            UsageError: it cannot be read or may not sign, or the secret is missing or wrong.
        """
        from hubproxy.trust.keys import can_sign, is_plain, load_public
        from hubproxy.trust.keyspec import TokenSpec

        if isinstance(spec, TokenSpec):
            return load_public(spec, self._given(number))
        if is_plain(spec) or not can_sign(spec):
            return load_public(spec)
        return load_public(spec, self._given(number) or _ask(_secret_of(spec)))

    def new(self, path: Path) -> bytes | None:
        """The passphrase of a key that is to be made; None for none.

        Raises:
            UsageError: the file cannot be read or is empty, or nobody is there to be asked.
        """
        return (
            None if self.plain else self._given(0) or _ask(f"passphrase for {path}", confirm=True)
        )

    def _given(self, number: int) -> bytes | None:
        if self.files:
            return _read(self.files[min(number, len(self.files) - 1)])
        return _read(Path(os.environ[_VARIABLE])) if os.environ.get(_VARIABLE) else None


@dataclass(frozen=True, slots=True)
class Hand:
    """The keys at hand for a decision."""

    keys: tuple[str, ...]
    secrets: Secrets

    def signers(self, config: Config) -> "list[Signer]":
        """Of the keys given; else of this host's officer's key, if it has one.

        Raises:
            UsageError: one cannot be read or may not sign, or its secret is missing or wrong.
        """
        from hubproxy import wiring
        from hubproxy.trust.keys import PemSpec, parse_spec

        specs = [parse_spec(text) for text in self.keys]
        own = wiring.keys(config, None).officer_pem
        if not specs and own.exists():
            specs = [PemSpec(own)]
        return [self.secrets.signer(config, spec, number) for number, spec in enumerate(specs)]

    def taken(self, signers: "Sequence[Signer]") -> int:
        """How many passphrases are those of the keys that sign: the next key has the one after."""
        return max(len(self.keys), len(signers))


def secret_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--passphrase-file` and `--insecure-plain-keys`, as `secrets`."""

    @wraps(function)
    def wrapped(
        *args: Any, passphrase_file: Sequence[Path], insecure_plain_keys: bool, **given: Any
    ) -> Any:
        dump_no_core()
        return function(
            *args, secrets=Secrets(tuple(passphrase_file), insecure_plain_keys), **given
        )

    decorated: Callable[..., Any] = wrapped
    for option in (
        click.option(
            "--insecure-plain-keys",
            is_flag=True,
            help="Let keys have no passphrase: for a trial only.",
        ),
        click.option(
            "--passphrase-file",
            type=click.Path(path_type=Path, dir_okay=False),
            multiple=True,
            help="Read the passphrase, or the token's PIN, from here; given several times, one for "
            f"each key in order, those of --key first. [default: ${_VARIABLE}, else ask]",
        ),
    ):
        decorated = option(decorated)
    return decorated


def key_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--key` and what `secret_options` gives, as `hand`."""

    @wraps(function)
    def wrapped(*args: Any, key: Sequence[str], secrets: Secrets, **given: Any) -> Any:
        return function(*args, hand=Hand(tuple(key), secrets), **given)

    return click.option(
        "--key",
        multiple=True,
        help="Who signs: a PEM file, or hsm:KEYID?label=TOKEN; several may be given. "
        "[default: DATA/trust/keys/officer.pem, if it is there]",
    )(secret_options(wrapped))


def dump_no_core() -> None:
    """See that no core dump of this process holds a key or its passphrase."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(path: Path) -> bytes:
    try:
        secret = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise UsageError(
            f"the passphrase cannot be read: {path}: {error.strerror}", remedy=_REMEDY
        ) from error
    if not secret:
        raise UsageError(f"there is no passphrase in {path}", remedy=_REMEDY)
    return secret


def _secret_of(spec: "KeySpec") -> str:
    from hubproxy.trust.keyspec import TokenSpec

    return f"{'PIN' if isinstance(spec, TokenSpec) else 'passphrase'} of {spec}"


def _ask(what: str, *, confirm: bool = False) -> bytes:
    if not sys.stdin.isatty():
        raise UsageError(f"there is nobody to ask for the {what}", remedy=_REMEDY)
    answer: str = click.prompt(
        what[0].upper() + what[1:], hide_input=True, confirmation_prompt=confirm, err=True
    )
    return answer.encode()
