"""Bundles that say of themselves whatever they like, held against the list that they carry."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubproxy import wiring
from hubproxy.core.bundle import Bundle, BundleFile, BundleModule
from hubproxy.core.record import Record
from hubproxy.errors import DeniedError, HubproxyError, TrustListError
from hubproxy.trust.carriedlist import verify_bundle
from hubproxy.trust.client import TrustClient
from hubproxy.trust.contents import published_name
from hubproxy.trust.keys import create_officer_key, create_online_key
from hubproxy.trust.officer import Repository
from hubproxy.trust.whole import metadata
from tests.made import describe

SPICE, OTHER, GONE = (
    describe(name.encode(), f"tfhub.dev/google/{name}/1") for name in ("spice", "other", "gone")
)


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Carried:
    """A volume in memory. `files` are those of the list, its records and what they name."""

    root: bytes
    files: dict[str, bytes]
    modules: list[BundleModule]
    number: int = 1
    folder: Path = field(default_factory=Path)

    @property
    def bundle(self) -> Bundle:
        files = [BundleFile(name=n, digest=sha256(d), size=len(d)) for n, d in self.files.items()]
        return Bundle(
            volumes=1,
            modules=tuple(sorted(self.modules, key=lambda one: one.handle)),
            files=tuple(sorted(files, key=lambda one: one.name)),
        )

    def path(self, digest: str) -> Path:
        return self.folder / digest

    def read(self, digest: str, size: int) -> bytes:
        return next(data for data in self.files.values() if sha256(data) == digest)

    def add(self, record: Record, **fields: Any) -> None:
        """Let a module go with it, and its record."""
        text = record.encode()
        self.files[published_name("records", sha256(text))] = text
        module = BundleModule(
            handle=record.handle,
            format=record.format,
            record=sha256(text),
            archive=record.archive.digest,
            size=record.archive.size,
            volume=1,
        )
        self.modules.append(msgspec.structs.replace(module, **fields))

    def verify(self) -> None:
        verify_bundle(
            [self],
            lambda source: TrustClient(Path("/nonexistent"), source, self.root, clock=wiring.now),
        )


@pytest.fixture
def carried(tmp_path: Path) -> Carried:
    """A list of two modules and a revoked one, carried with the first, and bound to nothing."""
    officer = create_officer_key(tmp_path / "officer.pem", None, insecure=True)
    online = create_online_key(tmp_path / "online.pem")
    listed = Repository.init(
        tmp_path / "repo", officer_name="ada", officer=officer, online=online, clock=wiring.now
    )
    revoked = msgspec.structs.replace(GONE, status="revoked", reason="it leaks")
    listed.publish([SPICE, OTHER, revoked], officer=officer, online=online)
    root = listed.root_file()
    client = TrustClient(tmp_path / "state", tmp_path / "repo", root, clock=wiring.now)
    made = Carried(root, dict(metadata(client, client.refresh())), [])
    made.add(SPICE)
    return made


def test_what_the_list_binds_is_accepted(carried: Carried) -> None:
    carried.verify()
    carried.add(OTHER)
    carried.verify()


def foreign_record(carried: Carried) -> None:
    text = describe(b"x", "tfhub.dev/vendor/x/1").encode()
    carried.files[published_name("records", sha256(text))] = text


def misnamed_record(carried: Carried) -> None:
    text = OTHER.encode()
    carried.files["records/aa/" + "a" * 64 + ".json"] = text


def foreign_evidence(carried: Carried) -> None:
    carried.files[published_name("evidence", sha256(b"x"))] = b"x"


def any_name(carried: Carried) -> None:
    carried.files["../../etc/cron.d/x"] = b"x"


def foreign_metadata(carried: Carried) -> None:
    carried.files["metadata/9.nlp.json"] = b"{}"


def later_root(carried: Carried) -> None:
    carried.files["metadata/3.root.json"] = b"{}"


def other_targets(carried: Carried) -> None:
    (name,) = (name for name in carried.files if name.endswith(".targets.json"))
    carried.files[name] = carried.files[name] + b" "


@pytest.mark.parametrize(
    "harm",
    [
        foreign_record,
        misnamed_record,
        foreign_evidence,
        any_name,
        foreign_metadata,
        later_root,
        other_targets,
    ],
)
def test_a_file_that_the_list_does_not_bind_is_refused(
    carried: Carried, harm: Callable[[Carried], None]
) -> None:
    harm(carried)
    with pytest.raises(TrustListError) as caught:
        carried.verify()
    assert caught.value.code == "HP-T09"


@pytest.mark.parametrize(
    ("record", "fields", "code"),
    [
        (describe(b"x", "tfhub.dev/vendor/x/1"), {}, "HP-T01"),
        (describe(b"other bytes", OTHER.handle), {}, "HP-T01"),
        (OTHER, {"handle": "tfhub.dev/vendor/x/1"}, "HP-T01"),
        (msgspec.structs.replace(GONE, status="revoked", reason="it leaks"), {}, "HP-T10"),
        (OTHER, {"archive": sha256(b"another")}, "HP-T09"),
        (OTHER, {"size": 6}, "HP-T09"),
    ],
    ids=["unlisted", "another record", "another name", "revoked", "another archive", "size"],
)
def test_a_module_that_is_not_approved_as_it_is_carried_is_refused(
    carried: Carried, record: Record, fields: dict[str, Any], code: str
) -> None:
    carried.add(record, **fields)
    with pytest.raises(HubproxyError) as caught:
        carried.verify()
    assert caught.value.code == code
    assert isinstance(caught.value, DeniedError) is (code != "HP-T09")
