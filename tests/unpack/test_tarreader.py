import io
import tarfile

import pytest

from hubproxy.core.limits import ArchiveLimits
from tests.archives import (
    END,
    MODEL,
    block,
    folder,
    long_name,
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

LINK = {"link": b"/etc/passwd"}

REFUSED = {
    "hard link": (member(b"l", b"", kind=b"1", **LINK), "'l' is a hard link"),
    "symbolic link": (member(b"l", b"", kind=b"2", **LINK), "'l' is a symbolic link"),
    "harmless link": (member(b"l", b"", kind=b"2", link=b"a"), "'l' is a symbolic link"),
    "character device": (member(b"dev", b"", kind=b"3"), "'dev' is a character device"),
    "block device": (member(b"dev", b"", kind=b"4"), "'dev' is a block device"),
    "fifo": (member(b"pipe", b"", kind=b"6"), "'pipe' is a fifo"),
    "sparse": (member(b"s", kind=b"S"), "'s' is a sparse file"),
    "multi-volume": (member(b"m", kind=b"M"), "'m' is a part of another volume"),
    "volume label": (member(b"v", b"", kind=b"V"), "'v' is a volume label"),
    "folder dump": (member(b"d/", b"Yx\0\0", kind=b"D"), "'d/' is a folder dump"),
    "solaris header": (member(b"X", kind=b"X"), "'X' is a Solaris header"),
    "long link": (member(b"longlink", kind=b"K"), "'longlink' is a long link"),
    "unknown kind": (member(b"z", kind=b"z"), "'z' is of the unknown kind b'z'"),
    "unprintable kind": (member(b"z", kind=b"\xff"), r"'z' is of the unknown kind b'\xff'"),
    "link by pax": (pax(record(b"linkpath", b"/etc")) + member(b"b"), "'PaxHeaders/x' is a link"),
    "folder with contents": (member(b"d/", kind=b"5"), "'d/' is a folder with contents"),
    "old folder with contents": (member(b"d/", kind=b"\0"), "'d/' is a folder with contents"),
    "file with a slash": (member(b"d/"), "'d/' is a file with the name of a folder"),
    "twice": (member(b"b") + member(b"b"), "'b' comes twice"),
    "twice by a dot": (member(b"b") + member(b"./b"), "'b' comes twice"),
    "folder twice": (folder(b"d/") + folder(b"d"), "'d' comes twice"),
    "root twice": (folder(b"./") + folder(b"."), "'./' comes twice"),
    "file, then folder": (member(b"b") + folder(b"b/"), "'b' comes twice"),
    "folder, then file": (folder(b"b/") + member(b"b"), "'b' is a file and a folder"),
    "file, then below it": (member(b"b") + member(b"b/c"), "'b/c' lies under 'b', which is a file"),
    "below it, then file": (member(b"b/c") + member(b"b"), "'b' is a file and a folder"),
    "case": (member(b"Bc") + member(b"bC"), "'bC' cannot be told from 'Bc'"),
    "case of a folder": (member(b"B/c") + member(b"b/d"), "'b/d' cannot be told from 'B'"),
    "normal form": (
        member("\u00e9".encode()) + member("e\u0301".encode()),
        "'e\u0301' cannot be told from '\u00e9'",
    ),
    "sharp s": (member("ß".encode()) + member(b"SS"), "'SS' cannot be told from 'ß'"),
    "negative size": (block(b"n", b"\xff" * 12), "'n' has a negative size"),
    "size in words": (block(b"n", b"very large\0\0"), "'n' has a size that is not a number"),
    "size beyond the end": (block(b"n", 5000) + padded(b"x"), "'n' is cut short"),
    "size of exbibytes": (
        block(b"n", b"\x80\0\0\0\x7f" + bytes(7)),
        "'n' takes the archive beyond",
    ),
    "wrong checksum": (
        block(b"n", checksum=b"0001234\0"),
        "'n' has a header with a wrong checksum",
    ),
    "garbage": (b"\xaa" * 512, "has a header with a wrong checksum"),
    "pax size is negative": (
        pax(record(b"size", b"-1")) + member(b"n"),
        "'PaxHeaders/x' has a pax size that is not a number",
    ),
    "pax size is endless": (
        pax(record(b"path", b"n"), record(b"size", b"9" * 30)) + member(b"n"),
        "'n' has a pax size that is not a number",
    ),
    "pax size is larger": (
        pax(record(b"path", b"n"), record(b"size", b"9999")) + member(b"n"),
        "'n' is cut short",
    ),
    "pax without a length": (pax(b"path=x\n"), "'PaxHeaders/x' has a pax record of a wrong length"),
    "pax length of zero": (pax(b"0 path=x\n"), "'PaxHeaders/x' has a pax record of a wrong length"),
    "pax path twice": (
        pax(record(b"path", b"a1"), record(b"path", b"a2")),
        "'PaxHeaders/x' has a pax header that gives one key twice",
    ),
    "pax path is empty": (pax(record(b"path", b"")) + member(b"n"), "'' has an empty name"),
    "sparse by pax": (
        pax(record(b"GNU.sparse.major", b"1")) + member(b"n"),
        "'PaxHeaders/x' announces a sparse file",
    ),
    "sparse for all": (
        pax(record(b"GNU.sparse.name", b"y"), kind=b"g"),
        "'PaxHeaders/x' announces a sparse file",
    ),
    "pax of 64 KiB": (
        pax(record(b"comment", b"x" * 65536)),
        "'PaxHeaders/x' is an extended header of 65551 bytes",
    ),
    "pax of a TiB": (block(b"big", b"\x80" + (1 << 40).to_bytes(11, "big"), kind=b"x"), "'big' is"),
    "long name of a TiB": (
        block(b"big", b"\x80" + (1 << 40).to_bytes(11, "big"), kind=b"L"),
        "'big' is an extended header of",
    ),
    "long name is too long": (long_name(b"n" * 1100) + member(b"n"), "has a name of 1100 bytes"),
    "name just too long": (long_name(b"n" * 1025) + member(b"n"), "has a name of more than 1024"),
    "long name with a tail": (
        member(b"L", b"n\0/etc/passwd\0", kind=b"L"),
        "'n' has bytes after the end of its long name",
    ),
    "two long names": (
        long_name(b"a1") + long_name(b"a2"),
        "'././@LongLink' is a second long name",
    ),
    "long name and pax path": (
        long_name(b"a1") + pax(record(b"path", b"a2")),
        "'a2' has two extended headers",
    ),
    "pax path and long name": (
        pax(record(b"path", b"a2")) + long_name(b"a1"),
        "'././@LongLink' is a second long name",
    ),
    "two pax headers": (
        pax(record(b"path", b"a1")) + pax(record(b"size", b"1")),
        "'PaxHeaders/x' has two extended headers",
    ),
    "path for all": (
        pax(record(b"path", b"y"), kind=b"g"),
        "'PaxHeaders/x' gives a path to every member",
    ),
    "size for all": (
        pax(record(b"size", b"0"), kind=b"g"),
        "'PaxHeaders/x' gives a size to every member",
    ),
    "link for all": (
        pax(record(b"linkpath", b"y"), kind=b"g"),
        "'PaxHeaders/x' gives a linkpath to every member",
    ),
    "65 global headers": (
        pax(record(b"comment", b"y"), kind=b"g") * 65,
        "'PaxHeaders/x' is one too many",
    ),
    "long name at the end": (long_name(b"n"), "'ok' is followed by a header that belongs to no"),
    "pax at the end": (pax(record(b"path", b"n")), "'ok' is followed by a header that belongs"),
    "up by prefix": (member(b"x", prefix=b".."), "'../x' has a '..' segment"),
    "absolute by prefix": (member(b"x", prefix=b"/etc"), "'/etc/x' has an absolute name"),
}


@pytest.mark.parametrize(("members", "why"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_member_is_refused(members: bytes, why: str) -> None:
    assert why in refusal_of(tarball(member(b"ok"), members))


ENDS = {
    "no end": (member(b"a"), "'a' is the last before the archive is cut short"),
    "one block of zeros": (member(b"a") + bytes(512), "'a' is not followed by two blocks of zeros"),
    "half a header": (
        member(b"a") + block(b"b")[:300],
        "'a' is the last before the archive is cut",
    ),
    "within a file": (block(b"a", 2000) + bytes(700), "'a' is cut short"),
    "within the padding": (block(b"a", 10) + bytes(300), "'a' is cut short"),
    "bytes after the end": (tarball(member(b"a")) + b"x", "bytes follow the end of its tar"),
    "another tar after it": (tarball(member(b"a")) * 2, "bytes follow the end of its tar"),
    "a member between": (
        member(b"a") + bytes(512) + member(b"b") + END,
        "'a' is not followed by two blocks of zeros",
    ),
    "endless zeros": (
        tarball(member(b"a")) + bytes(1 << 21),
        "more than 1048576 bytes pad the end",
    ),
}


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
        files |= {"n" * 300: b"longer than ustar", "d" * 200 + "/" + "é" * 120: b"both"}
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
    archive = tar_of({**MODEL, "n" * 300: b"x" * 2000})
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
