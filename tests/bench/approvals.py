"""What one approval into a large trust list costs its officers."""

import time
from collections.abc import Callable
from pathlib import Path

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    MetaFile,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from hubproxy import wiring
from hubproxy.files import write_whole
from hubproxy.trust.officer import Repository
from hubproxy.trust.proposing import put
from tests.bench.bench import HUBPROXY, Bench, Result
from tests.bench.table import Goal, Table
from tests.trust.largelist import fill
from tests.trust.published import make_record

_TUF = "tuf's metadata API, verifying nothing"
_WALL, _CPU = "publish one approval, ms", "the same, CPU ms"


def approvals(bench: Bench) -> Result:
    """Ours verifies the list, signs, and writes durably; the peer reads, signs and writes."""
    teams, each = bench.sizes.teams, bench.sizes.records // bench.sizes.teams
    officer, member, online = (CryptoSigner.generate_ed25519() for _ in range(3))
    place = bench.folder / "officers"
    repository = Repository.init(
        place, officer_name="ada", officer=officer, online=online, clock=wiring.now
    )
    fill(repository, officers=[officer], member=member, online=[online], teams=teams, each=each)
    # Whose key it is that a team has, is known by the pinned root.
    pinned = (place / "metadata" / "1.root.json").read_bytes()
    repository = Repository(place, clock=wiring.now, pinned=pinned)
    table = Table(f"One approval into {teams * each:,} records in {teams} teams", (HUBPROXY, _TUF))
    for number in range(bench.rounds):

        def ours(number: int = number) -> None:
            contents = repository.contents()
            record = make_record(f"tfhub.dev/team1/approved/{number + 1}")
            changes = put(repository.in_force(), [record], contents)
            repository.change(changes, contents, signers=[member], online=[online])

        def peers(number: int = number) -> None:
            _by_hand(place / "metadata", member, online, f"tfhub.dev/team2/approved/{number}")

        _measure(table, HUBPROXY, ours)
        _measure(table, _TUF, peers)
    return Result(
        [table], [Goal("publish one approval", table.middle(_WALL, HUBPROXY), 1000, "ms")]
    )


def _measure(table: Table, column: str, work: Callable[[], None]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    table.add(_WALL, column, (time.perf_counter() - wall) * 1000)
    table.add(_CPU, column, (time.process_time() - cpu) * 1000)


def _by_hand(folder: Path, member: CryptoSigner, online: CryptoSigner, path: str) -> None:
    serializer = JSONSerializer(compact=True)
    timestamp: Metadata[Timestamp] = Metadata.from_file(str(folder / "timestamp.json"))
    version = timestamp.signed.snapshot_meta.version
    snapshot: Metadata[Snapshot] = Metadata.from_file(str(folder / f"{version}.snapshot.json"))
    version = snapshot.signed.meta["team2.json"].version
    team: Metadata[Targets] = Metadata.from_file(str(folder / f"{version}.team2.json"))
    team.signed.targets[path] = TargetFile(1, {"sha256": "0" * 64}, path)
    team.signed.version += 1
    team.sign(member)
    data = team.to_bytes(serializer)
    write_whole(folder / f"{team.signed.version}.team2.json", data)
    snapshot.signed.meta["team2.json"] = MetaFile.from_data(team.signed.version, data, ["sha256"])
    snapshot.signed.version += 1
    snapshot.sign(online)
    data = snapshot.to_bytes(serializer)
    write_whole(folder / f"{snapshot.signed.version}.snapshot.json", data)
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
    timestamp.signed.version += 1
    timestamp.sign(online)
    write_whole(folder / "timestamp.json", timestamp.to_bytes(serializer))
