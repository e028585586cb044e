"""What a publisher's signature costs when a module is proposed, beside one pass of sha256.

The digests of the files are known from the pass that brings a module in, so an OMS bundle costs
its signature and a comparison. minisign signs another digest of the archive, which is computed
in the same pass: that is shown as well.
"""

import base64
import hashlib
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hubproxy.core.original import Original, Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import FileEntry
from hubproxy.trust.evidence import check
from tests.bench.bench import Bench, Result
from tests.bench.processes import BenchError
from tests.bench.table import Goal, Table
from tests.trust.evidence.chains import Authority, publisher
from tests.trust.evidence.publisher import OMS_PYTHON, Publisher, with_root_digest

_FILES = 30
_PIECE = 1024 * 1024
_PASS, _KEY, _CHAIN, _DETACHED, _THEIRS = (
    "one sha256 pass",
    "pass and OMS by key",
    "pass and OMS by chain",
    "pass and minisign",
    "model-signing verify",
)
_CPU, _WALL = "CPU ms", "wall ms"
_VERIFY = """
import sys, time
from model_signing import verifying
public, model, signature = sys.argv[1:]
cpu, wall = time.process_time(), time.perf_counter()
verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)
print(time.process_time() - cpu, time.perf_counter() - wall)
"""


def admission(bench: Bench) -> Result:
    """The whole admission check: every file hashed, and the signature checked."""
    size = bench.sizes.evidence
    table = Table(
        f"Evidence for {size / 1e6:.0f} MB in {_FILES} files",
        (_PASS, _KEY, _CHAIN, _DETACHED, _THEIRS),
    )
    module = _write(bench.folder / "evidence", size)
    at = datetime.now(UTC) + timedelta(hours=1)
    ada, authority = Publisher(), Authority(bench.folder / "authority")
    statement = _statement(_pass(module, {}).files)
    by_key, by_chain = ada.signed(statement), publisher(authority.leaf()).signed(statement)
    detached, detached_rule = _minisign(module)

    def checked(data: bytes, rule: EvidenceRule, **also: Any) -> Callable[[], object]:
        return lambda: check(data, [rule], _pass(module, also), at=at)

    for _ in range(bench.rounds):
        for column, work in (
            (_PASS, lambda: _pass(module, {})),
            (_KEY, checked(by_key, ada.rule)),
            (_CHAIN, checked(by_chain, authority.rule())),
            (_DETACHED, checked(detached, detached_rule, blake2b=hashlib.blake2b())),
        ):
            _add(table, column, *_timed(work))
        if OMS_PYTHON:
            _add(table, _THEIRS, *_theirs(bench.folder, module, ada, by_key))
    return Result(
        [table],
        [
            Goal(f"evidence, {column}: CPU of one pass", table.ratio([_CPU], column, _PASS), 1.1)
            for column in (_KEY, _CHAIN)
        ],
    )


def _write(folder: Path, size: int) -> Path:
    folder.mkdir()
    block = Random(1).randbytes(size // _FILES)
    for number in range(_FILES):
        (folder / f"shard-{number:02}").write_bytes(b"%02d" % number + block[2:])
    return folder


def _pass(module: Path, also: Mapping[str, Any]) -> Subject:
    """Read every file once, as an ingest does; `also` is fed everything."""
    entries = []
    fed = [one.copy() for one in also.values()]
    for path in sorted(module.iterdir()):
        digest, size = hashlib.sha256(), 0
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                for one in fed:
                    one.update(piece)
        entries.append(FileEntry(path.name, 0, size, digest.hexdigest()))
    digests = {name: one.hexdigest() for name, one in zip(also, fed, strict=True)}
    return Subject(tuple(entries), Original("0" * 64, **digests))


def _statement(files: tuple[FileEntry, ...]) -> dict[str, Any]:
    resources = [{"name": e.path, "algorithm": "sha256", "digest": e.sha256} for e in files]
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    return with_root_digest(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "module", "digest": {}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {"serialization": serialization, "resources": resources},
        }
    )


def _minisign(module: Path) -> tuple[bytes, EvidenceRule]:
    """What minisign writes; the archive here is the files, one after the other."""
    original = _pass(module, {"blake2b": hashlib.blake2b()}).digest("blake2b")
    key, name = Ed25519PrivateKey.generate(), b"8 bytes!"
    signature = key.sign(original)
    lines = (
        b"untrusted comment: none",
        base64.b64encode(b"ED" + name + signature),
        b"trusted comment: none",
        base64.b64encode(key.sign(signature + b"none")),
    )
    public = base64.b64encode(b"Ed" + name + key.public_key().public_bytes_raw()).decode()
    rule = EvidenceRule(pattern="**", kind="minisign", identity="Ada", key=public)
    return b"\n".join(lines), rule


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds: CPU, wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _theirs(folder: Path, module: Path, ada: Publisher, bundle: bytes) -> tuple[float, float]:
    public, signature = folder / "ada.pub", folder / "model.sig"
    public.write_text(ada.pem)
    signature.write_bytes(bundle)
    done = subprocess.run(
        [OMS_PYTHON, "-c", _VERIFY, public, module, signature],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"model-signing does not verify: {done.stderr[-2000:]}")
    cpu, wall = done.stdout.split()
    return float(cpu), float(wall)


def _add(table: Table, column: str, cpu: float, wall: float) -> None:
    table.add(_CPU, column, cpu * 1000)
    table.add(_WALL, column, wall * 1000)
