"""A publisher, his modules, and bundles made by hand: good, or wrong in one place."""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hubproxy.core.original import Original, Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import EvidenceKind, FileEntry
from hubproxy.errors import DeniedError
from hubproxy.trust.evidence import check

NOW = datetime.now(UTC) + timedelta(hours=1)
"""Later than whatever the tests are about to issue."""
PUBLISHER = "releases@publisher.example"
MODULE = {
    "saved_model.pb": b"the graph of A",
    "variables/variables.index": b"an index",
    "variables/variables.data-00000-of-00001": b"the weights of A",
}
OTHER = {**MODULE, "variables/variables.data-00000-of-00001": b"the weights of B"}
KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
_HASHES: dict[int, type[HashAlgorithm]] = {256: SHA256, 384: SHA384, 521: SHA512}

OMS_PYTHON = os.environ.get("HUBPROXY_TEST_OMS", "")
needs_model_signing = pytest.mark.skipif(
    not OMS_PYTHON, reason="HUBPROXY_TEST_OMS names no Python with model-signing 1.1.1"
)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"there is no {program}")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def subject(files: Mapping[str, bytes] = MODULE, archive: bytes | None = None) -> Subject:
    """A module, and the archive it came in."""
    entries = tuple(
        FileEntry(path, 512 * at, len(content), sha256(content))
        for at, (path, content) in enumerate(files.items())
    )
    if archive is None:
        return Subject(entries)
    sha512, blake2b = hashlib.sha512(archive), hashlib.blake2b(archive)
    original = Original(sha256(archive), sha512.hexdigest(), blake2b.hexdigest())
    return Subject(entries, original)


def write(folder: Path, files: Mapping[str, bytes] = MODULE) -> Path:
    """The module as a publisher has it on his disk."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def refusal(
    data: bytes, *rules: EvidenceRule, of: Subject | None = None, at: datetime = NOW
) -> str:
    """What is said of a signature that is not taken."""
    with pytest.raises(DeniedError) as told:
        check(data, rules, of or subject(), at=at)
    assert (told.value.code, told.value.status) == ("HP-T12", 403)
    assert told.value.remedy
    text = str(told.value)
    assert text.startswith("publisher signature: ")
    return text.removeprefix("publisher signature: ")


def statement(files: Mapping[str, bytes] = MODULE) -> dict[str, Any]:
    """An in-toto statement as OMS 1.0 has it: names in order, and the digest of the digests."""
    named = sorted(files.items())
    whole = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for _, content in named))
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "module", "digest": {"sha256": whole.hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [".git", "model.sig"],
            },
            "resources": [
                {"name": name, "algorithm": "sha256", "digest": sha256(content)}
                for name, content in named
            ],
        },
    }


def with_root_digest(made: dict[str, Any]) -> dict[str, Any]:
    """The same statement, its subject put right after its resources were changed."""
    digests = [bytes.fromhex(one["digest"]) for one in made["predicate"]["resources"]]
    made["subject"][0]["digest"]["sha256"] = sha256(b"".join(digests))
    return made


class Publisher:
    """Somebody with a key of his own.

    Args:
        material: what a bundle says of the key; a hint, unless it is given.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey | None = None,
        material: Mapping[str, Any] | None = None,
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.material = material or {"publicKey": {"hint": sha256(self.pem.encode())}}

    @property
    def pem(self) -> str:
        form = PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(Encoding.PEM, form).decode()

    @property
    def rule(self) -> EvidenceRule:
        return EvidenceRule(pattern="**", kind="oms-key", identity=PUBLISHER, key=self.pem)

    def envelope(
        self, made: object, payload_type: str = "application/vnd.in-toto+json"
    ) -> dict[str, Any]:
        """What is made, signed by the key. Bytes are signed as they are."""
        payload = made if isinstance(made, bytes) else json.dumps(made).encode()
        signed = b"DSSEv1 %d %b %d %b" % (
            len(payload_type),
            payload_type.encode(),
            len(payload),
            payload,
        )
        signature = self.key.sign(signed, ec.ECDSA(_HASHES[self.key.key_size]()))
        return {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        }

    def bundle(self, made: object = None, **changes: Any) -> dict[str, Any]:
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {**self.material, "tlogEntries": []},
            "dsseEnvelope": self.envelope(statement() if made is None else made),
            **changes,
        }

    def signed(self, made: object = None, **changes: Any) -> bytes:
        """A bundle's file."""
        return json.dumps(self.bundle(made, **changes)).encode()
