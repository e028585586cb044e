"""A list as a whole: every file of it by its published name, for those who carry it elsewhere."""

from collections.abc import Iterable, Iterator

from hubproxy.core.digest import Digest
from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.record import Record
from hubproxy.core.roles import TOP
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.trust.client import TrustClient
from hubproxy.trust.contents import named_by, published_name


def metadata(client: TrustClient, snapshot: TrustSnapshot) -> Iterator[tuple[str, bytes]]:
    """Its signed files and the policy, in an order in which they may be written one by one.

    Roots come first, also those from before trust began here, as far as the source has them;
    `timestamp.json`, which leads a reader to all the others, comes last.

    Args:
        client: has read the list.
        snapshot: of it, with every team's role read.

    Raises:
        TrustListError: a file cannot be had.
    """
    for version in range(1, client.roots.start):
        earlier = client.earlier_root(version)
        if earlier is not None:
            yield f"metadata/{version}.root.json", earlier
    for version in client.roots:
        yield _had(client, f"metadata/{version}.root.json")
    policy = snapshot.roles[TOP].targets.get(POLICY_PATH)
    if policy is not None:
        yield _had(client, published_name("records", str(policy.digest)))
    for name in (*snapshot.delegated, TOP):
        yield _had(client, f"metadata/{snapshot.files[name].version}.{name}.json")
    yield _had(client, f"metadata/{snapshot.versions.snapshot}.snapshot.json")
    yield _had(client, "metadata/timestamp.json")


def beside(records: Iterable[Record]) -> list[tuple[str, Digest]]:
    """The signatures and cards that some records name: published name and digest, sorted."""
    found = {one for record in records for one in named_by(record)}
    return sorted((published_name(kind, digest), Digest.parse(digest)) for kind, digest in found)


def _had(client: TrustClient, name: str) -> tuple[str, bytes]:
    data = client.published(name)
    if data is None:
        raise TrustListError(
            "TRUST_UNREACHABLE",
            f"{name} of the trust list is not here",
            remedy="Read the list again: `hubproxy reload`, or mend `trust.source`.",
        )
    return name, data
