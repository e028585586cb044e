"""The checks of `hubproxy doctor`, in their order: each needs what stands before it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hubproxy.config import Config
from hubproxy.errors import ConfigError, HubproxyError
from hubproxy.pointing.ask import Site, ask, get
from hubproxy.pointing.bundle import write_bundle
from hubproxy.pointing.conflicts import conflicts
from hubproxy.pointing.finding import Finding, State
from hubproxy.pointing.forwarding import check_forward
from hubproxy.pointing.health import check_ca, check_clock, check_ready, check_trust
from hubproxy.pointing.host import check_disk, check_key, is_here
from hubproxy.pointing.loading import Load, load_canary
from hubproxy.pointing.place import Credentials, Place
from hubproxy.pointing.variables import variables
from hubproxy.pointing.ways import WAYS_IN, Way, WayIn
from hubproxy.server.canary import canary_path


@dataclass(frozen=True, slots=True)
class Doctor:
    """Looks at one daemon from one machine.

    Args:
        place: where the daemon is.
        config: this machine's settings, or what is wrong with them.
        environ: the environment that jobs have here.
        python: the interpreter that jobs have.
        ways: those that were asked for; empty for all that there are.
        credentials: of a team, where there are some.
        bundle: a file to write the merged CAs to.
        clock: gives the time, timezone-aware UTC.
    """

    place: Place
    config: Config | ConfigError
    environ: Mapping[str, str]
    python: str
    ways: tuple[WayIn, ...]
    credentials: Credentials | None
    bundle: Path
    clock: Callable[[], datetime]

    def examine(self) -> Iterator[Finding]:
        """Look at everything, and tell of each thing as soon as it is known."""
        yield self._settings()
        try:
            get(f"{self.place.url}/-/live")
            yield Finding("daemon", "ok", f"{self.place.url} answers")
            yield check_ready(self.place)
            site = ask(self.place)
        except HubproxyError as error:
            yield _failed("daemon", error)
            yield from self._host()
            return
        now = self.clock()
        yield check_clock(site, now)
        yield from check_trust(self.place, now)
        yield from self._host()
        yield from self._forward(site, now)
        client = None
        for load in self._loads(site):
            if isinstance(load, Finding):
                yield load
                continue
            loaded = load_canary(load, self.python)
            client = loaded.client or client
            yield loaded.finding
        yield from self._environment(site, client)

    def _settings(self) -> Finding:
        if isinstance(self.config, ConfigError):
            # Settings that are kept from this user are those of a daemon, and not for jobs.
            kept = self.place.named and isinstance(self.config.__cause__, PermissionError)
            state: State = "warn" if kept else "FAIL"
            return Finding("settings", state, str(self.config), "hubproxy config check")
        return Finding("settings", "ok", "those of this machine can be read")

    def _host(self) -> Iterator[Finding]:
        if isinstance(self.config, Config) and is_here(self.place.url):
            yield from check_disk(self.config)
            yield from check_key(self.config)

    def _forward(self, site: Site, now: datetime) -> Iterator[Finding]:
        if not site.proxy or not self._wants("proxy"):
            return
        yield from check_ca(site, now)
        if not site.ca:
            return
        try:
            write_bundle(site, self.bundle, self.environ)
        except HubproxyError as error:
            yield _failed("bundle", error)
            return
        for hub in site.hubs:
            yield check_forward(site, hub, bundle=self.bundle, credentials=self.credentials)

    def _loads(self, site: Site) -> Iterator[Load | Finding]:
        path = canary_path(site.hubs[0])
        for way in WAYS_IN:
            if not self._wants(way):
                continue
            wanted = bool(self.ways)
            if way == "proxy" and not site.proxy:
                yield Finding(
                    "proxy",
                    "FAIL" if wanted else "warn",
                    "the daemon has no forward proxy",
                    "set `forward.listen` in its settings to 0.0.0.0:8441, and restart it",
                )
                continue
            if way == "reverse" and site.auth_required:
                yield Finding(
                    "reverse",
                    "FAIL" if wanted else "warn",
                    "a token is needed, and tensorflow_hub has no way to bring one here",
                    f"hubproxy doctor{site.flag} --way proxy --team NAME --token-file FILE",
                )
                continue
            yield Load(
                way=way,
                handle=site.hook + path if way == "reverse" else f"https:/{path}",
                environ=self._environ(site, way),
                flag=site.flag,
                wheel=f"{site.hook}/-/client/",
                wanted=wanted,
            )

    def _environ(self, site: Site, way: WayIn) -> dict[str, str]:
        """What a job by this way has: just what `hubproxy env` prints, over what was there."""
        if way == "reverse":
            return {name: value for name, value in self.environ.items() if name != "HUBPROXY_URL"}
        found = variables(
            site,
            way,
            bundle=str(self.bundle),
            environ=self.environ,
            credentials=self.credentials,
        )
        return found.over(self.environ)

    def _environment(self, site: Site, client: tuple[int, ...] | None) -> Iterator[Finding]:
        ways: list[Way] = [way for way in ("proxy", "hook") if self._wants(way)]
        found = list(conflicts(self.environ, site, ways, client=client))
        for one in found:
            yield Finding("environment", "FAIL" if one.fatal else "warn", one.what, one.fix)
        if not found:
            yield Finding("environment", "ok", "nothing in it is in the way")

    def _wants(self, way: WayIn) -> bool:
        return not self.ways or way in self.ways


def _failed(check: str, error: HubproxyError) -> Finding:
    return Finding(check, "FAIL", str(error), error.remedy)
