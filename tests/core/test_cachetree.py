"""Names in a cache folder of tensorflow_hub."""

import pytest

from hubproxy.core.cachetree import described, descriptor, key_of, lock_owner, spellings
from hubproxy.core.handle import Handle


def test_a_key_is_the_sha1_of_what_was_typed() -> None:
    # As seen in a log of the real client: tensorflow/hub#44.
    spelled = "https://tfhub.dev/google/nnlm-en-dim128/1"
    assert key_of(spelled) == "32f2b2259e1cc8ca58c876921748361283e73997"


def test_a_handle_is_written_with_either_scheme_and_with_a_slash_or_without() -> None:
    assert spellings(Handle.parse("tfhub.dev/google/spice/2")) == [
        "http://tfhub.dev/google/spice/2",
        "http://tfhub.dev/google/spice/2/",
        "https://tfhub.dev/google/spice/2",
        "https://tfhub.dev/google/spice/2/",
    ]


def test_a_name_without_a_version_is_written_so_too() -> None:
    assert "https://tfhub.dev/google/spice" in spellings(Handle.parse("tfhub.dev/google/spice"))


@pytest.mark.parametrize("version", ["", "/1"])
def test_kaggles_long_and_short_forms_are_all_there(version: str) -> None:
    handle = Handle.parse(f"kaggle.com/google/nnlm/tensorFlow2/en-dim50{version}")
    found = spellings(handle)
    assert f"https://kaggle.com/google/nnlm/tensorFlow2/en-dim50{version}" in found
    assert f"https://www.kaggle.com/models/google/nnlm/tensorflow2/en-dim50{version}" in found
    long = "frameworks/TensorFlow2/variations/en-dim50".replace("TensorFlow2", "tensorFlow2")
    end = version.replace("/1", "/versions/1")
    assert f"https://www.kaggle.com/models/google/nnlm/{long}{end}" in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "text", ["tfhub.dev/google/spice/2", "kaggle.com/google/nnlm/tensorFlow2/en-dim50/3"]
)
def test_every_spelling_is_one_of_the_handle(text: str) -> None:
    handle = Handle.parse(text)
    for one in (handle, handle.unversioned):
        assert {Handle.parse(spelling) for spelling in spellings(one)} == {one}


def test_a_descriptor_tells_what_was_typed() -> None:
    spelled = "https://tfhub.dev/google/spice/2"
    text = descriptor(spelled, time="2026-01-01 12:00:00", host="node7", pid=12)
    assert text.splitlines() == [
        f"Module: {spelled}",
        "Download Time: 2026-01-01 12:00:00",
        "Downloader Hostname: node7 (PID:12)",
    ]
    assert described(text, key_of(spelled)) == spelled


@pytest.mark.parametrize("text", ["", "Module: https://x.org/a/1", "no descriptor"])
def test_a_descriptor_of_another_name_is_not_believed(text: str) -> None:
    assert described(text, key_of("https://tfhub.dev/google/spice/2")) is None


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        (f"node7.123.{'0' * 32}", ("node7", 123)),
        (f"node7.cluster.example.123.{'a' * 32}\n", ("node7.cluster.example", 123)),
        ("node7.123.short", None),
        ("", None),
    ],
)
def test_a_lock_names_its_host_and_process(text: str, owner: tuple[str, int] | None) -> None:
    assert lock_owner(text) == owner
