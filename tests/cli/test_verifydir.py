import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec
import pytest

from tests.cli.place import SPICE, Place
from tests.made import describe
from tests.site import SMALL, Site


@pytest.fixture
async def copy(place: Place) -> Path:
    """A client's copy of `SPICE`, which is approved."""
    await place.begin()
    await place.good("trust", "approve", SPICE)
    return copied(place.folder / "copy")


def copied(folder: Path) -> Path:
    """A folder with the module's files."""
    for path, content in SMALL.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


async def test_the_very_files_are_good(place: Place, copy: Path) -> None:
    done = await place.good("verify-dir", str(copy), SPICE)
    assert done.out.startswith(f"{copy} is {SPICE} as it was approved: 3 files, sha256:")
    latest = await place.good("verify-dir", str(copy), "tfhub.dev/google/spice", "--json")
    assert latest.objects[0]["handle"] == SPICE


async def test_row_25_a_tampered_cache_is_told_from_a_good_one(place: Place, copy: Path) -> None:
    (copy / "saved_model.pb").write_bytes(b"A graph")
    (copy / "evil\x1b.so").write_bytes(b"")
    (copy / "variables" / "variables.index").unlink()
    done = await place.run("verify-dir", str(copy), SPICE)
    assert done.status == 1
    lines = [line.split("  ")[0].strip() for line in done.out.splitlines()]
    assert lines == ["extra", "changed", "missing"]
    assert r"evil\x1b.so" in done.out
    assert f"{copy} is not {SPICE} as it was approved" in done.errors
    told = await place.run("verify-dir", str(copy), SPICE, "--json")
    assert [one["kind"] for one in told.objects] == lines


async def test_a_copy_in_any_of_the_approved_formats_is_good(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        formats = [
            msgspec.structs.replace(describe(b"another" * 100, SPICE), format="saved_model"),
            msgspec.structs.replace(record, format="tf1_hub"),
        ]
        site.list.publish(formats, officer=site.officer, online=site.online)
    copied(tmp_path / "copy")
    words = ["verify-dir", str(tmp_path / "copy"), SPICE, "--config", "hubproxy.toml"]

    async def run() -> tuple[int | None, str]:
        command = [sys.executable, "-m", "hubproxy", *words]
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=PIPE)
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    status, told = await run()
    assert (status, told.count(record.tree)) == (0, 1)
    (tmp_path / "copy" / "saved_model.pb").write_bytes(b"A graph")
    status, told = await run()
    assert (status, told.split()[:2]) == (1, ["changed", "saved_model.pb"])


async def test_a_copy_of_what_was_revoked_is_not_good(place: Place, copy: Path) -> None:
    await place.good("trust", "revoke", SPICE, "--reason", "it leaks addresses")
    done = await place.run("verify-dir", str(copy), SPICE)
    assert (done.status, done.out) == (3, "")
    assert "HP-T10" in done.errors
    assert "it leaks addresses" in done.errors


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        pytest.param(["copy", "tfhub.dev/google/other/1"], 3, "HP-T01", id="unlisted"),
        pytest.param(["copy", "tfhub.dev/google/other"], 3, "HP-T01", id="no version"),
        pytest.param(["missing", SPICE], 2, "missing cannot be read: No such", id="no folder"),
        pytest.param(["copy/saved_model.pb", SPICE], 2, "cannot be read: Not a dir", id="a file"),
    ],
)
async def test_what_cannot_be_compared(
    place: Place, copy: Path, words: list[str], status: int, told: str
) -> None:
    done = await place.run("verify-dir", *words)
    assert (done.status, done.out) == (status, "")
    assert told in done.errors
