"""What a site says that it has."""

import msgspec
import pytest

from hubproxy.core.inventory import Inventory, SignedInventory, is_site_name

INVENTORY = Inventory(
    site="plant",
    made_at="2026-01-01T00:00:00.000Z",
    trust="root 1, timestamp 2",
    records=("1" * 64,),
    archives=("2" * 64, "3" * 64),
)
SIGNED = SignedInventory(inventory=INVENTORY, key="0" * 64, signature="1" * 128)


def test_what_is_written_is_what_is_read() -> None:
    assert SignedInventory.decode(SIGNED.encode()) == SIGNED
    assert INVENTORY.digest.startswith("sha256:")
    assert INVENTORY.signed_bytes.startswith(b"hubproxy inventory v1\n{")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"{}",
        msgspec.json.encode(msgspec.structs.replace(SIGNED, key="x")),
        msgspec.json.encode(msgspec.structs.replace(SIGNED, signature="0")),
        msgspec.json.encode(
            msgspec.structs.replace(
                SIGNED, inventory=msgspec.structs.replace(INVENTORY, records=("x",))
            )
        ),
        msgspec.json.encode(
            msgspec.structs.replace(
                SIGNED, inventory=msgspec.structs.replace(INVENTORY, site="a b")
            )
        ),
    ],
)
def test_what_is_no_inventory_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not an inventory"):
        SignedInventory.decode(text)


@pytest.mark.parametrize(
    ("name", "good"), [("plant-7.example", True), ("", False), ("a\n", False), ("x" * 65, False)]
)
def test_a_sites_name_is_plain(name: str, good: bool) -> None:
    assert is_site_name(name) is good
