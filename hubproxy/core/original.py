"""What a publisher may have signed: a module's files, or the archive that upstream sends."""

from dataclasses import dataclass
from typing import Literal

from hubproxy.core.record import FileEntry
from hubproxy.errors import UsageError

OriginalHash = Literal["sha256", "sha512", "blake2b"]
"""A digest of upstream's archive: sha256 is always known, others when somebody asks for them."""


@dataclass(frozen=True, slots=True)
class Original:
    """The digests, in hex, of an archive just as upstream sent it.

    Args:
        sha256: always known.
        sha512: empty where nobody asked for it.
        blake2b: of 64 bytes (BLAKE2b-512); empty where nobody asked for it.
    """

    sha256: str
    sha512: str = ""
    blake2b: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A module that a publisher's signature is offered for.

    Args:
        files: every file of it, as the record names them.
        original: None where the archive was not read as upstream sends it.
    """

    files: tuple[FileEntry, ...]
    original: Original | None = None

    def digest(self, algorithm: OriginalHash) -> bytes:
        """One digest of upstream's archive.

        Raises:
            UsageError: it was not computed while the archive came in.
        """
        found: str = getattr(self.original, algorithm, "")
        if not found:
            raise UsageError(
                f"the {algorithm} of upstream's archive is not known, and the signature is of that",
                remedy="Read the module again with its signature: `hubproxy trust propose`.",
            )
        return bytes.fromhex(found)
