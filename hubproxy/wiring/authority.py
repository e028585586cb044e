"""The CA of the forward proxy: the operator's own, or the one in the data folder.

None of this takes the data folder's lock: it works beside a running daemon.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hubproxy.ca.authority import OWN, Authority, Chain
from hubproxy.ca.folder import open_authority, read_current, read_previous, rotate
from hubproxy.ca.own import load_own, read_own
from hubproxy.config import Config
from hubproxy.errors import AuthorityError, UsageError
from hubproxy.wiring.places import now, places


def authority(config: Config) -> Authority:
    """The CA, with its key. That of the data folder is made on first use.

    Raises:
        AuthorityError: it cannot be used.
    """
    forward = config.forward
    if forward.ca_certificate:
        return load_own(Path(forward.ca_certificate), Path(forward.ca_key), now=now())
    return open_authority(places(config).ca, _hosts(config), now=now())


def ca_certificates(config: Config) -> Chain:
    """The CA without its key, which is not looked at.

    Raises:
        AuthorityMissingError: there is none yet.
        AuthorityError: it is damaged, or cannot be read.
    """
    if config.forward.ca_certificate:
        return read_own(Path(config.forward.ca_certificate))
    return read_current(places(config).ca)


def trusted_pem(config: Config) -> bytes:
    """What clients must trust: the CA's certificate, and those of earlier ones while valid.

    Raises:
        AuthorityMissingError: there is none yet.
        AuthorityError: it is damaged, expired, or cannot be read.
    """
    current = ca_certificates(config)
    current.check(now())
    if config.forward.ca_certificate:
        return current.certificate_pem
    found = dict.fromkeys([current.trusted, *read_previous(places(config).ca, now=now())])
    return b"".join(one.public_bytes(Encoding.PEM) for one in found)


@dataclass(frozen=True, slots=True)
class Told:
    """The CA as clients are told of it."""

    certificate_pem: bytes
    fingerprint: str


def told_authority(config: Config, held: Authority) -> Told:
    """What clients must trust: the CA that signs now, and what else `ca export` gives.

    After `ca rotate` that is the new one as well, so that jobs can have both before it signs.
    """
    pem = held.certificate_pem
    with suppress(AuthorityError):
        pem = trusted_pem(config)
    others = [one for one in x509.load_pem_x509_certificates(pem) if one != held.trusted]
    chain = b"".join(one.public_bytes(Encoding.PEM) for one in others)
    return Told(held.certificate_pem + chain, held.fingerprint)


def rotate_authority(config: Config, *, keep_previous: bool) -> Authority:
    """A new CA in the place of the one in the data folder.

    Raises:
        UsageError: the CA is the operator's own.
        AuthorityError: it cannot be written.
    """
    if config.forward.ca_certificate:
        raise UsageError(
            f"the CA is your own, {config.forward.ca_certificate}; it is not hubproxy's to replace",
            remedy=f"Issue a new one where it came from. {OWN}",
        )
    return rotate(places(config).ca, _hosts(config), now=now(), keep_previous=keep_previous)


def _hosts(config: Config) -> list[str]:
    return [hub.host for hub in config.hubs]
