"""Checks of the daemon by what it says: that it is ready, has the time, a list and a CA."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509

from hubproxy.ca.authority import Chain
from hubproxy.errors import AuthorityError, HubproxyError
from hubproxy.pointing.ask import Site, get
from hubproxy.pointing.finding import Finding
from hubproxy.pointing.place import Place

_EXPIRY = re.compile(rb"^hubproxy_trust_expires_timestamp_seconds (\S+)$", re.MULTILINE)
_GRACE = re.compile(rb"^hubproxy_trust_grace_ends_timestamp_seconds (\S+)$", re.MULTILINE)
_SOON_LIST, _SOON_CA = timedelta(days=2), timedelta(days=30)
# A trust list and a certificate stand a clock that is wrong by so much.
_CLOCK_WARN, _CLOCK_FAIL = timedelta(minutes=1), timedelta(minutes=5)
_SET_CLOCK = "timedatectl set-ntp true   # on the machine whose time is wrong"
_FIXES = {
    "HP-T07": "hubproxy trust renew --all   # on the officer's host",
    "HP-T14": "timedatectl set-ntp true   # on the daemon's host",
}
_LOOK = "journalctl -u hubproxy   # on the daemon's host"


def check_ready(place: Place) -> Finding:
    """Whether it serves modules, in its own words.

    Raises:
        NoDaemonError: it does not answer.
    """
    said = get(f"{place.url}/-/ready", accept=(200, 503)).decode(errors="replace").strip()
    fix = next((fix for code, fix in _FIXES.items() if code in said), _LOOK)
    if not said.startswith("ready"):
        return Finding("ready", "FAIL", said[:600], fix)
    text = (said.partition(": ")[2] or said)[:600]
    if "; degraded: " in said:
        return Finding("ready", "warn", text, fix)
    return Finding("ready", "ok", text)


def check_clock(site: Site, now: datetime) -> Finding:
    """Whether this machine and the daemon's agree what time it is."""
    off = abs(site.ahead)
    text = (
        f"this machine says {now:%Y-%m-%d %H:%M:%S} UTC, the daemon's {now + site.ahead:%H:%M:%S}"
    )
    if off < _CLOCK_WARN:
        return Finding("clock", "ok", f"within {off.total_seconds():.1f} s of the daemon's")
    if off >= timedelta(hours=12):
        text = f"{text} on {now + site.ahead:%Y-%m-%d}"
    return Finding("clock", "FAIL" if off >= _CLOCK_FAIL else "warn", text, _SET_CLOCK)


def check_trust(place: Place, now: datetime) -> Iterator[Finding]:
    """How long the trust list is good for; nothing where the daemon does not tell.

    Args:
        place: the daemon's.
        now: this machine's time.
    """
    try:
        metrics = get(f"{place.url}/metrics")
    except HubproxyError:  # kept from everyone but the monitoring, perhaps
        return
    expires, ends = _moment(_EXPIRY, metrics), _moment(_GRACE, metrics)
    if expires is None:
        return  # what is wrong then, `ready` has told
    text = f"the list is good until {expires:%Y-%m-%d %H:%M} UTC"
    renew = "hubproxy trust renew   # on the officer's host, each day by a timer"
    if ends is not None and expires <= now < ends:
        yield Finding(
            "trust",
            "warn",
            f"the list expired on {expires:%Y-%m-%d %H:%M} UTC: nothing new is fetched, and what "
            f"is stored is served until {ends:%Y-%m-%d %H:%M} UTC",
            renew,
        )
    elif expires <= now:
        yield Finding("trust", "FAIL", f"the list expired on {expires:%Y-%m-%d %H:%M} UTC", renew)
    elif expires - now < _SOON_LIST:
        yield Finding("trust", "warn", f"{text} only", renew)
    else:
        yield Finding("trust", "ok", text)


def _moment(pattern: re.Pattern[bytes], metrics: bytes) -> datetime | None:
    match = pattern.search(metrics)
    seconds = float(match[1]) if match else 0.0
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def check_ca(site: Site, now: datetime) -> Iterator[Finding]:
    """Whether the CA that jobs are told to trust can vouch for the hubs, and for them alone.

    Args:
        site: the daemon.
        now: this machine's time.
    """
    if not site.ca:
        yield Finding(
            "ca",
            "FAIL",
            "the daemon has a forward proxy, but gives no CA for it",
            "hubproxy ca show   # on the daemon's host",
        )
        return
    try:
        chain = Chain(x509.load_pem_x509_certificates(site.ca)[:1])
        chain.check(now)
        refused = [hub for hub in site.hubs if not chain.permits(hub)]
        hosts = chain.hosts
    except AuthorityError as error:
        early = now < chain.trusted.not_valid_before_utc
        yield Finding("ca", "FAIL", str(error), _SET_CLOCK if early else "hubproxy ca rotate")
        return
    until = f"until {chain.expires:%Y-%m-%d}"
    if refused:
        yield Finding(
            "ca",
            "FAIL",
            f"{chain.subject} does not permit {', '.join(refused)}",
            "hubproxy ca rotate",
        )
    elif chain.expires - now < _SOON_CA:
        yield Finding(
            "ca", "warn", f"{chain.subject} expires soon: it is good {until}", "hubproxy ca rotate"
        )
    elif hosts is None:
        yield Finding(
            "ca",
            "warn",
            f"{chain.subject} may vouch for every host there is, not for the hubs alone",
            "Issue an intermediate with name constraints, and set `forward.ca_certificate` to it.",
        )
    else:
        yield Finding("ca", "ok", f"{chain.subject} permits {', '.join(hosts)}, {until}")
