"""One site that reads a trust list: ours, or the TUF library's client as it comes.

    python -m tests.bench.reading (hubproxy|tuf) LIST TEAMS RECORDS

It prints what was measured as one line of JSON. A small list is read first, so that nothing is
imported or compiled while the clock runs.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from hubproxy.core.handle import Handle
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.trust.client import TrustClient
from tests.bench.lists import handle, make

_REPEATS = 2000


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
        named = self._snapshot.exact(exact)
        assert self._snapshot.find(named, ("saved_model", "tf1_hub")) is not None


class Folder(FetcherInterface):
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


def main(who: str, source: str, teams: str, records: str) -> None:
    reader: type[Ours | Plain] = Ours if who == "hubproxy" else Plain
    modules = int(records) // int(teams)
    with TemporaryDirectory(prefix="hubproxy-reading-") as folder:
        work = Path(folder)
        make(work / "small", records=4, teams=2)
        _measure(reader(work / "small", work / "warming"), 2, 2)
        before = _resident()
        found = _measure(reader(Path(source), work / "state"), int(teams), modules)
        found["MiB of memory, all roles read"] = (_resident() - before) / 2**20
    sys.stdout.write(json.dumps(found) + "\n")


def _measure(reader: Ours | Plain, teams: int, modules: int) -> dict[str, float]:
    found: dict[str, float] = {}

    def take(what: str, do: Callable[[], object], times: int = 1) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            do()
        found[f"{what}, ms"] = (time.perf_counter() - wall) * 1000 / times
        found[f"{what}, CPU ms"] = (time.process_time() - cpu) * 1000 / times

    take("cold refresh", reader.refresh)
    take("first look-up", lambda: reader.find(handle(1, 1)))
    take("repeated look-up", lambda: reader.find(handle(1, modules - 1)), _REPEATS)
    take("all other roles", lambda: [reader.find(handle(team, 0)) for team in range(teams)])
    return found


def _resident() -> int:
    """Bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(*sys.argv[1:])
