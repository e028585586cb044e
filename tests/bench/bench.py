"""What every measure is given, and what it gives back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.clients import Sink
from tests.bench.peer import Certificate, nginx
from tests.bench.site import Site
from tests.bench.table import Goal, Table

MIB = 1024 * 1024
GB = 1e9
HUBPROXY = "hubproxy"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of weights of the modules, by what they are for, and how hard to try."""

    warm: int = 256 * MIB
    beside: int = 1024 * MIB
    herd: int = 256 * MIB
    stock: int = 500 * 1000 * 1000
    fetch: int = 512 * MIB
    small: int = 1024
    clients: tuple[int, ...] = (1, 8, 64)
    herds: tuple[int, ...] = (50, 200)
    rate: int = 200 * 1000 * 1000
    small_requests: int = 500
    tls_clients: tuple[int, ...] = (1, 8)
    handshakes: int = 1000
    leaves: int = 1000
    starts: int = 10
    records: int = 20_000
    teams: int = 40
    evidence: int = 300 * 1000 * 1000
    sights: tuple[int, ...] = (10 * MIB, 100 * MIB, 1024 * MIB)
    carried: int = 40
    carried_size: int = 125_000_000
    held: int = 10_000

    @property
    def modules(self) -> dict[str, int]:
        return {
            "warm": self.warm,
            "beside": self.beside,
            "herd": self.herd,
            "stock": self.stock,
            "fetch": self.fetch,
            "small": self.small,
        }


QUICK = Sizes(
    warm=64 * MIB,
    beside=128 * MIB,
    herd=32 * MIB,
    stock=100 * MIB,
    fetch=64 * MIB,
    clients=(1, 8),
    herds=(20,),
    small_requests=100,
    handshakes=500,
    leaves=200,
    starts=3,
    records=2_000,
    teams=10,
    evidence=30 * 1000 * 1000,
    sights=(10 * MIB, 100 * MIB),
    carried=8,
    carried_size=16 * MIB,
    held=1_000,
)


@dataclass(frozen=True, slots=True)
class Server:
    """Somebody to be measured: where files or modules lie by name, and its process."""

    url: str
    pid: int

    def file(self, name: str) -> str:
        return f"{self.url}/{name}"


@dataclass(frozen=True, slots=True)
class Bench:
    """One run."""

    site: Site
    sink: Sink
    nginx: Path | None
    rounds: int
    sizes: Sizes

    @property
    def folder(self) -> Path:
        return self.site.folder

    @contextmanager
    def serving(
        self,
        files: dict[str, Path],
        workers: tuple[int, ...],
        certificate: Certificate | None = None,
    ) -> Iterator[dict[str, Server]]:
        """nginx with so many workers each, serving files by name; none where there is none."""
        root = self.folder / "www"
        root.mkdir(exist_ok=True)
        for name, file in files.items():
            (root / name).unlink(missing_ok=True)
            # The same file as the daemon's, and so the same pages in memory.
            (root / name).hardlink_to(file)
        with ExitStack() as stack:
            found = {}
            for count in workers:
                if self.nginx is None:
                    break
                folder = self.folder / f"nginx-{count}"
                peer = stack.enter_context(
                    nginx(self.nginx, folder, root=root, workers=count, certificate=certificate)
                )
                found[peer_name(count)] = Server(peer.url, peer.pid)
            yield found


@dataclass(frozen=True, slots=True)
class Result:
    tables: list[Table]
    goals: list[Goal]


def peer_name(workers: int) -> str:
    return f"nginx, {workers} worker{'s' if workers > 1 else ''}"
