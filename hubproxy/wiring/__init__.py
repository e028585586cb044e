"""What stands behind each port: the one place where settings become objects."""

from hubproxy.wiring.access import team_file
from hubproxy.wiring.authority import authority, ca_certificates, rotate_authority, trusted_pem
from hubproxy.wiring.cards import (
    Inspector,
    archive_file,
    card_check,
    card_of,
    describe,
    inspector,
    known_records,
    listed_modules,
    ops_reader,
    wanted_fields,
)
from hubproxy.wiring.daemon import Daemon, open_daemon
from hubproxy.wiring.places import Places, keys, now, places
from hubproxy.wiring.ports import open_ports
from hubproxy.wiring.stores import Stores, drafts, open_modules, open_stores
from hubproxy.wiring.trust import repository, trust_client
from hubproxy.wiring.upstreams import open_transfers

__all__ = [
    "Daemon",
    "Inspector",
    "Places",
    "Stores",
    "archive_file",
    "authority",
    "ca_certificates",
    "card_check",
    "card_of",
    "describe",
    "drafts",
    "inspector",
    "keys",
    "known_records",
    "listed_modules",
    "now",
    "open_daemon",
    "open_modules",
    "open_ports",
    "open_stores",
    "open_transfers",
    "ops_reader",
    "places",
    "repository",
    "rotate_authority",
    "team_file",
    "trust_client",
    "trusted_pem",
    "wanted_fields",
]
