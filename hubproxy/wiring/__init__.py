"""What stands behind each port: the one place where settings become objects."""

from hubproxy.wiring.access import team_file
from hubproxy.wiring.authority import authority, ca_certificates, rotate_authority, trusted_pem
from hubproxy.wiring.clock import accept_clock
from hubproxy.wiring.daemon import Daemon, open_daemon
from hubproxy.wiring.officers import (
    drop_online_keys,
    new_online_key,
    online_ids,
    online_signers,
    open_draft,
    pinned_root,
    signer_names,
)
from hubproxy.wiring.places import Places, keys, now, places
from hubproxy.wiring.ports import open_ports
from hubproxy.wiring.stores import Stores, drafts, open_modules, open_stores
from hubproxy.wiring.trust import list_at_hand, repository, trust_client
from hubproxy.wiring.upstreams import open_transfers

__all__ = [
    "Daemon",
    "Places",
    "Stores",
    "accept_clock",
    "authority",
    "ca_certificates",
    "drafts",
    "drop_online_keys",
    "keys",
    "list_at_hand",
    "new_online_key",
    "now",
    "online_ids",
    "online_signers",
    "open_daemon",
    "open_draft",
    "open_modules",
    "open_ports",
    "open_stores",
    "open_transfers",
    "pinned_root",
    "places",
    "repository",
    "rotate_authority",
    "signer_names",
    "team_file",
    "trust_client",
    "trusted_pem",
]
