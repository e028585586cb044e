"""The files that a list's records are, or name: each under its own digest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hubproxy.core.record import Record

Kind = Literal["records", "evidence", "boms"]


@dataclass(frozen=True, slots=True)
class Contents:
    """Files by their published name (`records/<aa>/<sha256>.json`...), checked as they are added."""

    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, kind: Kind, data: bytes) -> str:
        """Take a file in; returns its digest, `sha256:<hex>`.

        Raises:
            UsageError: more bytes than any reader takes.
        """
        raise NotImplementedError

    def add_record(self, record: Record) -> str:
        """Take a record in, if it is one; returns its digest."""
        raise NotImplementedError


def published_name(kind: Kind, digest: str) -> str:
    """Where a file lies in a published folder; `digest` is `sha256:<hex>`."""
    raise NotImplementedError


_ = Mapping
