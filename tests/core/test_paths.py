import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import Tree, clean, fold, leaves, shown
from hubproxy.errors import UnsafeArchiveError

LIMITS = ArchiveLimits(members=10, depth=3, name_bytes=40)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"a", "a"),
        (b"./a", "a"),
        (b"././a/b", "a/b"),
        (b"a.b/..c/d..e", "a.b/..c/d..e"),
        ("größe/日本".encode(), "größe/日本"),
        (b"console/com10/nul-a", "console/com10/nul-a"),
        (b"scale:0", "scale:0"),
        (b"a~b/~1/a~1b", "a~b/~1/a~1b"),
        (b"longname~1/a~1.text", "longname~1/a~1.text"),
    ],
)
def test_a_plain_name_is_kept(name: bytes, path: str) -> None:
    assert clean(name, LIMITS) == path


@pytest.mark.parametrize("name", [b".", b"./", b"././", b"./."])
def test_the_root_is_a_folder_with_an_empty_path(name: bytes) -> None:
    assert clean(name, LIMITS, folder=True) == ""
    with pytest.raises(UnsafeArchiveError):
        clean(name, LIMITS)


@pytest.mark.parametrize("name", [b"", b"/", b"..", b"../", b"a//", b"a/./"])
def test_a_folder_needs_a_name_too(name: bytes) -> None:
    with pytest.raises(UnsafeArchiveError):
        clean(name, LIMITS, folder=True)


def test_a_segment_may_have_255_bytes() -> None:
    for segment in ("n" * 255, "ü" * 127 + "n"):
        assert clean(segment.encode(), ArchiveLimits()) == segment
        with pytest.raises(UnsafeArchiveError, match="has a segment of more than 255 bytes"):
            clean(f"a/{segment}n".encode(), ArchiveLimits())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"saved_model.pb:x", "names a stream"),
        (b"scale:0:x", "names a stream"),
        (b"scale:", "names a stream"),
        (b"scale::0", "names a stream"),
        (b"A~1", "form of a short name"),
        (b"a/MODEL~10/b", "form of a short name"),
        (b"SAVED_~1.PB", "form of a short name"),
        *((f"saved{c}model.pb".encode(), "Windows has no names with: ") for c in '<>"|?*'),
    ],
)
def test_a_name_that_means_another_one_on_windows_is_refused(name: bytes, why: str) -> None:
    with pytest.raises(UnsafeArchiveError, match=why):
        clean(name, ArchiveLimits())


@pytest.mark.parametrize(
    "name", [b"/x", b"..", b"../x", b"a/../x", b"a/..", b"..\\x", b"a\\..\\x", b"/", b"a/../"]
)
def test_a_name_of_old_leaves_the_folder(name: bytes) -> None:
    assert leaves(name)


@pytest.mark.parametrize("name", [b"", b"./x", b"a/..b", b"...", b"x/PaxHeaders/y.", b"\xff"])
def test_a_name_of_old_may_be_odd(name: bytes) -> None:
    assert not leaves(name)


def test_limits_are_reached_before_they_are_passed() -> None:
    assert clean(b"a/b/c/d", LIMITS) == "a/b/c/d"
    assert clean(b"./" + b"n" * 40, LIMITS) == "n" * 40
    for name in (b"a/b/c/d/e", b"n" * 41, b"n" * 5000):
        with pytest.raises(UnsafeArchiveError):
            clean(name, LIMITS)


@given(st.binary(max_size=50), st.booleans())
def test_a_name_that_is_taken_stays_in_its_folder(name: bytes, folder: bool) -> None:
    try:
        path = clean(name, ArchiveLimits(), folder=folder)
    except UnsafeArchiveError:
        return
    assert path or folder
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/")) or not path
    assert clean(path.encode() or b"./", ArchiveLimits(), folder=folder) == path


def test_a_shown_name_is_short_and_printable() -> None:
    assert shown("a\x1b[31m") == r"'a\x1b[31m'"
    assert shown(b"\xff\xfe") == r"'\\xff\\xfe'"
    assert len(shown("é" * 10_000)) <= 61
    assert shown("a" * 500 + "end").endswith("end'")


def test_folding_sees_through_case_and_normal_form() -> None:
    assert fold("A/b") == fold("a/B")
    assert fold("Stra\u00dfe") == fold("STRASSE")
    assert fold("e\u0301") == fold("\u00c9")
    assert fold("scale:0") == fold("Scale_0")
    assert fold("a") != fold("b")


def test_the_folders_above_a_file_come_first() -> None:
    tree = Tree(LIMITS)
    assert tree.file("a/b/c") == ["a", "a/b"]
    assert tree.file("a/b/d") == []
    assert tree.folder("a/e") == ["a/e"]
    assert tree.added == ["", "a", "a/b"]


def test_a_folder_named_after_its_contents_is_there_already() -> None:
    tree = Tree(LIMITS)
    tree.file("a/b")
    assert tree.folder("a") == []
    assert tree.moved == ["a"]
    with pytest.raises(UnsafeArchiveError, match="'a' comes twice"):
        tree.folder("a")


def test_the_root_may_be_named_once() -> None:
    tree = Tree(LIMITS)
    assert tree.folder("") == []
    assert (tree.added, tree.moved) == ([], [])
    with pytest.raises(UnsafeArchiveError, match=r"'\./' comes twice"):
        tree.folder("")


def test_members_are_counted_with_the_folders_made_for_them() -> None:
    tree = Tree(LIMITS)
    for number in range(4):
        tree.file(f"{number}/x")
    tree.file("a")
    tree.file("b")
    with pytest.raises(UnsafeArchiveError, match="'c' is one too many: the limit is 10"):
        tree.file("c")


def test_all_names_together_have_a_limit() -> None:
    tree = Tree(ArchiveLimits())
    for number in range(4096):
        tree.file(f"{number:04}".ljust(1024, "n"))
    with pytest.raises(UnsafeArchiveError, match="'x' takes the names beyond 4194304 bytes"):
        tree.file("x")


@pytest.mark.parametrize(
    ("files", "top"),
    [
        (["m/a", "m/b/c"], "m"),
        (["m/a", "n/b"], ""),
        (["a"], ""),
        (["m/a", "b"], ""),
    ],
)
def test_the_top_is_a_folder_that_everything_lies_under(files: list[str], top: str) -> None:
    tree = Tree(LIMITS)
    for file in files:
        tree.file(file)
    assert tree.top() == top
