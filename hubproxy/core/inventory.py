"""What a site has: asked of it so that a bundle carries only what it lacks.

It is signed by a key of the site's own. Whoever gets it knows that key from before, as ssh knows
hosts: a stranger's inventory would have a bundle leave out what the site needs.
"""

import hashlib
import re
from typing import Literal, Self

import msgspec

from hubproxy.core.digest import Digest

_CONTEXT = b"hubproxy inventory v1\n"
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LARGEST_INVENTORY = 64 * 1024 * 1024
"""Bytes that an inventory may have: 250,000 modules."""


class Inventory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site has. `encode` is canonical.

    Args:
        site: its name.
        made_at: UTC, RFC 3339.
        trust: versions of the list that it has in force.
        records: hex digests of the records, sorted.
        archives: hex digests of the archives that are whole, sorted.
    """

    v: Literal[1] = 1
    site: str
    made_at: str
    trust: str
    records: tuple[str, ...]
    archives: tuple[str, ...]

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.encode()).hexdigest()}"

    @property
    def signed_bytes(self) -> bytes:
        """What the site's key signs."""
        return _CONTEXT + self.encode()


class SignedInventory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An inventory with its signature.

    Args:
        key: the site's Ed25519 public key, in hex.
        signature: of `Inventory.signed_bytes`, in hex.
    """

    inventory: Inventory
    key: str
    signature: str

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read one. Its signature is not looked at.

        Raises:
            ValueError: not an inventory.
        """
        try:
            found = msgspec.json.decode(text, type=cls)
            bytes.fromhex(found.key), bytes.fromhex(found.signature)  # checked
            for digest in (*found.inventory.records, *found.inventory.archives):
                Digest.of_hex(digest)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise ValueError(f"not an inventory: {error}") from error
        if not is_site_name(found.inventory.site):
            raise ValueError(f"not an inventory: {found.inventory.site[:80]!r} is no site's name")
        return found

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="sorted") + b"\n"


def is_site_name(text: str) -> bool:
    """Whether a site may be called so: letters, digits, `.`, `_` and `-`, at most 64."""
    return _SITE.fullmatch(text) is not None
