import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.protocols.authority import Authority, is_host


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("tfhub.dev", "tfhub.dev", None),
        ("TFHUB.dev:443", "tfhub.dev", 443),
        ("tfhub.dev.:443", "tfhub.dev", 443),
        ("localhost:0", "localhost", 0),
        ("xn--tfhb-5ra.dev", "xn--tfhb-5ra.dev", None),
        ("127.0.0.1:65535", "127.0.0.1", 65_535),
        ("[::1]:443", "::1", 443),
        ("[0:0:0:0:0:0:0:1]", "::1", None),
        ("[::FFFF:127.0.0.1]", "::ffff:7f00:1", None),
        ("a" * 63 + ".b", "a" * 63 + ".b", None),
        ("1.2.3.4.example", "1.2.3.4.example", None),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str, port: int | None) -> None:
    found = Authority.parse(text)
    assert (found.host, found.port) == (host, port)
    assert Authority.parse(str(found)) == found


BAD = {
    "empty": "",
    "no-host": ":443",
    "no-port": "tfhub.dev:",
    "port-zeros": "tfhub.dev:0443",
    "port-signed": "tfhub.dev:+443",
    "port-space": "tfhub.dev:443 ",
    "port-letters": "tfhub.dev:443a",
    "port-too-large": "tfhub.dev:65536",
    "port-long": "tfhub.dev:100000",
    "two-ports": "tfhub.dev:443:443",
    "user": "u@tfhub.dev:443",
    "path": "tfhub.dev/a:443",
    "query": "tfhub.dev?a",
    "fragment": "tfhub.dev#a",
    "scheme": "https://tfhub.dev",
    "escape": "%74fhub.dev:443",
    "backslash": "tfhub.dev\\a",
    "space": "tf hub.dev",
    "underscore": "a_b.example",
    "hyphen-first": "-a.example",
    "hyphen-last": "a-.example",
    "label-empty": "a..example",
    "dot-first": ".example",
    "dot-alone": ".",
    "two-dots-last": "a.example..",
    "label-long": "a" * 64 + ".b",
    "name-long": ".".join(["a" * 60] * 5),
    "short-address": "127.1",
    "hex-address": "0x7f.1",
    "hex-last": "127.0.0.0x1",
    "hex-alone": "0x7f000001",
    "number": "2130706433",
    "octal-address": "0177.0.0.1",
    "five-numbers": "1.2.3.4.5",
    "address-too-large": "256.1.1.1",
    "number-last": "tfhub.1",
    "full-width": "\uff11\uff12\uff17.0.0.1",
    "circled": "①②⑦.⓪.⓪.①",
    "ideographic-dot": "127。0。0。1",
    "not-ascii": "tfhüb.dev",
    "kelvin": "\u212aaggle.com",
    "v6-open": "[::1",
    "v6-no-brackets": "::1",
    "v6-bad": "[:::1]",
    "v6-zone": "[fe80::1%eth0]",
    "v6-behind": "[::1]a",
}


@pytest.mark.parametrize("name", BAD)
def test_what_could_be_two_hosts_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not (HOST:PORT|the n|an address)"):
        Authority.parse(BAD[name])


@given(st.text(alphabet="aA1.-:[]x0%/@ \u212a", max_size=20))
def test_reading_twice_changes_nothing(text: str) -> None:
    try:
        found = Authority.parse(text)
    except ValueError:
        return
    assert Authority.parse(str(found)) == found
    assert found.host == found.host.lower()


def test_a_port_that_is_not_said_is_the_usual_one() -> None:
    said, silent = Authority("a", 443), Authority("a")
    assert said.agrees(silent, default=443)
    assert not said.agrees(silent, default=80)
    assert not said.agrees(Authority("b", 443), default=443)
    assert not said.agrees(Authority("a", 0), default=443)  # which was said


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a.example",
        "a.example.",
        "a_b",
        "127.0.0.1:8440",
        "[::1]",
        "[::1]:80",
        "a:0",
        "a:65535",
    ],
)
def test_hosts_that_clients_send(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a,b", "u@a", "a/b", "a:1:2", "a:65536", "[::1", "[:::::]", "a..b", "é", "a" * 300],
)
def test_hosts_that_are_none(text: str) -> None:
    assert not is_host(text)
