"""What a mirror is to hold, chosen from what the trust list names."""

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.mirrorlist import EVERYTHING, Chosen, Want, choose
from hubproxy.core.record import Format

LISTED: list[tuple[Handle, Format]] = [
    (Handle.parse("tfhub.dev/google/nnlm/1"), "saved_model"),
    (Handle.parse("tfhub.dev/google/nnlm/2"), "saved_model"),
    (Handle.parse("tfhub.dev/google/nnlm/10"), "saved_model"),
    (Handle.parse("tfhub.dev/google/nnlm/10"), "tflite"),
    (Handle.parse("tfhub.dev/google/deep/er/1"), "tfjs"),
    (Handle.parse("tfhub.dev/vendor/x/3"), "saved_model"),
]


def chosen(*wants: Want) -> list[str]:
    found, unmatched = choose(wants, LISTED)
    assert not unmatched
    return [f"{one.exact} {one.format}" for one in found]


def test_a_name_without_a_version_means_the_highest() -> None:
    assert chosen(Want(modules=("https://tfhub.dev/google/nnlm/",))) == [
        "tfhub.dev/google/nnlm/10 saved_model",
        "tfhub.dev/google/nnlm/10 tflite",
    ]


def test_so_many_of_the_highest_versions_are_chosen_of_each_module() -> None:
    found = chosen(Want(modules=("tfhub.dev/google/*", "tfhub.dev/vendor/*"), versions=2))
    assert found == [
        "tfhub.dev/google/nnlm/2 saved_model",
        "tfhub.dev/google/nnlm/10 saved_model",
        "tfhub.dev/google/nnlm/10 tflite",
        "tfhub.dev/vendor/x/3 saved_model",
    ]


def test_an_exact_handle_is_that_version_however_many_are_newer() -> None:
    assert chosen(Want(modules=("tfhub.dev/google/nnlm/1",))) == [
        "tfhub.dev/google/nnlm/1 saved_model"
    ]


def test_two_stars_cross_segments_and_one_does_not() -> None:
    assert "tfhub.dev/google/deep/er/1 tfjs" in chosen(Want(modules=("tfhub.dev/google/**",)))
    assert chosen(Want(modules=("tfhub.dev/*/nnlm",), formats=("tflite",))) == [
        "tfhub.dev/google/nnlm/10 tflite"
    ]


def test_everything_is_every_version_of_every_module() -> None:
    assert len(chosen(EVERYTHING)) == len(LISTED)


def test_a_pattern_may_name_a_version() -> None:
    assert chosen(Want(modules=("tfhub.dev/*/*/3",))) == ["tfhub.dev/vendor/x/3 saved_model"]


def test_only_wanted_formats_count_for_the_highest_version() -> None:
    listed: list[tuple[Handle, Format]] = [
        *LISTED,
        (Handle.parse("tfhub.dev/google/nnlm/11"), "tflite"),
    ]
    found, _ = choose([Want(modules=("tfhub.dev/google/nnlm",), formats=("saved_model",))], listed)
    assert [str(one.exact) for one in found] == ["tfhub.dev/google/nnlm/10"]


def test_what_matches_nothing_is_named() -> None:
    found, unmatched = choose([Want(modules=("tfhub.dev/a/b", "tfhub.dev/*/c"))], LISTED)
    assert (found, unmatched) == ([], ["tfhub.dev/a/b", "tfhub.dev/*/c"])


@pytest.mark.parametrize(
    ("sizes", "largest"), [((5, 9), 9), ((9, 5), 9), ((0, 5), 0), ((5, 0), 0), ((5, 5), 5)]
)
def test_the_most_generous_want_bounds_the_size(sizes: tuple[int, int], largest: int) -> None:
    wants = [Want(modules=("tfhub.dev/vendor/x",), largest=size) for size in sizes]
    found, _ = choose(wants, LISTED)
    assert found == [Chosen(Handle.parse("tfhub.dev/vendor/x/3"), "saved_model", largest)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"modules": ()}, "modules is empty"),
        ({"modules": ("tfhub.dev/a b",)}, "not a handle"),
        ({"modules": ("tfhub.dev/*/a b",)}, "no pattern of handles"),
        ({"modules": ("tfhub.dev/a/b",), "versions": -1}, "from 0 on"),
        ({"modules": ("tfhub.dev/a/b",), "largest": -1}, "from 0 on"),
    ],
)
def test_a_want_that_makes_no_sense_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Want(**given)  # type: ignore[arg-type]
