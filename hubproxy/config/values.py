"""The settings and their defaults."""

from typing import Annotated, Any, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]
Size = Annotated[int, msgspec.Meta(ge=0, description="bytes")]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=10**9)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file. Sizes are called `budget` there, and `budget_bytes` in the code."""


class Server(Section, frozen=True):
    listen: str = "127.0.0.1:8440"
    senders: Count = 2
    drain_seconds: Seconds = 30
    stall_seconds: Seconds = 60
    header_seconds: Seconds = 10
    idle_seconds: Seconds = 60
    connections_per_client: Count = 1000


class Forward(Section, frozen=True):
    """The port that `HTTPS_PROXY` names; an empty `listen` turns it off."""

    listen: str = "127.0.0.1:8441"
    url: str = ""
    other: Literal["refuse", "tunnel"] = "refuse"
    other_hosts: tuple[str, ...] = ()
    ca_certificate: str = ""
    ca_key: str = ""


class Access(Section, frozen=True):
    """Who calls: teams by their tokens."""

    auth: Literal["optional", "required"] = "optional"
    teams: Text = "/etc/hubproxy/teams.toml"
    realm: Text = "hubproxy: a cluster admin gives tokens, by `hubproxy team add NAME`"


class Trust(Section, frozen=True):
    mode: Literal["enforce", "quarantine", "first-use"] = "enforce"
    source: str = ""
    root: str = ""
    refresh_seconds: Seconds = 60
    lock: str = ""


class Network(Section, frozen=True, rename={"rate_limit_bytes": "rate_limit"}):
    offline: bool = False
    connect_seconds: Seconds = 5
    first_byte_seconds: Seconds = 30
    idle_seconds: Seconds = 60
    rate_limit_bytes: Size = 0
    attempts: Count = 4
    fetches: Count = 8


class Store(
    Section,
    frozen=True,
    rename={
        "budget_bytes": "budget",
        "free_floor_bytes": "free_floor",
        "quarantine_bytes": "quarantine",
    },
):
    budget_bytes: Size = 100 * 1024**3
    free_floor_bytes: Size = 512 * 1024**2
    pinned: tuple[str, ...] = ()
    quarantine_bytes: Size = 50 * 1024**3


class Limits(Section, frozen=True, rename={"unpacked_bytes": "unpacked"}):
    members: Count = 20_000
    depth: Count = 32
    name_bytes: Count = 1024
    unpacked_bytes: Size = 64 * 1024**3
    ratio: Count = 200


class Audit(Section, frozen=True, rename={"segment_bytes": "segment"}):
    wait_seconds: Seconds = 1.0
    segment_bytes: Size = 64 * 1024**2


class Log(Section, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"


class Hub(Section, frozen=True, kw_only=True):
    """Where the modules of one hub come from.

    `private` lets it be reached at an address that is not public. Its token comes from a file,
    or from the environment variable of that name.
    """

    host: Text
    protocol: Literal["tfhub"] = "tfhub"
    url: Text
    redirects: tuple[str, ...] = ()
    private: bool = False
    token_file: str = ""
    token_env: str = ""


TFHUB = Hub(
    host="tfhub.dev",
    url="https://tfhub.dev",
    redirects=("storage.googleapis.com", "www.kaggle.com", "kaggle.com", "*.kaggle.com"),
)


class Config(Section, frozen=True, rename={"hubs": "hub"}):
    """Every setting."""

    data: Text = "/var/lib/hubproxy"
    server: Server = Server()
    forward: Forward = Forward()
    access: Access = Access()
    trust: Trust = Trust()
    network: Network = Network()
    store: Store = Store()
    limits: Limits = Limits()
    audit: Audit = Audit()
    log: Log = Log()
    hubs: tuple[Hub, ...] = (TFHUB,)


def _fields(section: type[msgspec.Struct], prefix: str = "") -> dict[str, Any]:
    return {prefix + f.encode_name: f.type for f in msgspec.structs.fields(section)}


SECTIONS: dict[str, type[msgspec.Struct]] = {
    name: kind
    for name, kind in _fields(Config).items()
    if isinstance(kind, type) and issubclass(kind, Section)
}
KEYS: dict[str, Any] = {"data": Text}
for _name, _kind in SECTIONS.items():
    KEYS |= _fields(_kind, f"{_name}.")
HUB_KEYS: dict[str, Any] = _fields(Hub, "hub.")
