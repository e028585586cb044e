import io
import tarfile

import pytest

from hubproxy.core.limits import ArchiveLimits
from tests.archives import (
    END,
    MODEL,
    block,
    folder,
    member,
    padded,
    pax,
    read_tar,
    record,
    refusal_of,
    tar_of,
    tarball,
    unpack,
)
from tests.hostile.archives.ends import ENDS
from tests.hostile.archives.headers import HEADERS
from tests.hostile.archives.members import MEMBERS


@pytest.mark.parametrize(("members", "why"), (MEMBERS | HEADERS).values(), ids=[*MEMBERS, *HEADERS])
def test_a_hostile_member_is_refused(members: bytes, why: str) -> None:
    assert why in refusal_of(tarball(member(b"ok"), members))


@pytest.mark.parametrize(("archive", "why"), ENDS.values(), ids=ENDS)
def test_a_tar_that_does_not_end_well_is_refused(archive: bytes, why: str) -> None:
    assert why in refusal_of(archive)


def test_a_tar_cut_anywhere_is_refused() -> None:
    whole = tarball(folder(b"./"), member(b"a", b"x" * 700), member(b"b"))
    for length in range(0, len(whole), 7):
        refusal_of(whole[:length])
    refusal_of(whole[:-1])


def test_too_many_members_are_refused() -> None:
    limits = ArchiveLimits(members=3)
    fine = [member(b"a"), member(b"b"), member(b"c")]
    assert len(unpack(tarball(*fine), limits=limits)[1].files) == 3
    assert "'d' is one too many" in refusal_of(tarball(*fine, member(b"d")), limits=limits)


@pytest.mark.parametrize(
    "form",
    [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT],
    ids=["ustar", "gnu", "pax"],
)
def test_every_usual_way_to_write_a_name_is_read(form: int) -> None:
    files = {**MODEL, "assets/" + "n" * 90 + ".txt": b"long", "assets/größe.txt": b"umlaut"}
    if form != tarfile.USTAR_FORMAT:
        files |= {"n" * 255: b"longer than ustar", "d" * 200 + "/" + "é" * 120: b"both"}
    plain, said = unpack(tar_of(files, form))
    found = read_tar(plain)
    assert {name: found[f"./{name}"] for name in files} == files
    assert [entry.path for entry in said.files] == list(files)


def test_old_and_rare_kinds_of_files_are_read() -> None:
    old = {"kind": b"\0", "magic": bytes(8)}
    archive = tarball(
        member(b"v7/", b"", **old),
        member(b"v7/old", b"old", **old),
        member(b"solid", b"contiguous", kind=b"7"),
        pax(record(b"comment", b"for all"), kind=b"g"),
        pax(record(b"mtime", b"1.5"), record(b"SCHILY.xattr.user.x", b"\0\xff")) + member(b"pax"),
        pax(record(b"path", b"renamed"), record(b"size", b"3")) + block(b"x", 0) + padded(b"abc"),
    )
    assert read_tar(unpack(archive)[0]) == {
        ".": None,
        "./v7": None,
        "./v7/old": b"old",
        "./solid": b"contiguous",
        "./pax": b"x",
        "./renamed": b"abc",
    }


@pytest.mark.parametrize("most", [1, 7, 511, 512, 513, 100_000])
def test_the_pieces_that_come_make_no_difference(most: int) -> None:
    archive = tar_of({**MODEL, "n" * 255: b"x" * 2000})
    assert unpack(archive, most=most) == unpack(archive)


def test_zeros_after_the_end_are_padding() -> None:
    archive = tarball(member(b"a"))
    assert unpack(archive + bytes(9000)) == unpack(archive)


def test_a_tar_by_another_program_means_the_same() -> None:
    plain, _ = unpack(tar_of(MODEL))
    assert plain.endswith(END)
    assert len(plain) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(plain)) as found:
        assert found.getnames() == [
            ".",
            "./saved_model.pb",
            "./variables",
            "./variables/variables.index",
            "./variables/variables.data-00000-of-00001",
            "./assets",
            "./assets/vocab.txt",
        ]
