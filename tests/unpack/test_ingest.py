import gzip
import hashlib
import io
import tempfile
from pathlib import Path

import pytest

from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import UnsafeArchiveError
from hubproxy.unpack.ingest import repack
from tests.archives import (
    END,
    MODEL,
    Kept,
    Pieces,
    folder,
    member,
    read_tar,
    refusal_of,
    tar_of,
    tarball,
    unpack,
    zip_of,
)

LIMITS = ArchiveLimits()


def header(name: bytes, mode: bytes, size: bytes, kind: bytes) -> bytes:
    """One block, laid out by hand."""
    zero = b"0000000\0"
    start = name.ljust(100, b"\0") + mode + zero + zero + size + b"00000000000\0"
    tail = kind + bytes(100) + b"ustar\x0000" + bytes(64) + zero + zero + bytes(167)
    total = sum(start) + 8 * ord(" ") + sum(tail)
    return start + b"%06o\0 " % total + tail


def test_the_archive_is_written_byte_for_byte_like_this() -> None:
    plain, said = unpack(tarball(member(b"a", b"hello")))
    root = header(b"./", b"0000755\0", b"00000000000\0", b"5")
    file = header(b"./a", b"0000644\0", b"00000000005\0", b"0")
    assert len(root) == len(file) == 512
    assert plain == root + file + b"hello".ljust(512, b"\0") + bytes(1024)
    assert said.size == len(plain) == 2560


def test_files_are_found_at_their_offsets() -> None:
    plain, said = unpack(tar_of(MODEL))
    assert said.size == len(plain)
    assert {file.path: plain[file.offset : file.offset + file.size] for file in said.files} == MODEL
    assert [file.sha256 for file in said.files] == [
        hashlib.sha256(contents).hexdigest() for contents in MODEL.values()
    ]


def test_files_are_hashed_only_when_asked_for() -> None:
    output = Kept()
    said = repack(Pieces(tar_of(MODEL)), output, limits=LIMITS, hash_files=False)
    assert {file.sha256 for file in said.files} == {""}
    assert output.whole == unpack(tar_of(MODEL))[0]


def test_upstreams_order_is_kept() -> None:
    names = ["z", "d/b", "a", "d/a"]
    plain, _ = unpack(tar_of(dict.fromkeys(names, b"x")))
    assert list(read_tar(plain)) == [".", "./z", "./d", "./d/b", "./a", "./d/a"]


PACKED = gzip.compress(tar_of(MODEL), mtime=0)


def test_nothing_is_written_past_the_size_that_a_record_tells() -> None:
    archive = tar_of({"a": b"x", "large": bytes(100_000), "b": b"x"})
    size = unpack(archive)[1].size
    assert unpack(archive, expected_size=size)[1].size == size
    output = Kept()
    with pytest.raises(UnsafeArchiveError, match="'b' takes the archive beyond"):
        repack(Pieces(archive), output, limits=LIMITS, expected_size=size - 1)
    assert len(output.whole) < size
    assert "'large' takes" in refusal_of(archive, expected_size=50_000)
    assert "'./' takes the archive" in refusal_of(archive, expected_size=0)


def test_an_archive_larger_than_the_limit_is_refused() -> None:
    small = ArchiveLimits(unpacked_bytes=100_000)
    assert "'large' takes the archive beyond 100000 bytes" in refusal_of(
        gzip.compress(tar_of({"large": bytes(100_000)})), limits=small
    )
    assert "larger than 100000 bytes" in refusal_of(tar_of({"a": bytes(100_000)}), limits=small)


def test_a_top_folder_is_reported_and_taken_away_in_a_second_pass() -> None:
    first, said = unpack(tar_of({f"model/{name}": contents for name, contents in MODEL.items()}))
    assert said.top == "model"
    second, stripped = unpack(first, strip="model")
    assert second == unpack(tar_of(MODEL))[0]
    assert stripped.top == ""
    assert stripped.changes == ("took away the top folder model/",)


@pytest.mark.parametrize(
    ("files", "top"),
    [
        (["model/a", "model/b"], "model"),
        (["a/b/c"], "a"),
        (["a/b", "c"], ""),
        (["a/b", "c/d"], ""),
        (["variables/variables.index"], ""),
        (["assets/vocab.txt"], ""),
        (["assets.extra/a"], ""),
    ],
)
def test_a_top_folder_is_one_that_holds_everything(files: list[str], top: str) -> None:
    assert unpack(tar_of(dict.fromkeys(files, b"x")))[1].top == top


def test_folders_above_the_one_to_strip_are_passed_over() -> None:
    archive = tarball(folder(b"./"), folder(b"a/"), folder(b"a/b/"), member(b"a/b/c"))
    plain, said = unpack(archive, strip="a/b")
    assert read_tar(plain) == {".": None, "./c": b"x"}
    assert said.changes == ("took away the top folder a/b/",)


@pytest.mark.parametrize("name", [b"other/x", b"x", b"modelx/y", b"Model/x"])
def test_nothing_may_lie_beside_the_folder_to_strip(name: bytes) -> None:
    archive = tarball(member(b"model/a"), member(name))
    assert f"'{name.decode()}' does not lie under model/" in refusal_of(archive, strip="model")


