import pytest

from hubproxy.errors import UsageError
from hubproxy.pointing.place import (
    Credentials,
    Place,
    is_loopback,
    parse_fingerprint,
    place_of,
    place_of_listen,
)


@pytest.mark.parametrize(
    ("text", "url", "credentials"),
    [
        pytest.param("http://h:8440", "http://h:8440", None, id="plain"),
        pytest.param(" h:8440/ ", "http://h:8440", None, id="no-scheme"),
        pytest.param("https://h/hubproxy/", "https://h/hubproxy", None, id="path"),
        pytest.param("http://[::1]:8440", "http://[::1]:8440", None, id="ipv6"),
        pytest.param(
            "http://nlp:a%40b@h:8440", "http://h:8440", Credentials("nlp", "a@b"), id="team"
        ),
        pytest.param("http://nlp@h:8440", "http://h:8440", None, id="no-token"),
    ],
)
def test_an_address_is_read_as_users_type_it(
    text: str, url: str, credentials: Credentials | None
) -> None:
    assert place_of(text) == Place(url, credentials, named=True)


@pytest.mark.parametrize(
    "text",
    ["", "http://", "ftp://h:1", "http://h:0", "http://h:x", "http://h:99999", "http://a b", "//"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not the address of a hubproxy"):
        place_of(text)


@pytest.mark.parametrize("text", ["http://nlp:s3cret@h:0", "nlp:s3cret@:8440"])
def test_a_refusal_does_not_repeat_the_token(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        place_of(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8440", "http://127.0.0.1:8440"),
        ("0.0.0.0:8440", "http://127.0.0.1:8440"),
        ("[::]:8440", "http://[::1]:8440"),
        ("[fe80::1]:8440", "http://[fe80::1]:8440"),
        ("hubproxy.example:80", "http://hubproxy.example:80"),
    ],
)
def test_the_daemon_of_this_host_is_found_by_its_setting(listen: str, url: str) -> None:
    found = place_of_listen(listen)
    assert (found.url, found.flag) == (url, "")


def test_a_command_finds_a_named_daemon_again() -> None:
    assert place_of("http://h:8440").flag == " --url http://h:8440"


@pytest.mark.parametrize(
    "text",
    ["ab" * 32, f" {'AB' * 32}\n", ":".join(["aB"] * 32), "sha256:" + "ab" * 32],
    ids=["plain", "capitals", "colons", "algorithm"],
)
def test_a_fingerprint_is_taken_as_tools_print_it(text: str) -> None:
    assert parse_fingerprint(text) == "ab" * 32


@pytest.mark.parametrize("text", ["", "ab", "g" * 64, "ab" * 33, "sha1:" + "ab" * 32])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not the sha256") as caught:
        parse_fingerprint(text)
    assert "hubproxy ca show" in caught.value.remedy


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:1", True),
        ("http://localhost:1", True),
        ("http://10.0.0.1:1", False),
        ("http://localhost.example:1", False),
    ],
)
def test_loopback_is_known(url: str, loopback: bool) -> None:
    assert is_loopback(url) == loopback
