"""Which hosts a CA may vouch for: X.509 name constraints (RFC 5280 section 4.2.1.10).

A constraint speaks for one form of name alone, and leaves every other form free. So each form
that a client may ask for is either permitted by name or shut:

- dNSName: one permitted subtree for each hub. That covers the host and every name made by adding
  labels in front, such as `www.`; there is no form that permits the host alone.
- iPAddress: permitted as a /32 or /128 where a hub is an address; each version without one is
  excluded whole. (One version's permitted subtree ought to shut the other; not every verifier
  compares addresses of different lengths.)
- No hub has a name at all: dNSName is excluded by the zero-length name, which is in front of all.
- rfc822Name and URI have no constraint that matches all, so each is permitted below `.invalid`
  (RFC 6761 section 6.4), where nothing is.
- directoryName stays free: Go refuses every certificate below a CA that constrains it. A subject
  tells nobody who a server is; and that a subject is no client's either, nor its code's signer, is
  what the CA's extended key usage is for.

It is the client that keeps a CA to its constraints. OpenSSL does, and with it Python, curl and
Node; Java does not look at those of a root (RFC 5280 section 6.1 leaves it free to).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence

from cryptography import x509

_DNS = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_NOWHERE = ".invalid"
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_EVERY: tuple[_Network, ...] = (
    ipaddress.IPv4Network("0.0.0.0/0"),
    ipaddress.IPv6Network("::/0"),
)


def san(host: str) -> x509.DNSName | x509.IPAddress:
    """A host as it stands in a subject alternative name: an address for a literal, else a name.

    Raises:
        ValueError: not a host: lower case, in ASCII, without port, brackets or a last dot.
    """
    try:
        # A zone is no part of an address in a certificate, and is lost there.
        return x509.IPAddress(ipaddress.ip_address(host.replace("%", " ")))
    except ValueError:
        if not _DNS.fullmatch(host):
            raise ValueError(f"not the name of a host: {host[:80]!r}") from None
        return x509.DNSName(host)


def constraints_for(hosts: Iterable[str]) -> x509.NameConstraints:
    """Constraints that permit these hosts, and names below them, and nothing else.

    Raises:
        ValueError: one of them is not a host.
    """
    names = [san(host) for host in dict.fromkeys(hosts)]
    dns = [name for name in names if isinstance(name, x509.DNSName)]
    networks = [
        ipaddress.ip_network(name.value) for name in names if isinstance(name, x509.IPAddress)
    ]
    versions = {network.version for network in networks}
    shut: list[x509.GeneralName] = [] if dns else [x509.DNSName("")]
    shut += [x509.IPAddress(every) for every in _EVERY if every.version not in versions]
    return x509.NameConstraints(
        permitted_subtrees=[
            *dns,
            *map(x509.IPAddress, networks),
            x509.RFC822Name(_NOWHERE),
            x509.UniformResourceIdentifier(_NOWHERE),
        ],
        excluded_subtrees=shut or None,
    )


def permits(certificate: x509.Certificate, host: str) -> bool:
    """Whether the constraints of a CA, if it has any, let it vouch for a host.

    A dNSName that begins with a dot matches names below it alone, as OpenSSL has it. What is
    not the name of a host is never permitted.
    """
    try:
        name = san(host)
    except ValueError:
        return False
    found = constraints_of(certificate)
    if found is None:
        return True
    permitted = _alike(name, found.permitted_subtrees)
    excluded = _alike(name, found.excluded_subtrees)
    within = not permitted or any(_covers(base, name) for base in permitted)
    return within and not any(_covers(base, name) for base in excluded)


def permitted_hosts(certificate: x509.Certificate) -> tuple[str, ...] | None:
    """The names and addresses that a CA is confined to; None for one that is not confined."""
    found = constraints_of(certificate)
    if found is None:
        return None
    return tuple(
        str(base.value)
        for base in found.permitted_subtrees or ()
        if isinstance(base, x509.DNSName | x509.IPAddress)
    )


def constrains_subjects(certificate: x509.Certificate) -> bool:
    """Whether the constraints of a CA speak of directory names: of every subject but the empty.

    Raises:
        ValueError: an extension cannot be read.
    """
    found = constraints_of(certificate)
    bases = [] if found is None else [found.permitted_subtrees, found.excluded_subtrees]
    return any(isinstance(base, x509.DirectoryName) for some in bases for base in some or ())


def constraints_of(certificate: x509.Certificate) -> x509.NameConstraints | None:
    """The name constraints of a certificate.

    Raises:
        ValueError: they, or another extension, cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None


def _alike(
    name: x509.GeneralName, bases: Sequence[x509.GeneralName] | None
) -> list[x509.GeneralName]:
    return [base for base in bases or () if type(base) is type(name)]


def _covers(base: x509.GeneralName, name: x509.GeneralName) -> bool:
    if isinstance(name, x509.IPAddress):
        return name.value in base.value
    root: str = base.value.lower()
    return not root or name.value == root or name.value.endswith("." + root.removeprefix("."))
