"""The name of a module: one canonical spelling, to which every alias maps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.handle import Handle, parse_hub

HEAD = "ABCxyz019_"
SEGMENTS = st.builds(
    str.__add__,
    st.sampled_from(HEAD),
    st.text(alphabet=HEAD + ".+-", max_size=12),
)
HUBS = st.sampled_from(["tfhub.dev", "localhost", "hub.example.org", "127.0.0.1", "kaggle.com"])


def accepted(text: str) -> Handle | None:
    try:
        return Handle.parse(text)
    except ValueError:
        return None


@given(HUBS, st.lists(SEGMENTS, min_size=1, max_size=6))
def test_a_handle_prints_what_it_parses(hub: str, segments: list[str]) -> None:
    found = accepted("/".join([hub, *segments]))
    if found is not None:
        assert Handle.parse(str(found)) == found
        assert Handle.parse(str(found.unversioned)) == found.unversioned
        assert Handle.parse(str(found.at(7))) == found.at(7)


@given(st.text(max_size=60))
def test_any_text_is_a_handle_or_a_value_error(text: str) -> None:
    found = accepted(text)
    assert found is None or Handle.parse(str(found)) == found


@given(SEGMENTS, SEGMENTS, st.sampled_from(["keras", "tensorFlow2", "pyTorch"]), SEGMENTS)
def test_kaggles_long_form_is_its_short_form(
    owner: str, model: str, framework: str, variation: str
) -> None:
    short = accepted(f"kaggle.com/{owner}/{model}/{framework}/{variation}/3")
    long = accepted(
        f"https://www.kaggle.com/models/{owner}/{model}/frameworks/{framework.upper()}"
        f"/variations/{variation}/versions/3"
    )
    assert short == long


@pytest.mark.parametrize(
    ("alias", "canonical"),
    [
        ("tfhub.dev/google/nnlm-en-dim50/2", "tfhub.dev/google/nnlm-en-dim50/2"),
        ("https://tfhub.dev/google/nnlm-en-dim50/2", "tfhub.dev/google/nnlm-en-dim50/2"),
        ("http://tfhub.dev/google/nnlm-en-dim50/2/", "tfhub.dev/google/nnlm-en-dim50/2"),
        ("HTTPS://WWW.TFHub.Dev/google/spice/2", "tfhub.dev/google/spice/2"),
        ("tfhub.dev/google/spice/2?tf-hub-format=compressed", "tfhub.dev/google/spice/2"),
        (
            "https://tfhub.dev/google/spice/2?tf-hub-format=compressed&tf-hub-format=compressed",
            "tfhub.dev/google/spice/2",
        ),
        ("tfhub.dev/google/spice?back=https://x.org/", "tfhub.dev/google/spice"),
        ("tfhub.dev/google/spice/2#frag", "tfhub.dev/google/spice/2"),
        ("tfhub.dev/google/%73pice/%32", "tfhub.dev/google/spice/2"),
        ("tfhub.dev/google/spice", "tfhub.dev/google/spice"),
        ("tfhub.dev/a/0", "tfhub.dev/a/0"),
        ("tfhub.dev/a/02", "tfhub.dev/a/02"),
        ("tfhub.dev/a/12345678901", "tfhub.dev/a/12345678901"),
        ("localhost/a/1", "localhost/a/1"),
        (
            "kaggle.com/google/nnlm/tensorFlow2/en-dim50",
            "kaggle.com/google/nnlm/tensorFlow2/en-dim50",
        ),
        (
            "www.kaggle.com/models/google/nnlm/TENSORFLOW2/en-dim50/1",
            "kaggle.com/google/nnlm/tensorFlow2/en-dim50/1",
        ),
        (
            "kaggle.com/models/google/nnlm/frameworks/tensorflow2/variations/en-dim50",
            "kaggle.com/google/nnlm/tensorFlow2/en-dim50",
        ),
        (
            "kaggle.com/models/google/nnlm/frameworks/tensorflow2/variations/en-dim50/4",
            "kaggle.com/google/nnlm/tensorFlow2/en-dim50/4",
        ),
        ("kaggle.com/a/b/keras/2", "kaggle.com/a/b/keras/2"),
    ],
)
def test_every_alias_maps_to_one_spelling(alias: str, canonical: str) -> None:
    assert str(Handle.parse(alias)) == canonical


def test_the_last_number_is_the_version() -> None:
    assert Handle.parse("tfhub.dev/google/spice/2") == Handle("tfhub.dev", "google/spice", 2)
    assert Handle.parse("tfhub.dev/google/spice").version is None
    assert Handle.parse("tfhub.dev/google/spice/02").version is None
    assert Handle.parse("kaggle.com/a/b/keras/2").version is None  # its variation is called 2
    assert Handle.parse("kaggle.com/a/b/keras/2/5").version == 5


def test_the_url_path_has_the_version() -> None:
    assert Handle.parse("tfhub.dev/google/spice/2").url_path == "/google/spice/2"
    assert Handle.parse("tfhub.dev/google/spice/2").unversioned.url_path == "/google/spice"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("tfhub.dev", id="no module"),
        pytest.param("tfhub.dev/", id="no module behind the slash"),
        pytest.param("tfhub.dev/5", id="a version of nothing"),
        pytest.param("tfhub.dev/a/1/2", id="two versions"),
        pytest.param("gs://bucket/a/1", id="another scheme"),
        pytest.param("javascript://tfhub.dev/a/1", id="a script"),
        pytest.param("/etc/passwd", id="a file"),
        pytest.param("google/spice/2", id="no hub"),
        pytest.param("tfhub/google/spice/2", id="a host without a dot"),
        pytest.param("tfhub.dev:443/a/1", id="a port"),
        pytest.param("u:p@tfhub.dev/a/1", id="a user"),
        pytest.param("[::1]/a/1", id="an address in brackets"),
        pytest.param("http://[::1/a", id="half an address"),
        pytest.param("tfhub.dev./a/1", id="a dot behind the host"),
        pytest.param("-tfhub.dev/a/1", id="a host with a leading hyphen"),
        pytest.param("tf_hub.dev/a/1", id="an underscore in the host"),
        pytest.param("www.www.tfhub.dev/a/1", id="www twice"),
        pytest.param(f"{'a' * 64}.dev/a/1", id="a long label"),
        pytest.param(f"{'a.' * 130}dev/a/1", id="a long host"),
        pytest.param("\u212aaggle.com/a/b/keras/c", id="the Kelvin sign for a K"),
        pytest.param("tfhub。dev/a/1", id="an ideographic full stop"),
        pytest.param("tfhub.dev/a/\u0661", id="a digit that is not ASCII"),
        pytest.param("tfhub.dev/a//b/1", id="an empty segment"),
        pytest.param("tfhub.dev/a/../b/1", id="dot-dot"),
        pytest.param("tfhub.dev/a/./b/1", id="dot"),
        pytest.param("tfhub.dev/a/%2e%2e/b/1", id="encoded dot-dot"),
        pytest.param("tfhub.dev/a%2fb/1", id="an encoded slash"),
        pytest.param("tfhub.dev/a%252fb/1", id="a slash encoded twice"),
        pytest.param("tfhub.dev/a%00/1", id="an encoded NUL"),
        pytest.param("tfhub.dev/a\x00/1", id="a NUL"),
        pytest.param("tfhub.dev/goo\tgle/a/1", id="a tab"),
        pytest.param("tfhub.dev/google/a/1\n", id="a newline"),
        pytest.param("tfhub.dev/a;v=1/1", id="a parameter"),
        pytest.param("tfhub.dev\\a/1", id="a backslash"),
        pytest.param("tfhub.dev/.hidden/1", id="a hidden name"),
        pytest.param("tfhub.dev/-rf/1", id="an option"),
        pytest.param("tfhub.dev/a b/1", id="a space"),
        pytest.param(f"tfhub.dev/{'a' * 129}/1", id="a long segment"),
        pytest.param("tfhub.dev/" + "a/" * 17, id="too deep"),
        pytest.param("tfhub.dev/" + f"{'a' * 100}/" * 6, id="too long"),
        pytest.param("tfhub.dev/" + "a" * 1100, id="much too long"),
        pytest.param("kaggle.com/a/b/keras", id="Kaggle without a variation"),
        pytest.param("kaggle.com/a/b/keras/c/1/2", id="Kaggle with too much"),
        pytest.param("kaggle.com/a/b/keras/c/latest", id="Kaggle with a word for a version"),
        pytest.param("kaggle.com/a/b/cobol/c/1", id="no framework of Kaggle's"),
        pytest.param("kaggle.com/models/models/b/keras/c", id="an owner called models"),
    ],
)
def test_what_is_no_handle_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a handle"):
        Handle.parse(text)


@pytest.mark.parametrize(
    ("text", "hub"),
    [("TFHUB.dev", "tfhub.dev"), ("www.Kaggle.com", "kaggle.com"), ("localhost", "localhost")],
)
def test_a_hub_has_one_name(text: str, hub: str) -> None:
    assert parse_hub(text) == hub


@pytest.mark.parametrize("text", ["", "tfhub", "tfhub.dev:80", "tfhub.dev/", "\u212aaggle.com"])
def test_what_is_no_hub_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a hub"):
        parse_hub(text)
