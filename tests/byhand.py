"""A site's list with teams and a policy, written as anybody could write it who has the keys."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    TargetFile,
    Targets,
)

from hubproxy import wiring
from hubproxy.core.policy import POLICY_PATH, Policy
from hubproxy.core.record import Record
from tests.site import Site
from tests.trust.published import Published
from tests.trust.teams import Teams


class _Folder(Published):
    """What a site publishes, with its keys."""

    def __init__(self, site: Site) -> None:
        self.folder: Path = wiring.places(site.config).repository
        self.officer, self.online = site.officer, site.online
        self.clock: Any = site.clock


class ByHand:
    """The officers and teams of a site. The daemon has read each change when a method returns."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.teams = Teams(_Folder(site))

    async def demand(self, policy: Policy) -> None:
        """Publish a policy."""
        top, text = self.teams.load("targets"), policy.encode()
        target = TargetFile.from_data(POLICY_PATH, text, ["sha256"])
        top.signed.targets[POLICY_PATH] = target
        digest = target.hashes["sha256"]
        place = self.teams.published.folder / "records" / digest[:2] / f"{digest}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text)
        self.teams.change("targets", top, self._site.officer)
        await self._site.daemon.trust.refresh()

    async def list_record(self, record: Record) -> None:
        """Let the officers' role list a record as it is."""
        top = self.teams.load("targets")
        self.teams.list_as(top, f"{record.handle}/{record.format}.json", record)
        self.teams.change("targets", top, self._site.officer)
        await self._site.daemon.trust.refresh()

    async def team(self, name: str, pattern: str, *records: Record, days: float = 90) -> None:
        """Have a team, whose role lists records and is good for so many days."""
        self.teams.delegate(name, pattern)
        expires = self._site.clock() + timedelta(days=days)
        role: Metadata[Targets] = self.teams.load(name)
        role.signed.expires = expires.replace(microsecond=0)
        for record in records:
            self.teams.list_as(role, f"{record.handle}/{record.format}.json", record)
        self.teams.change(name, role, *self.teams.keys[name])
        await self._site.daemon.trust.refresh()
