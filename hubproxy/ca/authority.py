"""What signs for the hubs' hosts, and what may be seen of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hubproxy.ca.certificates import Key, build_leaf
from hubproxy.ca.constraints import constrains_subjects, permits, permitted_hosts
from hubproxy.errors import AuthorityError, HostNotPermittedError

ROTATE = "Run `hubproxy ca rotate` for a new one, and give the new certificate to every job."
OWN = "Set `forward.ca_certificate` and `forward.ca_key` to one that is good, or to none."


@dataclass(frozen=True, slots=True)
class Leaf:
    """A server's certificate for one host, with its key.

    `chain_pem` is the leaf, then what a client needs below the root that it trusts. It is to be
    replaced from `renew_at` on, after two thirds of its life.
    """

    chain_pem: bytes = field(repr=False)
    key_pem: bytes = field(repr=False)
    renew_at: datetime
    expires: datetime


class Chain:
    """The certificates of a CA without its key: who signs first, what clients trust last.

    Args:
        certificates: at least one; each is issued by the next.
        remedy: what helps when it is of no use.
    """

    def __init__(self, certificates: Sequence[x509.Certificate], *, remedy: str = ROTATE) -> None:
        self.certificates = tuple(certificates)
        self._remedy = remedy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.subject!r} sha256:{self.fingerprint}>"

    @property
    def issuer(self) -> x509.Certificate:
        """The one whose key signs leaves."""
        return self.certificates[0]

    @property
    def trusted(self) -> x509.Certificate:
        """The one that clients must trust: the root, or the highest that there is."""
        return self.certificates[-1]

    @property
    def certificate_pem(self) -> bytes:
        return self.trusted.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the trusted certificate's DER, in lower-case hexadecimal."""
        return self.trusted.fingerprint(SHA256()).hex()

    @property
    def subject(self) -> str:
        """The trusted certificate's: its common name, else all of it as in RFC 4514."""
        names = self.trusted.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(names[0].value) if names else self.trusted.subject.rfc4514_string()

    @property
    def expires(self) -> datetime:
        """When the first of the certificates ends; timezone-aware UTC."""
        return min(one.not_valid_after_utc for one in self.certificates)

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """The names that the issuer is confined to, each with those below it; None for all."""
        return permitted_hosts(self.issuer)

    def permits(self, host: str) -> bool:
        """Whether it may vouch for a host: a name in lower case, or an address.

        Unlike the TLS clients that will look, this does not mind the time.
        """
        return all(permits(one, host) for one in self.certificates)

    def check(self, now: datetime) -> None:
        """See that it is valid.

        Raises:
            AuthorityError: it is not, or not yet.
        """
        if now >= self.expires:
            raise AuthorityError(
                f"the CA {self.subject!r} expired on {self.expires:%Y-%m-%d}", remedy=self._remedy
            )
        begins = max(one.not_valid_before_utc for one in self.certificates)
        if now < begins:
            raise AuthorityError(
                f"the CA {self.subject!r} is not valid before {begins:%Y-%m-%d %H:%M} UTC",
                remedy="Look at the clock of this host.",
            )


class Authority(Chain):
    """A CA with its key. It signs for the hosts that its certificates permit.

    Args:
        certificates: as of a `Chain`.
        key: the first one's.
        remedy: what helps when it is of no use.
    """

    def __init__(
        self, certificates: Sequence[x509.Certificate], key: Key, *, remedy: str = ROTATE
    ) -> None:
        super().__init__(certificates, remedy=remedy)
        self._key = key
        self._may_be_named = not any(map(constrains_subjects, certificates))
        # A root is no part of what a server sends (RFC 8446 section 4.4.2).
        self._sent_pem = b"".join(
            one.public_bytes(Encoding.PEM) for one in certificates if one.issuer != one.subject
        )

    def issue(self, host: str, *, now: datetime) -> Leaf:
        """A certificate with a new key for one host.

        It takes about a quarter of a millisecond, and several with an RSA key of 4096 bits.

        Args:
            host: a name in lower case, or an address.
            now: timezone-aware.

        Raises:
            HostNotPermittedError: the CA may not vouch for it.
            AuthorityError: the CA has expired.
        """
        if not self.permits(host):
            raise HostNotPermittedError(
                f"the CA {self.subject!r} does not permit {host[:80]}", remedy=self._remedy
            )
        self.check(now)
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = build_leaf(
            host,
            key.public_key(),
            self.issuer,
            self._key,
            now=now,
            expires=self.expires,
            may_be_named=self._may_be_named,
        )
        expires = leaf.not_valid_after_utc
        return Leaf(
            chain_pem=leaf.public_bytes(Encoding.PEM) + self._sent_pem,
            key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            renew_at=now + (expires - now) * 2 / 3,
            expires=expires,
        )