def test_an_archive_that_has_lost_its_top_folder_already_is_taken_as_it_is() -> None:
    first, _ = unpack(tar_of({"model/a": b"x", "model/b/c": b"y"}), strip="model")
    assert unpack(first, strip="model")[0] == first


def test_the_folder_to_strip_is_no_file() -> None:
    assert "'m' is a file, not the top folder" in refusal_of(tarball(member(b"m")), strip="m")


def test_changes_are_told() -> None:
    archive = tarball(
        member(b"tool", mode=b"0004755\0"),
        member(b"a/b/c", mode=b"0006755\0"),
        folder(b"a/"),
        folder(b"shared/", mode=b"0003777\0"),
    )
    assert unpack(archive)[1].changes == (
        "added folder ./",
        "added folder a/b/",
        "moved folder a/ before its contents",
        "dropped setuid bits of tool",
        "dropped setuid and setgid bits of a/b/c",
        "dropped setgid and sticky bits of shared",
    )


def test_a_root_that_comes_late_is_moved_to_the_front() -> None:
    plain, said = unpack(tarball(member(b"a"), folder(b"./")))
    assert list(read_tar(plain)) == [".", "./a"]
    assert said.changes == ("moved folder ./ to the front",)


def test_many_changes_are_told_briefly() -> None:
    _, said = unpack(tar_of({f"{number}/x": b"" for number in range(30)}))
    assert len(said.changes) == 11
    assert said.changes[-1] == "added the same way 21 more"


def test_large_pieces_go_through_as_they_are() -> None:
    whole = tar_of({"large": bytes(10 << 20)})
    output = Kept()
    pieces = [whole[:512], *(whole[at : at + (1 << 18)] for at in range(512, len(whole), 1 << 18))]
    given_pieces = iter(pieces)

    class Source:
        def read(self, size: int, /) -> bytes:
            return next(given_pieces, b"")

    repack(Source(), output, limits=LIMITS)
    passed = {id(piece) for piece in pieces}
    assert sum(id(piece) in passed for piece in output.pieces) >= 38
    assert output.whole.endswith(whole[512 : 512 + (10 << 20)] + END)


def test_small_files_are_gathered() -> None:
    output = Kept()
    archive = tar_of({f"f{number}": b"x" for number in range(2000)})
    repack(Pieces(archive), output, limits=LIMITS)
    assert all(64 * 1024 <= len(piece) < 128 * 1024 for piece in output.pieces[:-1])


def test_a_file_beyond_8_gib_goes_through() -> None:
    size = (8 << 30) + (1 << 20)
    zeros = bytes(1 << 20)

    class Huge:
        """A tar as GNU tar writes it, with a size in base 256."""

        def __init__(self) -> None:
            field = b"\x80" + size.to_bytes(11, "big")
            head = member(b"huge", b"")
            fixed = bytearray(head[:124] + field + head[136:148] + b" " * 8 + head[156:])
            fixed[148:156] = b"%06o\0 " % sum(fixed)
            self.pieces = iter([bytes(fixed) + zeros[:512] * 511] + [zeros] * (8 << 10))
            self.tail = iter([zeros[: (3 << 18) + 512], END])

        def read(self, most: int, /) -> bytes:
            return next(self.pieces, b"") or next(self.tail, b"")

    class Counted:
        written = 0
        head = b""

        def write(self, piece: bytes, /) -> None:
            self.written += len(piece)
            if len(self.head) < 4096:
                self.head += piece

    output = Counted()
    said = repack(Huge(), output, limits=LIMITS, hash_files=False, expected_size=9 << 30)
    assert said.files[0].size == size
    assert said.size == output.written == 512 + 3 * 512 + size + 1024
    assert b"19 size=8590983168\n" in output.head


def test_an_error_of_the_source_is_not_taken_for_a_bad_archive() -> None:
    class Broken:
        pieces = iter([PACKED[:1000]])

        def read(self, size: int, /) -> bytes:
            piece = next(self.pieces, b"")
            if not piece:
                raise ConnectionResetError
            return piece

    with pytest.raises(ConnectionResetError):
        repack(Broken(), Kept(), limits=LIMITS)


def test_only_a_zip_needs_a_spool_and_it_is_closed(tmp_path: Path) -> None:
    opened = []

    def spool() -> io.BytesIO:
        opened.append(io.BytesIO())
        return opened[-1]

    repack(Pieces(PACKED), Kept(), limits=LIMITS, spool=spool)
    assert not opened
    repack(Pieces(zip_of(MODEL)), Kept(), limits=LIMITS, spool=spool)
    assert [file.closed for file in opened] == [True]
    with pytest.raises(UnsafeArchiveError):
        repack(Pieces(zip_of(MODEL)[:-1]), Kept(), limits=LIMITS, spool=spool)
    assert [file.closed for file in opened] == [True, True]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        assert repack(Pieces(zip_of(MODEL)), Kept(), limits=LIMITS).files
    assert list(tmp_path.iterdir()) == []
