"""A site that reads a trust list: ours, or the TUF library's client as it comes.

    python -m tests.bench.reading (hubproxy|tuf) LIST TEAMS MODULES

It prints what was measured as one line of JSON: milliseconds, of several tries the middle one,
and MiB of memory with all roles read. A small list is read first, so that nothing is imported
or compiled while the clock runs.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from hubproxy.core.handle import Handle
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.trust.client import TrustClient
from tests.bench.lists import handle, make

_REFRESHES, _REPEATS = 9, 1000


class Ours:
    def __init__(self, source: Path, state: Path) -> None:
        root = (source / "metadata" / "1.root.json").read_bytes()
        self._client = TrustClient(state, source, root)
        self._snapshot: TrustSnapshot

    def refresh(self) -> None:
        self._snapshot = self._client.refresh()

    def find(self, text: str) -> None:
        exact = Handle.parse(text)
        while missing := self._snapshot.missing(exact):
            for name in missing:
                self._snapshot = self._client.load_role(self._snapshot, name)
        found = self._snapshot.find(self._snapshot.exact(exact), ("saved_model", "tf1_hub"))
        assert found is not None


class Folder(FetcherInterface):
    """Files by their path."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            return iter([Path(url).read_bytes()])
        except FileNotFoundError as error:
            raise DownloadHTTPError(url, 404) from error


class Plain:
    def __init__(self, source: Path, state: Path) -> None:
        root = (source / "metadata" / "1.root.json").read_bytes()
        state.mkdir()
        self._updater = Updater(str(state), f"{source}/metadata/", fetcher=Folder(), bootstrap=root)

    def refresh(self) -> None:
        self._updater.refresh()

    def find(self, text: str) -> None:
        assert self._updater.get_targetinfo(f"{text}/saved_model.json") is not None


def main(who: str, source: str, teams: str, modules: str) -> None:
    kind: type[Ours | Plain] = Ours if who == "hubproxy" else Plain
    with TemporaryDirectory(prefix="hubproxy-reading-") as name:
        folder = Path(name)
        make(folder / "small", records=4, teams=2)
        small = kind(folder / "small", folder / "state-small")
        small.refresh()
        small.find(handle(1, 1))
        before = _resident()
        found = _measure(kind, Path(source), folder, int(teams), int(modules))
        found["MiB of memory, all roles read"] = (_resident() - before) / 2**20
    sys.stdout.write(json.dumps(found) + "\n")


def _measure(
    kind: type[Ours | Plain], source: Path, folder: Path, teams: int, modules: int
) -> dict[str, float]:
    found: dict[str, float] = {}

    def take(what: str, tries: list[Callable[[], None]], times: int = 1) -> None:
        wall, cpu = zip(*(_timed(one, times) for one in tries), strict=True)
        found[f"{what}, ms"] = median(wall)
        found[f"{what}, CPU ms"] = median(cpu)

    readers = [kind(source, folder / f"state-{number}") for number in range(_REFRESHES)]
    take("cold refresh", [reader.refresh for reader in readers])
    reader = readers[-1]
    del readers
    take("first look-up", [_finding(reader, team, 1) for team in range(teams)])
    tries = [_finding(reader, team, modules - 1) for team in range(0, teams, 4)]
    take("repeated look-up", tries, _REPEATS)
    return found


def _finding(reader: Ours | Plain, team: int, module: int) -> Callable[[], None]:
    text = handle(team, module)
    return lambda: reader.find(text)


def _timed(do: Callable[[], None], times: int) -> tuple[float, float]:
    """Milliseconds of one time: on the wall, and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        do()
    taken = time.perf_counter() - wall, time.process_time() - cpu
    return taken[0] * 1000 / times, taken[1] * 1000 / times


def _resident() -> int:
    """Bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(*sys.argv[1:])
