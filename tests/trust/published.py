"""A trust list as the tests publish it, and its readers. Its time is 2020: never the machine's."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    MetaFile,
    Snapshot,
    Timestamp,
)

from hubproxy.core.record import (
    CHUNK_SIZE,
    Archive,
    Chunks,
    FileEntry,
    Origin,
    Record,
    tree_digest,
)
from hubproxy.files import write_whole
from hubproxy.trust.client import TrustClient
from hubproxy.trust.inforce import Lifetimes
from hubproxy.trust.officer import Repository

SPICE = "tfhub.dev/google/spice/2"
SPICE_PATH = f"{SPICE}/saved_model.json"
START = datetime(2020, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)


def make_record(
    handle: str = SPICE, *, status: Literal["approved", "revoked"] = "approved", reason: str = ""
) -> Record:
    body = hashlib.sha256(handle.encode()).hexdigest()
    files = (FileEntry("saved_model.pb", 512, 5, body),)
    return Record(
        handle=handle,
        format="saved_model",
        status=status,
        reason=reason,
        archive=Archive(f"sha256:{body}", 10240, 7),
        chunks=Chunks(CHUNK_SIZE, (body,)),
        files=files,
        tree=str(tree_digest(files)),
        origin=Origin(f"https://{handle}", "application/gzip", f"sha256:{body}", 99),
        reviewers=("Ada",),
        decided_at="2020-01-01T00:00:00Z",
    )


class Published:
    """A published folder with its keys and its clock."""

    def __init__(
        self,
        place: Path,
        days: Lifetimes = Lifetimes(),  # noqa: B008  # it is frozen
    ) -> None:
        self.place = place
        self.folder = place / "trust"
        self.clock = Clock()
        self.officer = CryptoSigner.generate_ed25519()
        self.online = CryptoSigner.generate_ed25519()
        self.list = Repository.init(
            self.folder,
            officer_name="Ada",
            officer=self.officer,
            online=self.online,
            clock=self.clock,
            days=days,
        )
        self.root = self.list.root_file()

    @property
    def metadata(self) -> Path:
        return self.folder / "metadata"

    def publish(self, *records: Record) -> None:
        self.list.publish(records, officer=self.officer, online=self.online)

    def record_file(self, record: Record) -> Path:
        digest = record.descriptor.digest.hex
        return self.folder / "records" / digest[:2] / f"{digest}.json"

    def reader(self, source: str | Path | None = None, *, state: str = "state") -> TrustClient:
        """A client with the first root; the same `state` is the same client, started again."""
        return TrustClient(self.place / state, source or self.folder, self.root, clock=self.clock)

    def copy(self, name: str) -> Path:
        """The folder as it is now, under another name."""
        return Path(shutil.copytree(self.folder, self.place / name))

    def load(self, name: str) -> Metadata[Any]:
        return Metadata.from_file(str(self.metadata / name))

    def save(self, name: str, role: Metadata[Any], *signers: CryptoSigner) -> bytes:
        """Write a role signed by whom the test likes, as somebody else would."""
        role.signatures.clear()
        for signer in signers:
            role.sign(signer, append=True)
        data = role.to_bytes()
        write_whole(self.metadata / name, data)
        return data

    def point_at(self, targets: bytes, version: int) -> None:
        """A next snapshot and timestamp by the online key, over any bytes of targets."""
        timestamp = self.load("timestamp.json")
        snapshot = self.load(f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        snapshot.signed.version += 1
        snapshot.signed.meta["targets.json"] = MetaFile.from_data(version, targets, ["sha256"])
        self.point_at_snapshot(timestamp, snapshot)

    def point_at_snapshot(
        self, timestamp: Metadata[Timestamp], snapshot: Metadata[Snapshot]
    ) -> None:
        version = snapshot.signed.version
        data = self.save(f"{version}.snapshot.json", snapshot, self.online)
        timestamp.signed.version += 1
        timestamp.signed.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
        self.save("timestamp.json", timestamp, self.online)


class Quiet(BaseHTTPRequestHandler):
    """A handler that writes no log."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its base's name
        pass


def serving_folder(
    folder: Path, seen: Callable[[str], None] = lambda path: None
) -> AbstractContextManager[str]:
    """A web server over a folder, that calls `seen` with each path asked for."""

    class Handler(Quiet, SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            seen(self.path)
            super().do_GET()

    return serving(partial(Handler, directory=str(folder)))


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL of a web server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
