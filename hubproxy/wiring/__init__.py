"""What stands behind each port: the one place where settings become objects."""

from hubproxy.wiring.access import team_file
from hubproxy.wiring.approvals import approvals
from hubproxy.wiring.authority import authority, ca_certificates, rotate_authority, trusted_pem
from hubproxy.wiring.cards import (
    archive_file,
    card_check,
    card_of,
    describe,
    gate,
    inspected,
    known_records,
    listed_modules,
    wanted_fields,
)
from hubproxy.wiring.choosing import chosen
from hubproxy.wiring.clock import accept_clock
from hubproxy.wiring.daemon import Daemon, open_daemon
from hubproxy.wiring.demands import Refusals, refused_by_draft, refused_by_policy
from hubproxy.wiring.officers import (
    append_decision,
    drop_retired_keys,
    held_root,
    new_online_key,
    online_ids,
    online_signers,
    open_draft,
    signer_names,
)
from hubproxy.wiring.places import Places, keys, now, places
from hubproxy.wiring.ports import open_ports
from hubproxy.wiring.reports import daemon_url, explained, loads_of, lookup, recalls
from hubproxy.wiring.stores import (
    Stores,
    drafts,
    held_modules,
    open_modules,
    open_stores,
    request_folder,
)
from hubproxy.wiring.trust import list_at_hand, repository, trust_client, whole_list
from hubproxy.wiring.upstreams import open_transfers

__all__ = [
    "Daemon",
    "Places",
    "Refusals",
    "Stores",
    "accept_clock",
    "append_decision",
    "approvals",
    "archive_file",
    "authority",
    "ca_certificates",
    "card_check",
    "card_of",
    "chosen",
    "daemon_url",
    "describe",
    "drafts",
    "drop_retired_keys",
    "explained",
    "gate",
    "held_modules",
    "held_root",
    "inspected",
    "keys",
    "known_records",
    "list_at_hand",
    "listed_modules",
    "loads_of",
    "lookup",
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
    "places",
    "recalls",
    "refused_by_draft",
    "refused_by_policy",
    "repository",
    "request_folder",
    "rotate_authority",
    "signer_names",
    "team_file",
    "trust_client",
    "trusted_pem",
    "wanted_fields",
    "whole_list",
]
