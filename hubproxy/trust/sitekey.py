"""A site's own key, which signs what the site says that it has; and the keys of other sites."""

import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hubproxy.core.inventory import Inventory, SignedInventory
from hubproxy.errors import HubproxyError
from hubproxy.files import make_folder, write_whole
from hubproxy.trust.disk import write_secret

_LINE = re.compile(r"(?P<site>\S+) (?P<key>[0-9a-f]{64})")


class SiteKeyError(HubproxyError):
    """An inventory is not signed by the key that its site is known by."""

    code = "SITE_KEY"
    status = 403


def site_key(path: Path) -> Ed25519PrivateKey:
    """The key of this site, made on first use.

    Raises:
        SiteKeyError: the file is no such key, or cannot be read or written.
    """
    try:
        if not path.exists():
            made = Ed25519PrivateKey.generate()
            text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_secret(path, text)
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SiteKeyError(
            f"the key of this site, {path}, cannot be used: {error}",
            remedy="Mend it, or remove it: the next inventory is then signed by another key, "
            "which whoever makes the bundles must be told.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SiteKeyError(f"{path} is no Ed25519 key", remedy="Remove it: another is made.")
    return key


def sign_inventory(inventory: Inventory, key: Ed25519PrivateKey) -> SignedInventory:
    """Sign what a site has."""
    return SignedInventory(
        inventory=inventory,
        key=key.public_key().public_bytes_raw().hex(),
        signature=key.sign(inventory.signed_bytes).hex(),
    )


def check_inventory(found: SignedInventory, known_sites: Path) -> bool:
    """See that an inventory is of the site that it names, whose key is noted when first seen.

    Args:
        known_sites: a line for each site, `NAME KEY`, with the key in hex.

    Returns:
        Whether the site was known; when not, it is now.

    Raises:
        SiteKeyError: it was altered, or signed by another key.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.key))
        key.verify(bytes.fromhex(found.signature), found.inventory.signed_bytes)
    except (InvalidSignature, ValueError) as error:
        raise SiteKeyError(
            f"the inventory of {found.inventory.site} was altered: its signature does not fit",
            remedy="Make it again there: `hubproxy bundle inventory -o FILE`.",
        ) from error
    site, known = found.inventory.site, _known(known_sites)
    if site not in known:
        make_folder(known_sites.parent, mode=0o700)
        lines = [f"{name} {one}\n" for name, one in sorted({**known, site: found.key}.items())]
        write_whole(known_sites, "".join(lines).encode(), mode=0o600)
        return False
    if known[site] != found.key:
        raise SiteKeyError(
            f"the inventory of {site} is signed by {found.key[:16]}…, and that site is known by "
            f"{known[site][:16]}…",
            remedy=f"Ask whoever runs {site}. If its key was made anew, remove the line of {site} "
            f"from {known_sites}.",
        )
    return True


def _known(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SiteKeyError(f"{path} cannot be read: {error}", remedy="Mend that file.") from error
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match["site"]: match["key"] for match in found if match}
