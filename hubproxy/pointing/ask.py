"""Asking a daemon how a job is pointed at it.

What it says becomes variables, the name of a file and what a job trusts, so it is read strictly.
It comes by plain HTTP as a rule: who must not believe the network names the CA's fingerprint.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from hubproxy.ca.constraints import permitted_hosts
from hubproxy.errors import HubproxyError
from hubproxy.pointing.place import Place, is_loopback

_TIMEOUT = 10.0
_LARGEST = 1 << 20
_PAGE = "/-/env.json"


class NoDaemonError(HubproxyError):
    """No hubproxy answers where one was looked for."""

    code = "NO_DAEMON"
    status = 502


class CaMismatchError(HubproxyError):
    """The CA is not the one whose fingerprint was given, or would have to have one."""

    code = "CA_MISMATCH"
    status = 502


_Url = Annotated[
    str, msgspec.Meta(pattern=r"\A(https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?)?\Z")
]
_Host = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{0,251}\Z")]


class _Told(msgspec.Struct, frozen=True):
    """The page as version 1 has it; what a newer daemon says besides is passed over."""

    v: int
    hook: _Url
    proxy: _Url
    ca: str
    ca_sha256: str
    hubs: Annotated[tuple[_Host, ...], msgspec.Meta(min_length=1)]
    auth: Literal["optional", "required"]
    time: datetime


@dataclass(frozen=True, slots=True)
class Site:
    """A daemon, as it describes itself.

    Args:
        url: where it was asked.
        hook: its address for the hook and for the reverse route.
        proxy: its address for `HTTPS_PROXY`; empty where that is off.
        ca: the certificates that its clients must trust, in PEM, that of the CA in force first;
            empty without a proxy.
        fingerprint: sha256 of the first one's DER, in hex.
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


def ask(place: Place) -> Site:
    """Ask a daemon how it is reached. Proxies that the environment names are not used.

    Raises:
        NoDaemonError: nothing answers there, or nothing that is a hubproxy.
        CaMismatchError: its CA has another fingerprint than `place` names.
    """
    begun = time.monotonic()
    body = get(place.url + _PAGE)
    now = datetime.now(UTC) - timedelta(seconds=(time.monotonic() - begun) / 2)
    try:
        told = msgspec.json.decode(body, type=_Told)
        if told.v != 1 or told.time.tzinfo is None:
            raise ValueError(f"it is of version {told.v}")
        certificates = x509.load_pem_x509_certificates(told.ca.encode()) if told.ca else []
        fingerprint = certificates[0].fingerprint(SHA256()).hex() if certificates else ""
        if fingerprint != told.ca_sha256:
            raise ValueError("its CA has another fingerprint than it says")
    except ValueError as error:
        raise NoDaemonError(
            f"what {place.url} says of itself cannot be read: {error}",
            remedy="Check the address, or install the hubproxy of the same version as the daemon.",
        ) from error
    if place.ca_sha256 and certificates:
        if fingerprint != place.ca_sha256:
            raise CaMismatchError(
                f"the CA of {place.url} has sha256 {fingerprint}, not {place.ca_sha256}",
                remedy="`hubproxy ca show` on the daemon's host prints the right one. If that is "
                "not the one above, something stands in between.",
            )
        del certificates[1:]  # nobody vouches for those before it
    elif certificates and not is_loopback(place.url):
        _check_confined(place, certificates, told.hubs)
    return Site(
        url=place.url,
        # The address that was named is one that works; a daemon behind a port mapping or in a
        # container does not know it.
        hook=place.url if place.named else told.hook or place.url,
        proxy=told.proxy,
        ca=b"".join(one.public_bytes(Encoding.PEM) for one in certificates),
        fingerprint=fingerprint,
        hubs=told.hubs,
        auth_required=told.auth == "required",
        ahead=told.time - now,
        flag=place.flag,
    )


def _check_confined(
    place: Place, certificates: Sequence[x509.Certificate], hubs: Sequence[str]
) -> None:
    """What came over the network unproved may vouch for the hubs, and for nobody else.

    Raises:
        CaMismatchError: a certificate is not confined to them.
    """
    for one in certificates:
        names = permitted_hosts(one)
        if names is None or not all(name in hubs for name in names):
            raise CaMismatchError(
                f"the CA of {place.url} is not confined to {', '.join(hubs)}, and nobody has said "
                "that it is the right one",
                remedy="If it is your site's own, name it with --ca-sha256, as `hubproxy ca show` "
                "on the daemon's host prints it.",
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


def _plain(reason: object) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason)[:200] or type(reason).__name__
