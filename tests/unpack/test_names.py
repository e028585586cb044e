import pytest

from tests.archives import long_name, member, pax, record, refusal_of, tarball

DEEP = b"/".join([b"d"] * 33) + b"/f"

NAMES = {
    "absolute": (b"/etc/passwd", "'/etc/passwd' has an absolute name"),
    "up": (b"../x", "'../x' has a '..' segment"),
    "up from within": (b"a/../../x", "'a/../../x' has a '..' segment"),
    "up and stay within": (b"a/../x", "'a/../x' has a '..' segment"),
    "up behind a dot": (b"./../x", "'./../x' has a '..' segment"),
    "up at the end": (b"a/..", "'a/..' has a '..' segment"),
    "absolute behind a dot": (b".//etc/passwd", "'.//etc/passwd' has an absolute name"),
    "network share": (b"//host/share", "'//host/share' has an absolute name"),
    "empty segment": (b"a//b", "'a//b' has an empty segment"),
    "dot within": (b"a/./b", "'a/./b' has a '.' segment"),
    "dot alone": (b".", "'.' has a '.' segment"),
    "dot and slash alone": (b"./", "'./' is a file with the name of a folder"),
    "empty": (b"", "'' has an empty name"),
    "backslash": (b"a\\b", r"'a\\b' has a backslash"),
    "up by backslash": (b"..\\x", r"'..\\x' has a backslash"),
    "drive": (b"C:/x", "'C:/x' has a drive letter"),
    "drive without a slash": (b"c:x", "'c:x' has a drive letter"),
    "drive further in": (b"a/D:x", "'a/D:x' has a drive letter"),
    "line feed": (b"a\nb", r"'a\nb' has the invisible character U+000A"),
    "escape": (b"a\x1b[2Jb", r"'a\x1b[2Jb' has the invisible character U+001B"),
    "delete": (b"a\x7f", r"'a\x7f' has the invisible character U+007F"),
    "next line": ("a\u0085".encode(), r"'a\x85' has the invisible character U+0085"),
    "right to left": ("a\u202egpj".encode(), r"'a\u202egpj' has the invisible character U+202E"),
    "zero width": ("a\u200bb".encode(), r"'a\u200bb' has the invisible character U+200B"),
    "line separator": ("a\u2028b".encode(), r"'a\u2028b' has the invisible character U+2028"),
    "latin-1": (b"gr\xfc\xdfe", r"'gr\\xfc\\xdfe' has a name that is not UTF-8"),
    "overlong slash": (b"..\xc0\xafx", r"'..\\xc0\\xafx' has a name that is not UTF-8"),
    "surrogate": (b"a\xed\xa0\x80", r"'a\\xed\\xa0\\x80' has a name that is not UTF-8"),
    "trailing dot": (b"a./b", "'a./b' has a segment that ends in a space or a dot"),
    "three dots": (b".../b", "'.../b' has a segment that ends in a space or a dot"),
    "trailing space": (b"a /b", "'a /b' has a segment that ends in a space or a dot"),
    "up with a space": (b".. /b", "'.. /b' has a segment that ends in a space or a dot"),
    "con": (b"CON", "'CON' has the name of a Windows device"),
    "nul with a suffix": (b"a/nul.txt", "'a/nul.txt' has the name of a Windows device"),
    "com1": (b"Com1.index", "'Com1.index' has the name of a Windows device"),
    "lpt superscript": ("lpt²".encode(), "'lpt²' has the name of a Windows device"),
    "console input": (b"conin$", "'conin$' has the name of a Windows device"),
    "stream": (b"saved_model.pb::$DATA", "'saved_model.pb::$DATA' names a stream"),
    "too deep": (DEEP, "f' lies under more than 32 folders"),
}


@pytest.mark.parametrize(("name", "why"), NAMES.values(), ids=NAMES)
def test_a_hostile_name_is_refused(name: bytes, why: str) -> None:
    assert why in refusal_of(tarball(member(b"ok"), member(name)))


@pytest.mark.parametrize(
    ("name", "why"),
    [row for row in NAMES.values() if row[0]],
    ids=[key for key, row in NAMES.items() if row[0]],
)
def test_a_hostile_name_is_refused_from_an_extended_header_too(name: bytes, why: str) -> None:
    assert why in refusal_of(tarball(long_name(name), member(b"ok")))
    assert why in refusal_of(tarball(pax(record(b"path", name)), member(b"ok")))
