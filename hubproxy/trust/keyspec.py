"""How a key is named on the command line: a file, or a place on a PKCS#11 token."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from hubproxy.errors import UsageError

_NUMBER = re.compile("[0-9]{0,9}")
_SHAPE = "Write it `hsm:2?label=TOKEN`: the key's number on the token, and the token's label."


@dataclass(frozen=True, slots=True)
class PemSpec:
    """A PEM file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class TokenSpec:
    """A key on a token: its number, and the token's label where there are several.

    The default number is that of the signature slot of a PIV card.
    """

    keyid: int = 2
    label: str = ""

    def __str__(self) -> str:
        label = "?" + urlencode({"label": self.label}) if self.label else ""
        return f"hsm:{self.keyid}{label}"


KeySpec = PemSpec | TokenSpec


def parse_spec(text: str) -> KeySpec:
    """Read `PATH`, `pem:PATH` or `hsm:[KEYID][?label=TOKEN]`, as securesystemslib writes the last.

    Raises:
        UsageError: it is none of these.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in ("pem", "hsm"):
        scheme, rest = "pem", text
    if scheme == "pem":
        if not rest:
            raise UsageError("no key is named", remedy="Name its file.")
        return PemSpec(Path(rest))
    number, _, query = rest.partition("?")
    try:
        fields = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        fields = {"": ""}
    label = fields.pop("label", "")
    if fields or not _NUMBER.fullmatch(number):
        raise UsageError(f"{text!r} does not name a key on a token", remedy=_SHAPE)
    return TokenSpec(int(number), label) if number else TokenSpec(label=label)
