"""Reading the whole store through."""

from pathlib import Path

from hubproxy.store.fsck import Finding, check_store
from tests.made import SPICE, make
from tests.stores import Store, names_in, open_store

MADE = make()
OTHER = make("tfhub.dev/google/nnlm/1")


async def filled(path: Path) -> None:
    with open_store(path) as store:
        await store.bring(MADE)
        await store.bring(OTHER)


def check(store: Store) -> list[Finding]:
    return list(check_store(store.blobs, store.refs, store.pins))


def faults(store: Store) -> list[tuple[str, str]]:
    return [(found.kind, found.subject) for found in check(store) if found.fault]


def overwrite(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


async def test_a_good_store_has_no_faults(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        assert [found.kind for found in check(store)] == ["checked"] * 4


def test_an_empty_store_has_no_faults(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        assert check(store) == []


async def test_a_damaged_archive_is_put_aside_and_its_name_dropped(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        overwrite(store.blobs.path(MADE.digest), MADE.plain[:-1] + b"x")
        assert faults(store) == [
            ("damaged", str(MADE.digest)),
            ("missing", f"{SPICE} (saved_model)"),
        ]
        assert len(names_in(tmp_path / "quarantine")) == 1
    with open_store(tmp_path) as store:
        assert faults(store) == []
        assert store.refs.get(MADE.handle, "saved_model") is None
        assert store.refs.get(OTHER.handle, "saved_model") is not None


async def test_an_archive_that_cannot_be_read_is_damaged(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        path = store.blobs.path(MADE.digest)
        path.unlink()
        path.mkdir()
        found = [found for found in check(store) if found.fault]
        assert "cannot be read (Is a directory)" in found[0].text


async def test_an_empty_archive_is_damaged(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        overwrite(store.blobs.path(MADE.digest), b"")
        assert ("damaged", str(MADE.digest)) in faults(store)


async def test_a_name_that_leads_nowhere_is_dropped(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        store.blobs.path(MADE.digest).unlink()
        store.blobs.path(OTHER.record.descriptor.digest).unlink()
        assert faults(store) == [
            ("missing", "tfhub.dev/google/nnlm/1 (saved_model)"),
            ("missing", f"{SPICE} (saved_model)"),
        ]
    with open_store(tmp_path) as store:
        assert faults(store) == []
        assert list(store.refs) == []


async def test_a_name_whose_record_is_of_another_archive_is_dropped(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        ref = store.refs.get(MADE.handle, "saved_model")
        other = store.refs.get(OTHER.handle, "saved_model")
        assert ref is not None
        assert other is not None
        store.refs.put(MADE.handle, "saved_model", type(ref)(ref.record, 1, other.archive))
        ((kind, subject),) = faults(store)
        assert (kind, subject) == ("missing", f"{SPICE} (saved_model)")


async def test_a_name_whose_record_is_none_is_dropped(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        ref = store.refs.get(MADE.handle, "saved_model")
        assert ref is not None
        nonsense = store.blobs.put(b"{}")
        bad = type(ref)(str(nonsense.digest), nonsense.size, ref.archive)
        store.refs.put(MADE.handle, "saved_model", bad)
        (found,) = (found for found in check(store) if found.fault)
        assert "cannot be read" in found.text


async def test_a_bad_ref_is_removed_and_a_bad_pin_is_kept(tmp_path: Path) -> None:
    await filled(tmp_path)
    pin = tmp_path / "pins" / SPICE / "@saved_model"
    pin.parent.mkdir(parents=True)
    pin.write_bytes(b"{")
    ref = tmp_path / "refs" / SPICE / "@saved_model"
    ref.write_bytes(b"{")
    with open_store(tmp_path) as store:
        assert faults(store) == [("bad-ref", "@saved_model"), ("bad-ref", "@saved_model")]
    assert not ref.exists()
    assert pin.exists()


async def test_what_no_name_leads_to_is_told_and_is_no_fault(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        store.refs.drop(MADE.handle, "saved_model")
        loose = [found for found in check(store) if found.kind == "unreferenced"]
        assert {found.subject for found in loose} == {
            str(MADE.digest),
            str(MADE.record.descriptor.digest),
        }
        assert not any(found.fault for found in loose)


async def test_what_first_use_has_pinned_is_referenced(tmp_path: Path) -> None:
    await filled(tmp_path)
    with open_store(tmp_path) as store:
        ref = store.refs.get(MADE.handle, "saved_model")
        assert ref is not None
        store.pins.put(MADE.handle, "saved_model", ref)
        store.refs.drop(MADE.handle, "saved_model")
        assert [found.kind for found in check(store)] == ["checked"] * 4
