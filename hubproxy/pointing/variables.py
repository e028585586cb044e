"""Which variables point a job at a daemon. Pure: from a site and an environment to values.

`tensorflow_hub` goes by urllib, which reads a variable in small letters before the same one in
capitals; kagglehub goes by requests, which takes its CAs from other variables than OpenSSL does.
So both spellings and all of the variables for CAs are set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from hubproxy.errors import UsageError
from hubproxy.pointing.ask import Site
from hubproxy.pointing.place import Credentials
from hubproxy.pointing.ways import Way

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
NO_PROXY = ("NO_PROXY", "no_proxy")
TRUSTED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Each names the file of all CAs, in place of the system's."""

BUNDLES = (*TRUSTED, "NODE_EXTRA_CA_CERTS")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Variables:
    """What to set, in the order to show it, and what must not be set."""

    values: Mapping[str, str]
    unset: tuple[str, ...] = ()

    def over(self, environ: Mapping[str, str]) -> dict[str, str]:
        """An environment with these variables, as a job gets it."""
        kept = {name: value for name, value in environ.items() if name not in self.unset}
        return {**kept, **self.values}


def variables(
    site: Site,
    way: Way,
    *,
    bundle: str,
    environ: Mapping[str, str],
    credentials: Credentials | None = None,
) -> Variables:
    """The variables of one way in.

    Args:
        site: the daemon.
        way: `proxy` for any client, `hook` for those that have hubproxy's hook installed.
        bundle: where the job finds the merged CA bundle; only the proxy's way needs it.
        environ: what the job would have otherwise; its `NO_PROXY` is kept, but for the hubs.
        credentials: of the job's team, if it has a token.

    Raises:
        UsageError: the daemon does not offer that way.
    """
    if way == "hook":
        return Variables({"HUBPROXY_URL": with_credentials(site.hook, credentials)})
    if not site.proxy:
        raise UsageError(
            f"the hubproxy at {site.url} has no forward proxy",
            remedy="Use `--way hook`, or set `forward.listen` in its settings.",
        )
    proxy = with_credentials(site.proxy, credentials)
    direct = ",".join(_direct(site, environ))
    # The hook would go first, and not by the proxy: it must not be on.
    return Variables(
        {
            **dict.fromkeys(PROXIES, proxy),
            **dict.fromkeys(NO_PROXY, direct),
            **dict.fromkeys(BUNDLES, bundle),
        },
        unset=("HUBPROXY_URL",),
    )


def with_credentials(url: str, credentials: Credentials | None) -> str:
    """A URL with a team and its token in it, percent-encoded."""
    if credentials is None:
        return url
    scheme, _, rest = url.partition("://")
    user = f"{quote(credentials.team, safe='')}:{quote(credentials.token, safe='')}"
    return f"{scheme}://{user}@{rest}"


def entries(no_proxy: str) -> list[str]:
    """The entries of a `NO_PROXY`."""
    return [entry.strip() for entry in no_proxy.split(",") if entry.strip()]


def covers(entry: str, host: str) -> bool:
    """Whether an entry of `NO_PROXY` keeps a host from the proxy, as urllib reads it.

    An entry is a name and stands for all names below it; leading dots do not matter, letters' case
    does not, and a port is compared with the port that stands in the URL. `*` is all hosts.
    """
    name = entry.lstrip(".").lower()
    spellings = (host, f"{host}:443", f"{host}:80")
    return entry == "*" or any(
        spelling == name or spelling.endswith(f".{name}") for spelling in spellings if name
    )


def _direct(site: Site, environ: Mapping[str, str]) -> Iterable[str]:
    """What is reached without the proxy: what was, and the proxy itself; never a hub."""
    before = [entry for name in reversed(NO_PROXY) for entry in entries(environ.get(name, ""))]
    own = [urlsplit(url).hostname or "" for url in (site.url, site.hook, site.proxy)]
    own += [f"[{host}]" for host in own if ":" in host]  # as urllib compares it
    wanted = dict.fromkeys(filter(None, (*before, *_LOOPBACK, *own)))
    # A host may be called "dev": as an entry, that would stand for tfhub.dev as well.
    return [entry for entry in wanted if not any(covers(entry, hub) for hub in site.hubs)]
