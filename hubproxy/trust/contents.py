"""The files that a list's records are, or name: each lies under its own digest."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from hubproxy.core.policy import Policy
from hubproxy.core.record import LARGEST_RECORD, Record
from hubproxy.errors import UsageError

Kind = Literal["records", "evidence", "boms"]
CONTENT_NAME = re.compile(
    r"records/([0-9a-f]{2})/(\1[0-9a-f]{62})\.json"
    r"|evidence/([0-9a-f]{2})/(\3[0-9a-f]{62})"
    r"|boms/([0-9a-f]{2})/(\5[0-9a-f]{62})\.cdx\.json"
)
"""What such a file is called in a published folder, and in a draft."""

LARGEST_ATTACHMENT = 16 * 1024 * 1024
"""Bytes that a publisher's signature or a card may have."""

LARGEST_POLICY = 1024 * 1024
"""Bytes that the officers' policy may have."""

_ENDS: dict[Kind, str] = {"records": ".json", "evidence": "", "boms": ".cdx.json"}
_MOST: dict[Kind, int] = {
    "records": LARGEST_RECORD,
    "evidence": LARGEST_ATTACHMENT,
    "boms": LARGEST_ATTACHMENT,
}


def _nowhere(_name: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Contents:
    """Files by their published name, checked as they are added.

    Args:
        elsewhere: reads what was not added, by its name; None where there is no such file.
    """

    elsewhere: Callable[[str], bytes | None] = _nowhere
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, kind: Kind, data: bytes) -> str:
        """Take a file in; returns its digest, `sha256:<hex>`.

        Raises:
            UsageError: more bytes than a reader takes.
        """
        if len(data) > _MOST[kind]:
            raise UsageError(f"a file of {len(data)} bytes among the {kind}: too many")
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.files[published_name(kind, digest)] = data
        return digest

    def add_record(self, record: Record) -> str:
        """Take a record in; returns its digest.

        Raises:
            UsageError: it contradicts itself, or is larger than any reader takes.
        """
        data = record.encode()
        try:
            Record.decode(data)
        except ValueError as error:
            raise UsageError(f"cannot list {record.handle}: {error}") from error
        if len(data) > LARGEST_RECORD:
            raise UsageError(f"the record of {record.handle} has {len(data)} bytes: too many")
        return self.add("records", data)

    def beside(self, published: Callable[[str], bytes | None]) -> "Contents":
        """The same files, and those that are published already."""
        return Contents(lambda name: self.elsewhere(name) or published(name), self.files)

    def read(self, kind: Kind, digest: str) -> bytes:
        """A file, checked against its digest, `sha256:<hex>`.

        Raises:
            UsageError: it is not there, or has other bytes.
        """
        name = published_name(kind, digest)
        data = self.files.get(name)
        if data is None:
            data = self.elsewhere(name)
        if data is None:
            raise UsageError(f"{name} is missing", remedy="Take the draft whole: copy its folder.")
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise UsageError(f"{name} has other bytes than its name says")
        return data

    def read_named(self, name: str) -> bytes:
        """A file by its published name, checked against the digest in it.

        Raises:
            UsageError: as `read`.
        """
        kind, _, rest = name.partition("/")
        return self.read(kind, f"sha256:{rest[3:67]}")  # type: ignore[arg-type]  # see `read`

    def record(self, digest: str) -> Record:
        """A record, by its digest.

        Raises:
            UsageError: it is not there, or is no record.
        """
        try:
            return Record.decode(self.read("records", digest))
        except ValueError as error:
            raise UsageError(f"{published_name('records', digest)}: {error}") from error

    def policy(self, digest: str) -> Policy:
        """A policy, by its digest.

        Raises:
            UsageError: it is not there, is no policy, or is larger than a reader takes.
        """
        text = self.read("records", digest)
        if len(text) > LARGEST_POLICY:
            raise UsageError(f"a policy of {len(text)} bytes: too many")
        try:
            return Policy.decode(text)
        except ValueError as error:
            raise UsageError(f"{published_name('records', digest)}: {error}") from error


def named_by(record: Record) -> Iterator[tuple[Kind, str]]:
    """The files that a record names: publishers' signatures, and its card."""
    if record.evidence is not msgspec.UNSET:
        for evidence in record.evidence:
            yield "evidence", evidence.digest
    if record.card is not msgspec.UNSET:
        yield "boms", record.card.digest


def published_name(kind: Kind, digest: str) -> str:
    """Where a file lies in a published folder; `digest` is `sha256:<hex>`.

    Raises:
        UsageError: not a digest.
    """
    text = digest.removeprefix("sha256:")
    name = f"{kind}/{text[:2]}/{text}{_ENDS[kind]}"
    if not CONTENT_NAME.fullmatch(name) or text == digest:
        raise UsageError(f"{digest[:80]!r} is not a sha256 digest")
    return name
