"""Finding the daemon, and asking it how a job is pointed at it."""

import http.client
import shlex
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

from hubproxy.errors import HubproxyError, UsageError

_TIMEOUT = 10.0
_LARGEST = 1 << 20
_PAGE = "/-/env.json"


class NoDaemonError(HubproxyError):
    """No hubproxy answers where one was looked for."""

    code = "NO_DAEMON"
    status = 502


class _Told(msgspec.Struct, frozen=True):
    """The page as version 1 has it; what a newer daemon says besides is passed over."""

    v: int
    hook: str
    proxy: str
    ca: str
    ca_sha256: str
    hubs: tuple[str, ...]
    auth: Literal["optional", "required"]
    time: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a job is to the proxy: a team, and its token."""

    team: str
    token: str


@dataclass(frozen=True, slots=True)
class Site:
    """A daemon, as it describes itself.

    Args:
        url: where it was asked.
        hook: its address for the hook and for the reverse route.
        proxy: its address for `HTTPS_PROXY`; empty where that is off.
        ca: the CA certificate that its clients must trust, in PEM; empty without a proxy.
        fingerprint: sha256 of that certificate's DER, in hex.
        hubs: the hosts whose modules it serves.
        auth_required: whether a job must bring a token.
        ahead: how far its clock is ahead of this machine's, give or take the time it took to ask.
        flag: what a command needs to find it again, with a space in front; mostly nothing.
    """

    url: str
    hook: str
    proxy: str
    ca: bytes
    fingerprint: str
    hubs: tuple[str, ...]
    auth_required: bool
    ahead: timedelta
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a daemon is looked for.

    Args:
        url: its address, without credentials.
        credentials: those that stood in the address.
        named: whether a person gave the address, or it follows from the settings.
    """

    url: str
    credentials: Credentials | None = None
    named: bool = False

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


def ask(place: Place) -> Site:
    """Ask a daemon how it is reached. Proxies that the environment names are not used.

    Raises:
        NoDaemonError: nothing answers there, or nothing that is a hubproxy.
    """
    begun = time.monotonic()
    body = get(place.url + _PAGE)
    now = datetime.now(UTC) - timedelta(seconds=(time.monotonic() - begun) / 2)
    try:
        told = msgspec.json.decode(body, type=_Told)
        if told.v != 1 or told.time.tzinfo is None:
            raise ValueError(f"it is of version {told.v}")
    except ValueError as error:
        raise NoDaemonError(
            f"what {place.url} says of itself cannot be read: {error}",
            remedy="Check the address, or install the hubproxy of the same version as the daemon.",
        ) from error
    return Site(
        url=place.url,
        # The address that was named is one that works; a daemon behind a port mapping or in a
        # container does not know it.
        hook=place.url if place.named else told.hook or place.url,
        proxy=told.proxy,
        ca=told.ca.encode(),
        fingerprint=told.ca_sha256,
        hubs=told.hubs,
        auth_required=told.auth == "required",
        ahead=told.time - now,
        flag=place.flag,
    )


def get(url: str, *, accept: tuple[int, ...] = (200,)) -> bytes:
    """The body of one page of the daemon's, asked for directly.

    Args:
        url: of the page.
        accept: statuses that are answers.

    Raises:
        NoDaemonError: nothing answers there, or nothing that is a hubproxy.
    """
    base = url.partition("/-/")[0]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        try:
            with opener.open(url, timeout=_TIMEOUT) as answer:
                body: bytes = answer.read(_LARGEST)
                return body
        except urllib.error.HTTPError as error:
            with error:
                if error.code in accept:
                    return error.read(_LARGEST)
            raise NoDaemonError(
                f"{base} answers, but not as a hubproxy does: {error.code} {_plain(error.reason)}",
                remedy="Name the daemon's own port, the one of `server.listen`, with "
                "--url http://HOST:8440.",
            ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise NoDaemonError(
            f"no hubproxy answers at {base}: {_plain(reason)}",
            remedy="Start it with `hubproxy serve`, or name another with --url http://HOST:8440.",
        ) from error


def is_loopback(url: str) -> bool:
    """Whether a URL leads to the machine that it is used on, whichever that is."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _plain(reason: object) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason)[:200] or type(reason).__name__


def _without_user(text: str) -> str:
    """An address without the secret that may stand in it."""
    head, at, tail = text.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at and "://" in head else (tail or text)
