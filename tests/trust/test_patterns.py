import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.handle import Handle
from hubproxy.core.record import target_path
from hubproxy.core.trustlist import Delegation
from hubproxy.trust.patterns import overlap, pattern_fault


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("tfhub.dev/google/*/*/*", target_path(Handle.parse("tfhub.dev/google/x/1"), "tfjs")),
        ("*/*/*/*", target_path(Handle.parse("h.org/a/1"), "other")),
        ("h.org/a/1/tfjs.json", target_path(Handle.parse("h.org/a/1"), "tfjs")),
        ("h.org/a/2?/*.json", target_path(Handle.parse("h.org/a/23"), "tfjs")),
        (
            "kaggle.com/google/*/*/*/*/*",
            target_path(Handle.parse("kaggle.com/google/m/tensorFlow2/v/1"), "saved_model"),
        ),
        ("h.org" + "/*" * 17, target_path(Handle.parse("h.org" + "/a" * 15 + "/1"), "keras")),
    ],
)
def test_a_pattern_of_the_right_depth_has_no_fault(pattern: str, path: str) -> None:
    assert pattern_fault(pattern) == ""
    assert Delegation("nlp", (pattern,)).covers(path)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "is no pattern of paths"),
        ("tfhub.dev//x/*/*", "is no pattern of paths"),
        ("tfhub.dev/ä/*/*", "is no pattern of paths"),
        ("tfhub.dev/[ab]/*/*", "is no pattern of paths"),
        ("tfhub.dev/google/**", "each `*` matches within one segment"),
        ("tfhub.dev/../*/*", "a segment that no module's path has"),
        ("tfhub.dev/google", "has 2 segments, and a module of tfhub.dev has 4 or more"),
        ("*/*/*", "has 3 segments"),
        ("tfhub.dev" + "/*" * 18, "has 19 segments"),
        ("kaggle.com/google/*/*/*/*", "has 6 segments, and a module of kaggle.com has 7"),
        ("kaggle.com/google" + "/*" * 6, "has 8 segments, and a module of kaggle.com has 7"),
        ("tfhub.dev/google/*/2.tar.gz", "ends in 2.tar.gz, which is the format of no record"),
        ("tfhub.dev/google/spice/*/onnx.json", "ends in onnx.json"),
        ("tfhub.dev/google/spice/latest/*", "has latest where the version stands"),
    ],
)
def test_a_pattern_that_matches_no_module_is_told_why(pattern: str, said: str) -> None:
    assert said in pattern_fault(pattern)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a/*", "a/b", True),
        ("a/*", "b/*", False),
        ("a/*", "a/b/*", False),
        ("a/b*", "a/*c", True),
        ("a/b*", "a/c*", False),
        ("a/?", "a/bc", False),
        ("a/?c", "a/b?", True),
        ("a/b*d", "a/*c*", True),
        ("a/b", "a/b", True),
        ("a/*", "a/*", True),
    ],
)
def test_patterns_overlap_where_some_path_matches_both(one: str, other: str, meet: bool) -> None:
    assert overlap(one, other) is meet
    assert overlap(other, one) is meet


_PARTS = st.text("ab*?", min_size=1, max_size=5)


@given(_PARTS, _PARTS, st.text("ab", min_size=1, max_size=6))
def test_whatever_matches_both_patterns_shows_that_they_overlap(
    one: str, other: str, text: str
) -> None:
    if all(Delegation("", (pattern,)).covers(text) for pattern in (one, other)):
        assert overlap(one, other)
