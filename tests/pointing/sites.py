"""Sites as `hubproxy.pointing` sees them, with certificates that are real."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from hubproxy.ca.certificates import build_root
from hubproxy.pointing.ask import Site

NOW = datetime.now(UTC)


@cache
def root(*hosts: str, begins: datetime = NOW) -> tuple[bytes, str]:
    """A CA for these hosts as PEM, and its fingerprint."""
    made = build_root(ec.generate_private_key(ec.SECP256R1()), hosts, now=begins)
    return made.public_bytes(Encoding.PEM), made.fingerprint(SHA256()).hex()


def site(**changed: Any) -> Site:
    """A daemon at proxy.example, which serves tfhub.dev."""
    ca, fingerprint = root("tfhub.dev")
    made = Site(
        url="http://proxy.example:8440",
        hook="http://proxy.example:8440",
        proxy="http://proxy.example:8441",
        ca=ca,
        fingerprint=fingerprint,
        hubs=("tfhub.dev",),
        auth_required=False,
        ahead=timedelta(0),
        flag="",
    )
    return replace(made, **changed)
