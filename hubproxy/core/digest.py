"""Content addresses, as the OCI image specification writes them."""

import re
from dataclasses import dataclass
from typing import Self

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A content address, written `sha256:<64 hex>` as in the OCI image specification."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<64 hex>`, lower case.

        Raises:
            ValueError: any other text.
        """
        algorithm, _, hex_text = text.partition(":")
        if algorithm != "sha256" or not _HEX.fullmatch(hex_text):
            raise ValueError(f"not a digest: {text!r}")
        return cls(algorithm, hex_text)

    @classmethod
    def of_hex(cls, hex_text: str) -> Self:
        """The sha256 address of 64 lower-case hex digits."""
        if not _HEX.fullmatch(hex_text):
            raise ValueError(f"not a digest: 'sha256:{hex_text}'")
        return cls("sha256", hex_text)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True, order=True)
class Descriptor:
    """What some bytes are: their digest and their size in bytes."""

    digest: Digest
    size: int
