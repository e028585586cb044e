"""NAME=KEY on the command line: whose key it is, and whether it can sign here and now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hubproxy.cli.keys import Secrets
from hubproxy.config import Config
from hubproxy.errors import UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer  # type: ignore[attr-defined]  # no __all__


@dataclass(frozen=True, slots=True)
class Holders:
    """Public keys by their holders' names, and what signs of those that are here whole."""

    keys: "dict[str, Key]" = field(default_factory=dict)
    signers: "list[Signer]" = field(default_factory=list)


def read_holders(
    given: Sequence[str], config: Config, secrets: Secrets, *, first: int = 0
) -> Holders:
    """Each of some NAME=KEY.

    Args:
        first: how many keys came before, each with a passphrase of its own.

    Raises:
        UsageError: not of that form, a name given twice, or a key that cannot be used.
    """
    found = Holders()
    for number, text in enumerate(given, first):
        name, _, spec = text.partition("=")
        if not spec:
            raise UsageError(
                f"{text!r} names no key", remedy=f"Write {name or 'NAME'}=KEY, such as ada=ada.pub."
            )
        add_holder(found, checked_name(name), spec, config, secrets, number)
    return found


def add_holder(
    found: Holders, name: str, text: str, config: Config, secrets: Secrets, number: int = 0
) -> None:
    """Add one; of a public key alone only that.

    Raises:
        UsageError: the name is there already, or the key cannot be used.
    """
    from hubproxy.trust.keys import can_sign, parse_spec

    if name in found.keys:
        raise UsageError(f"two keys are those of {name}", remedy="Give each holder another name.")
    spec = parse_spec(text)
    if can_sign(spec):
        found.signers.append(secrets.signer(config, spec, number))
        found.keys[name] = found.signers[-1].public_key
    else:
        found.keys[name] = secrets.public(spec)


def checked_name(text: str) -> str:
    """The name of a key's holder.

    Raises:
        UsageError: it is no plain name.
    """
    from hubproxy.trust.changes import holder_name

    try:
        return holder_name(text)
    except ValueError as error:
        raise UsageError(str(error), remedy="Take a plain name, such as `ada`.") from None
