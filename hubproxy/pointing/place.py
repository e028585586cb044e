"""Where a daemon is looked for."""

import re
import shlex
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from hubproxy.errors import UsageError

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a job is to the proxy: a team, and its token."""

    team: str
    token: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a daemon is looked for.

    Args:
        url: its address, without credentials.
        credentials: those that stood in the address.
        named: whether a person gave the address, or it follows from the settings.
        ca_sha256: the fingerprint that its CA must have, in hex; empty if nobody has said.
    """

    url: str
    credentials: Credentials | None = None
    named: bool = False
    ca_sha256: str = ""

    @property
    def flag(self) -> str:
        """What a command needs to find it again, with a space in front."""
        return f" --url {shlex.quote(self.url)}" if self.named else ""


def place_of(text: str) -> Place:
    """Read an address as users type it: with or without `http://`, with a team's token or without.

    Raises:
        UsageError: it is no address of a daemon.
    """
    url = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(
            f"{_without_user(text)!r} is not the address of a hubproxy",
            remedy="Give it as http://HOST:8440.",
        )
    user, _, authority = parts.netloc.rpartition("@")
    team, _, token = user.partition(":")
    credentials = Credentials(unquote(team), unquote(token)) if token else None
    return Place(f"{parts.scheme}://{authority}{parts.path.rstrip('/')}", credentials, named=True)


def place_of_listen(listen: str) -> Place:
    """Where the daemon of this host's settings answers; a wildcard is reached by loopback.

    Args:
        listen: the setting `server.listen`.
    """
    host, _, port = listen.rpartition(":")
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return Place(f"http://{host}:{port}")
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    shown = f"[{address}]" if address.version == 6 else str(address)
    return Place(f"http://{shown}:{port}")


def parse_fingerprint(text: str) -> str:
    """The sha256 of a certificate as 64 hex digits; colons, capitals and `sha256:` are taken.

    Raises:
        UsageError: it is none.
    """
    found = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if not _FINGERPRINT.fullmatch(found):
        raise UsageError(
            f"{text[:80]!r} is not the sha256 of a certificate",
            remedy="`hubproxy ca show` on the daemon's host prints it.",
        )
    return found


def is_loopback(url: str) -> bool:
    """Whether a URL leads to the machine that it is used on, whichever that is."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _without_user(text: str) -> str:
    """An address without the secret that may stand in it."""
    head, at, tail = text.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at and "://" in head else (tail or text)
