"""Where one hub's modules come from."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

from hubproxy.core.handle import Handle
from hubproxy.errors import ConfigError
from hubproxy.upstream.redirects import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one hub's modules come from.

    Args:
        hub: the hub's canonical host, such as `tfhub.dev`.
        url: where to ask, with or without a path: the hub itself, a mirror, another hubproxy.
        redirects: patterns of hosts that it may redirect to, besides its own.
        private: it may have (and redirect to) loopback, link-local and private addresses, and
            any port.
        token: sent as a bearer token, to `url`'s own origin only.
        username: sent with `password` as basic credentials, likewise. Not together with `token`.
        query: added to each module's URL.

    Raises:
        ConfigError: `url` cannot be used, or there are two kinds of credentials.
    """

    hub: str
    url: str
    redirects: tuple[str, ...] = ()
    private: bool = False
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    query: tuple[tuple[str, str], ...] = (("tf-hub-format", "compressed"),)

    def __post_init__(self) -> None:
        if self.token and self.username:
            raise ConfigError(f"the upstream of {self.hub} has a token and a username")
        if not (self.token.isascii() and self.token.isprintable()):
            raise ConfigError(f"the token of the upstream of {self.hub} cannot be sent")
        if "?" in self.url or "#" in self.url:
            raise ConfigError(f"the upstream of {self.hub} has a query in its url")
        try:
            Target.parse(self.url)
        except ValueError as error:
            raise ConfigError(f"the upstream of {self.hub} cannot be used: {error}") from None

    def target(self, exact: Handle) -> Target:
        query = f"?{urlencode(self.query)}" if self.query else ""
        return Target.parse(self.url.rstrip("/") + exact.url_path + query)

    @property
    def authorization(self) -> str:
        """The Authorization header's value; empty without credentials."""
        if self.token:
            return f"Bearer {self.token}"
        return aiohttp.encode_basic_auth(self.username, self.password) if self.username else ""
