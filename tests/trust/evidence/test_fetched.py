"""From upstream's archive and a publisher's signature to evidence, as a proposer goes."""

from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.original import Original, Subject
from hubproxy.core.record import Record
from hubproxy.errors import DeniedError
from hubproxy.service.fetch import fetch_original
from hubproxy.service.transfer import Transfers
from hubproxy.store.drafts import Drafts
from hubproxy.trust.evidence import check, needed
from hubproxy.upstream.local import FileUpstream
from tests.archives import MODEL, tar_of
from tests.made import NOON, SPICE
from tests.trust.evidence.publisher import NOW, PUBLISHER, Publisher, needs, refusal, statement
from tests.trust.evidence.test_sshsig import Signer


async def fetched(folder: Path, signature: bytes) -> tuple[Record, Original]:
    """A module under one top folder, as hubs like to send them."""
    archive = folder / "module.tar.gz"
    archive.write_bytes(tar_of({f"module/{name}": content for name, content in MODEL.items()}))
    return await fetch_original(
        Handle.parse(SPICE),
        transfers=Transfers({"tfhub.dev": FileUpstream(archive)}, attempts=1, at_once=1),
        into=Drafts(folder / "drafts", ArchiveLimits()),
        decided_at=NOON,
        originals=needed(signature),
    )


async def test_a_bundle_is_compared_with_the_files_that_came(tmp_path: Path) -> None:
    ada = Publisher()
    signature = ada.signed(statement(MODEL))
    record, original = await fetched(tmp_path, signature)

    found = check(signature, [ada.rule], Subject(record.files, original), at=NOW)

    assert found.identity == PUBLISHER
    assert original == Original(record.origin.digest.removeprefix("sha256:"))


@needs("ssh-keygen")
async def test_a_detached_signature_is_compared_with_what_upstream_sent(tmp_path: Path) -> None:
    ada = Signer.new(tmp_path / "ada")
    packed = tar_of({f"module/{name}": content for name, content in MODEL.items()})
    signature = ada.sign(packed)
    record, original = await fetched(tmp_path, signature)
    subject = Subject(record.files, original)

    assert check(signature, [ada.rule], subject, at=NOW).identity == "ada@x.example"
    assert refusal(ada.sign(packed + bytes(512)), ada.rule, of=subject).endswith(
        "of what upstream sent"
    )


async def test_what_is_no_signature_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(DeniedError, match="neither an OpenSSF Model Signing bundle"):
        await fetched(tmp_path, b"hello")

    assert not (tmp_path / "drafts").exists()
