import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core import tar
from tests.archives import block, record

GIB = 1024**3


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=400),
    st.lists(st.text("abcdé", min_size=1, max_size=90), max_size=5),
    st.integers(0, 10**15),
    st.booleans(),
)
def test_python_reads_the_header_of_any_name_and_size(
    name: str, folders: list[str], size: int, folder: bool
) -> None:
    path = "/".join([*folders, name])
    size = 0 if folder else size
    blocks = tar.header(path, size, folder=folder)
    assert len(blocks) % tar.BLOCK == 0
    with tarfile.open(fileobj=io.BytesIO(blocks + tar.END), mode="r|") as found:
        info = found.next()
    assert info is not None
    assert info.name == f"./{path}"
    assert info.size == size
    assert info.isdir() == folder
    assert info.mode == (0o755 if folder else 0o644)


def test_the_root_is_named_by_a_dot_and_a_slash() -> None:
    found = tar.decode(tar.header("", folder=True))
    assert (found.name, found.kind, found.size, found.mode) == (b"./", tar.FOLDER, 0, 0o755)


@pytest.mark.parametrize(
    ("path", "blocks", "prefix"),
    [
        ("n" * 98, 1, b""),
        ("n" * 99, 1, b"."),
        ("n" * 101, 3, b""),
        ("f" * 50 + "/" + "n" * 49, 1, b"."),
        ("f" * 50 + "/" + "n" * 60, 1, b"./" + b"f" * 50),
        ("f" * 153 + "/" + "n" * 100, 1, b"./" + b"f" * 153),
        ("f" * 154 + "/" + "n" * 100, 3, b""),
        ("f" * 153 + "/" + "n" * 101, 3, b""),
    ],
    ids=[
        "fits",
        "cut at the dot",
        "no slash",
        "cut early",
        "cut late",
        "just fits in two",
        "long prefix",
        "long name",
    ],
)
def test_a_long_name_uses_the_prefix_and_then_a_pax_record(
    path: str, blocks: int, prefix: bytes
) -> None:
    text = tar.header(path, 1)
    assert len(text) == blocks * tar.BLOCK
    assert text[-512:][345:500].rstrip(b"\0") == prefix


def test_a_size_beyond_eleven_octal_digits_is_a_pax_record() -> None:
    assert tar.decode(tar.header("a", 8 * GIB - 1)).size == 8 * GIB - 1
    text = tar.header("a", 8 * GIB)
    first = tar.decode(text[:512])
    assert first.kind == tar.PAX
    assert tar.parse_pax(text[512 : 512 + first.size]) == {b"size": b"8589934592"}
    assert tar.decode(text[1024:]).size == 0


@pytest.mark.parametrize(
    ("field", "size"),
    [
        (b"00000000017\0", 15),
        (b"         17 ", 15),
        (b"777777777777", 8**12 - 1),
        (bytes(12), 0),
        (b"\x80" + (10 * GIB).to_bytes(11, "big"), 10 * GIB),
    ],
    ids=["octal", "spaces", "full field", "blank", "base 256"],
)
def test_sizes_are_read_in_octal_and_in_base_256(field: bytes, size: int) -> None:
    assert tar.decode(block(b"a", field)).size == size


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (block(b"a", checksum=b"0000000\0"), "checksum"),
        (block(b"a", checksum=b"garbage!"), "checksum"),
        (block(b"a", b"\xff" * 12), "negative"),
        (block(b"a", b"\xc0" + bytes(11)), "negative"),
        (block(b"a", b"-0000000017\0"), "not a number"),
        (block(b"a", b"00000000018\0"), "not a number"),
        (block(b"a", b"0o000000017\0"), "not a number"),
        (block(b"a", b"17\x0017\0\0\0\0\0\0\0"), "not a number"),
    ],
)
def test_a_damaged_header_is_no_header(damaged: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tar.decode(damaged)


def test_a_prefix_counts_in_posix_headers_alone() -> None:
    assert tar.decode(block(b"b", prefix=b"a")).name == b"a/b"
    for magic in (b"ustar  \0", bytes(8), b"ustar\x0001"):
        with pytest.raises(ValueError, match="has a prefix that only some programs read"):
            tar.decode(block(b"b", prefix=b"a", magic=magic))


def test_a_mode_that_cannot_be_read_is_none_at_all() -> None:
    assert tar.decode(block(b"a", mode=b"rw-r--r-")).mode == 0


@given(st.dictionaries(st.binary(min_size=1).filter(lambda key: b"=" not in key), st.binary()))
def test_pax_records_round_trip(records: dict[bytes, bytes]) -> None:
    text = b"".join(record(key, value) for key, value in records.items())
    assert tar.parse_pax(text) == records


@pytest.mark.parametrize(
    "text",
    [
        b"garbage",
        b"9 a=b\n",
        b"6 a=b",
        b"6 a=bc",
        b"2 ",
        b"0 a=b\n",
        b"-6 a=b\n",
        b"6\ta=b\n",
        b"99999999 a=b\n",
        b"5 ab\n",
        b"5 =b\n",
        b"6 a=b\n6 a=c\n",
        b"6 a=b\n\0\0",
    ],
)
def test_a_broken_pax_header_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="pax"):
        tar.parse_pax(text)


def test_a_pax_header_may_have_128_records() -> None:
    records = [b"%d %s=x\n" % (8, b"k%02x" % number) for number in range(129)]
    assert len(tar.parse_pax(b"".join(records[:128]))) == 128
    with pytest.raises(ValueError, match="more than 128 records"):
        tar.parse_pax(b"".join(records))


@pytest.mark.parametrize("text", [b"", b"-1", b"+1", b"1_0", b" 1", b"1.5", b"9" * 19, b"0x1"])
def test_a_pax_size_is_a_plain_number(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a number"):
        tar.pax_size(text)
    assert tar.pax_size(b"10") == 10


@given(st.binary(min_size=512, max_size=512))
def test_any_block_is_read_or_refused(text: bytes) -> None:
    fixed = text[:148] + b"%06o\0 " % (sum(text) - sum(text[148:156]) + 256) + text[156:]
    try:
        found = tar.decode(fixed)
    except ValueError:
        return
    assert found.size >= 0
    assert found.mode >= 0
