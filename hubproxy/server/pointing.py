"""What the daemon says of itself, so that a job can be pointed at it: addresses, CA, hubs."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Protocol

import msgspec

from hubproxy.server.canary import canary_page, canary_path
from hubproxy.server.pages import NoSuchPageError, Page


class Voucher(Protocol):
    """A certificate authority, as far as clients must know it."""

    @property
    def certificate_pem(self) -> bytes: ...

    @property
    def fingerprint(self) -> str:
        """Sha256 of the certificate's DER, in hex."""
        ...


@dataclass(slots=True)
class Addresses:
    """Where jobs reach this daemon: URLs, set once its ports are bound; empty for what is off."""

    hook: str = ""
    proxy: str = ""


def shown_address(url: str, *, override: str = "", name: Callable[[], str] | None = None) -> str:
    """The URL of a bound port as jobs are told it.

    Args:
        url: `http://HOST:PORT` as it was bound, its port the real one.
        override: what an operator has set instead; empty for none.
        name: gives this host's name, which stands for all of its addresses; the system's when
            None.
    """
    if override:
        return override.rstrip("/")
    scheme, _, authority = url.partition("://")
    host, _, port = authority.rpartition(":")
    if not _is_any_address(host.strip("[]")):
        return url
    return f"{scheme}://{(name or socket.gethostname)()}:{port}"


def pointing_pages(
    addresses: Addresses,
    *,
    hubs: Iterable[str],
    auth: str,
    authority: Callable[[], Voucher | None],
    clock: Callable[[], datetime],
) -> dict[str, Callable[[], Page]]:
    """The pages by which jobs find their way: settings, CA, and a canary on each hub.

    Args:
        addresses: read at each request.
        hubs: the configured hubs.
        auth: `optional` or `required`.
        authority: gives the CA in force, or None where no connection is intercepted.
        clock: gives the time, timezone-aware UTC.
    """
    names = sorted(hubs)
    return {
        "/-/env.json": lambda: _env(addresses, names, auth, authority(), clock()),
        "/-/ca.pem": partial(_ca, authority),
        **{canary_path(hub): canary_page for hub in names},
    }


def _env(
    addresses: Addresses, hubs: list[str], auth: str, authority: Voucher | None, now: datetime
) -> Page:
    told = {
        "v": 1,
        "hook": addresses.hook,
        "proxy": addresses.proxy,
        "ca": authority.certificate_pem.decode() if authority else "",
        "ca_sha256": authority.fingerprint if authority else "",
        "hubs": hubs,
        "auth": auth,
        "time": now,
    }
    return Page(msgspec.json.format(msgspec.json.encode(told)) + b"\n", "application/json")


def _ca(authority: Callable[[], Voucher | None]) -> Page:
    found = authority()
    if found is None:
        raise NoSuchPageError(
            "this proxy has no CA, since it intercepts nothing",
            remedy="Set `forward.listen` to have a forward proxy.",
        )
    return Page(found.certificate_pem, "application/x-pem-file")


def _is_any_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
