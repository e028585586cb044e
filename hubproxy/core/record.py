"""The record: what was decided about one module, and the digests that bind its bytes.

A record is JSON of strings, integers, lists and objects (floats cannot be signed), named by
its own digest. It is a target of the trust list, so its length and sha256 stand under the
officers' signatures, and it in turn binds every byte that may be served.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, Self

import msgspec

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle

Format = Literal["saved_model", "tf1_hub", "tfjs", "tflite", "keras", "other"]
FORMATS: tuple[Format, ...] = ("saved_model", "tf1_hub", "tfjs", "tflite", "keras", "other")
CHUNK_SIZE = 4 * 1024 * 1024
"""Bytes covered by one digest of a chunk list; the last chunk may be shorter."""

EvidenceKind = Literal["oms-key", "oms-certificate", "sigstore", "minisign", "sshsig"]
CARD_FIELDS = (
    "task",
    "architecture",
    "datasets",
    "licence",
    "limitations",
    "ethicalConsiderations",
    "fairnessAssessments",
)
"""What a policy may demand of a model card."""

LARGEST_RECORD = 64 * 1024 * 1024
"""Bytes that a record may have: 20,000 files and chunks for 2 TiB stay below it."""


class Archive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plain tar: its sha256, its size in bytes, and the CRC-32 that a gzip frame needs."""

    digest: str
    size: int
    crc32: int


class Chunks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """sha256 (hex) of each `size` bytes of the archive, in order."""

    size: int
    sha256: tuple[str, ...]


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: path from the module's root, where its bytes begin in the archive, sha256 (hex)."""

    path: str
    offset: int
    size: int
    sha256: str


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What upstream sent when the module was first read: never a signed URL."""

    url: str
    media_type: str
    digest: str
    size: int


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A publisher's signature that was verified when the module was proposed.

    Args:
        kind: of the signature.
        identity: who signed, as the officers' policy names him.
        issuer: who vouches for the identity; empty but for `sigstore`.
        digest: of the signature's own file, kept beside the list.
        verified_at: UTC, RFC 3339.
    """

    kind: EvidenceKind
    identity: str
    issuer: str = ""
    digest: str
    verified_at: str


class CardNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The module's card (a CycloneDX ML-BOM), and which of `CARD_FIELDS` it answers.

    Args:
        digest: of the card's own file, kept beside the list.
        size: its bytes.
        fields: what it says something of.
        unknown: what it says is unknown, and who accepted that: `datasets: ada`.
    """

    digest: str
    size: int
    fields: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class GateNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which content gate looked into a module, and what it made of it.

    Args:
        version: of the gate.
        ops: of its table of ops.
        verdict: what its findings, which stand in the record, amount to.
    """

    version: int
    ops: int
    verdict: Literal["pass", "hold"]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was decided about one module. `encode` and `digest` are canonical."""

    v: Literal[1] = 1
    handle: str
    format: Format
    status: Literal["approved", "revoked"] = "approved"
    reason: str = ""
    archive: Archive
    chunks: Chunks
    files: tuple[FileEntry, ...]
    tree: str
    origin: Origin
    root: str = ""
    """The one top folder of upstream's archive that was taken away; empty when there was none."""
    changes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """What the content gate found, a line each: the finding's name, then where."""
    licence: str = ""
    reviewers: tuple[str, ...] = ()
    decided_at: str
    """UTC, RFC 3339: when it was approved, revoked or first seen."""
    review_by: str = ""
    """The day, `2027-03-01`, by which it must be looked at again; empty for never."""
    # Fields that came later are absent when unset: the digest of an older record stays its own.
    evidence: tuple[Evidence, ...] | msgspec.UnsetType = msgspec.UNSET
    card: CardNote | msgspec.UnsetType = msgspec.UNSET
    ops: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """The kinds of op in its graphs, sorted; unset where they were not looked at."""
    gate: GateNote | msgspec.UnsetType = msgspec.UNSET
    """Unset where no gate has looked into it."""

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read and check a record.

        Raises:
            ValueError: not a record, or one that contradicts itself.
        """
        try:
            record = msgspec.json.decode(text, type=cls)
            record._check()
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not a record: {error}") from error
        return record

    def encode(self) -> bytes:
        """Canonical bytes: keys in a fixed order, no spaces."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def descriptor(self) -> Descriptor:
        """The digest and size of the record itself."""
        text = self.encode()
        return Descriptor(Digest.of_hex(hashlib.sha256(text).hexdigest()), len(text))

    @property
    def archive_digest(self) -> Digest:
        return Digest.parse(self.archive.digest)

    @property
    def exact(self) -> Handle:
        return _exact(self.handle)

    def _check(self) -> None:
        handle = Handle.parse(self.handle)
        if str(handle) != self.handle or handle.version is None:
            raise ValueError(
                f"not a record: {self.handle!r} is not a canonical handle with a version"
            )
        Digest.parse(self.archive.digest)
        Digest.parse(self.tree)
        if self.archive.size <= 0 or not 0 <= self.archive.crc32 < 2**32:
            raise ValueError("not a record: the archive's size or CRC is out of range")
        if self.chunks.size != CHUNK_SIZE:
            raise ValueError(f"not a record: chunks of {self.chunks.size} bytes, not {CHUNK_SIZE}")
        if len(self.chunks.sha256) != -(-self.archive.size // CHUNK_SIZE):
            raise ValueError("not a record: the chunk list does not cover the archive")
        for digest in self.chunks.sha256:
            Digest.of_hex(digest)
        self._check_files()
        if self.tree != str(tree_digest(self.files)):
            raise ValueError("not a record: the tree digest is not that of the files")

    def _check_files(self) -> None:
        for entry in self.files:
            Digest.of_hex(entry.sha256)
            if entry.size < 0 or not 0 <= entry.offset <= self.archive.size - entry.size:
                raise ValueError(f"not a record: {entry.path!r} is not within the archive")
            if "\n" in entry.path:
                raise ValueError(f"not a record: {entry.path!r} would forge a tree digest")
        if len({entry.path for entry in self.files}) != len(self.files):
            raise ValueError("not a record: a file is named twice")


@lru_cache(maxsize=1024)
def _exact(text: str) -> Handle:
    """The handle of a record: asked for several times in each request."""
    return Handle.parse(text)


def tree_digest(files: Iterable[FileEntry]) -> Digest:
    r"""sha256 over the sorted lines `<hex>  <path>\n`: the same however the module is packed.

    The lines are those of `sha256sum`, sorted by path as bytes.
    """
    whole = hashlib.sha256()
    for entry in sorted(files, key=lambda entry: entry.path.encode()):
        whole.update(f"{entry.sha256}  {entry.path}\n".encode())
    return Digest.of_hex(whole.hexdigest())


def target_path(handle: Handle, form: str) -> str:
    """Where the record of a handle and format stands in the trust list."""
    return f"{handle}/{form}.json"
