"""What this site has, told to whoever makes bundles for it."""

import os
import socket
from contextlib import suppress

from hubproxy.config import Config
from hubproxy.core.audit import timestamp
from hubproxy.core.inventory import Inventory, SignedInventory, is_site_name
from hubproxy.errors import HubproxyError, UsageError
from hubproxy.store.refs import RefStore
from hubproxy.trust.sitekey import sign_inventory, site_key
from hubproxy.wiring.places import now, places
from hubproxy.wiring.trust import list_at_hand


def inventory(config: Config, site: str) -> SignedInventory:
    """What this site has whole, signed by its own key. Reads beside a running daemon.

    Args:
        site: its name; empty for that of this host.

    Raises:
        UsageError: not a name.
        SiteKeyError: its key cannot be used.
    """
    name = site or socket.gethostname().partition(".")[0]
    if not is_site_name(name):
        raise UsageError(
            f"{name!r} is no site's name",
            remedy="Name it with --site: letters, digits, '.', '_' and '-', at most 64.",
        )
    data = places(config).data
    refs = RefStore(data / "refs")
    refs.read()
    records: set[str] = set()
    archives: set[str] = set()
    here = {name for _, _, names in os.walk(data / "blobs") for name in names}
    for _, _, ref in refs:
        archive = ref.archive_digest.hex
        if archive in here:
            archives.add(archive)
            records.add(ref.record_digest.hex)
    versions = ""
    with suppress(HubproxyError):
        versions = list_at_hand(config).versions.full
    found = Inventory(
        site=name,
        made_at=timestamp(now()),
        trust=versions,
        records=tuple(sorted(records)),
        archives=tuple(sorted(archives)),
    )
    return sign_inventory(found, site_key(data / "bundle" / "site.pem"))
