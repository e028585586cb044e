"""Static mirrors, written from the store."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hubproxy.config import Config
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Record
from hubproxy.core.staticsite import blob, caddy, latest, module, nginx, nginx_digests
from hubproxy.errors import TrustListError, UsageError
from hubproxy.store.exportfolder import OWN
from hubproxy.store.staticsite import StaticSite, list_path
from hubproxy.trust.contents import published_name
from hubproxy.trust.whole import beside, metadata
from hubproxy.wiring.carrying import carried_list
from hubproxy.wiring.choosing import Choice, Stocked
from hubproxy.wiring.reports import stored_record


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has written.

    Args:
        modules: that the site has now.
        taken: how many archives were written now.
        absent: modules that the store has not.
        pruned: how many links and archives were removed.
    """

    modules: tuple[Stocked, ...]
    taken: int
    absent: tuple[Stocked, ...]
    pruned: tuple[int, int]


def export(
    config: Config,
    folder: Path,
    choice: Choice,
    *,
    listen: str,
    days: int,
    update: bool,
    prune: bool,
    told: Callable[[str], None],
) -> Exported:
    """Lay out what is chosen, and the whole list, for a plain web server.

    Args:
        listen: where the web server is to listen, for its settings.
        days: that the list is to live; 0 for as it is published.
        update: bring an earlier export up to date.
        prune: remove what is not chosen any more.

    Raises:
        UsageError: something else lies there.
        MismatchError: an archive in the store is damaged.
    """
    here = [one for one in choice.modules if one.archive is not None]
    site, taken = StaticSite(folder), 0
    links = _links(choice, here)
    with site.writing(update=update):
        for one in here:
            assert one.archive is not None
            taken += site.archive(one.record, one.archive)
        for name, (target, _) in sorted(links.items()):
            site.link(name, target)
        for file, data in _list_files(config, choice, days, told):
            site.put(list_path(file), data)
        _settings(site, folder, links, listen)
        pruned = site.prune(set(links)) if prune else (0, 0)
    absent = tuple(one for one in choice.modules if one.archive is None)
    return Exported(tuple(here), taken, absent, pruned)


def _links(choice: Choice, here: list[Stocked]) -> dict[str, tuple[str, Digest]]:
    """Name -> what it leads to, and the digest of the archive in the end."""
    found: dict[str, tuple[str, Digest]] = {}
    formats: defaultdict[Handle, list[Stocked]] = defaultdict(list)
    for one in here:
        formats[one.listed.exact].append(one)
    for exact, some in formats.items():
        first, *others = sorted(some, key=lambda one: FORMATS.index(one.listed.format))
        digest = first.record.archive_digest
        found[module(exact)] = blob(digest), digest
        for other in others:
            of_other = other.record.archive_digest
            found[module(exact, other.listed.format)] = blob(of_other), of_other
        if choice.snapshot.exact(exact.unversioned) == exact:
            found[latest(exact)] = module(exact), digest
    return found


def _list_files(
    config: Config, choice: Choice, days: int, told: Callable[[str], None]
) -> list[tuple[str, bytes]]:
    """The list's files in the order in which they are written: what is read first comes last."""
    client, snapshot = choice.client, choice.snapshot
    found: dict[str, bytes] = {}
    for role in snapshot.roles.values():
        for path, wanted in role.targets.items():
            try:
                text = stored_record(config, wanted.digest) or client.fetch_record(wanted)
                record = Record.decode(text)
            except TrustListError as error:
                told(f"the record of {path} is left out: {error}")
                continue
            except ValueError:  # the policy, which is among the metadata
                continue
            found[published_name("records", str(wanted.digest))] = text
            for name, digest in beside([record]):
                found[name] = client.fetch_file(name, digest)
    if days:
        carried = carried_list(config, client, snapshot, days=days, contents="", told=told)
        return [*found.items(), *carried.files]
    return [*found.items(), *metadata(client, snapshot)]


def _settings(
    site: StaticSite,
    folder: Path,
    links: dict[str, tuple[str, Digest]],
    listen: str,
) -> None:
    served = {name: digest for name, (_, digest) in links.items()}
    hubs = {name.partition("/")[0] for name in served}
    top = str(folder.absolute())
    try:
        made = {
            "digests.map": nginx_digests(served),
            "nginx.conf": nginx(top, hubs, listen),
            "Caddyfile": caddy(top, hubs, listen, served),
        }
    except ValueError as error:
        raise UsageError(str(error), remedy="Export into a folder of a plainer name.") from error
    for name, text in made.items():
        site.put(f"{OWN}/{name}", text.encode())
