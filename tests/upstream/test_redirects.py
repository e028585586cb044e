"""How hosts are spelled, and where a redirect may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.errors import UpstreamForbiddenError
from hubproxy.upstream.redirects import Redirects, Target, canonical_host

HOSTS = {
    "TFHub.dev": "tfhub.dev",
    "tfhub.dev.": "tfhub.dev",
    "localhost": "localhost",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "127.0.0.1": "127.0.0.1",
    "1.2.3.4.": "1.2.3.4",
    "[::1]": "::1",
    "2001:DB8:0:0::1": "2001:db8::1",
    "::ffff:127.0.0.1": "::ffff:7f00:1",
}
NOT_HOSTS = [
    *("", ".", "..", "tfhub..dev", ".tfhub.dev", "-a.example", "a-.example", "a_b.example"),
    *("0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.0.0.0x1", "1.2.3", "09.1"),
    *("256.1.1.1", "1.2.3.4.5", "a.example.1", "0x", "127.0.0.01"),
    *(
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "bücher.example",
        "\uff54fhub.dev",
        "tfhub.dev\u200b",
        "\u212aaggle.com",
    ),
    *("%31%32%37.0.0.1", "user@tfhub.dev", "tfhub.dev/", "tfhub.dev\n", " tfhub.dev", "a b"),
    *("fe80::1%eth0", "[fe80::1%25eth0]", "::g", "1:2", "a" * 64 + ".example", "a." * 127 + "b"),
]


@pytest.mark.parametrize(("host", "canonical"), HOSTS.items())
def test_a_host_has_one_spelling(host: str, canonical: str) -> None:
    assert canonical_host(host) == canonical


@pytest.mark.parametrize("host", NOT_HOSTS)
def test_what_is_not_a_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical_host(host)


def test_253_characters_are_a_host_and_254_are_not() -> None:
    name = ("a" * 49 + ".") * 5 + "abc"
    assert canonical_host(name) == name
    with pytest.raises(ValueError, match="not the name"):
        canonical_host(name + "d")


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9.:\[\]-]+"), st.ip_addresses().map(str)))
def test_the_canonical_spelling_is_its_own(host: str) -> None:
    try:
        once = canonical_host(host)
    except ValueError:
        return
    assert canonical_host(once) == once


HOME = Target.parse("https://tfhub.dev/google/spice/2?tf-hub-format=compressed")
REDIRECTS = Redirects(HOME, ("storage.googleapis.com", "*.kaggle.com"))

ALLOWED = {
    "/other/path": "https://tfhub.dev/other/path",
    "3?x=%2F%20+y": "https://tfhub.dev/google/spice/3?x=%2F%20+y",
    "https://TFHUB.dev:443/x#part": "https://tfhub.dev/x",
    "https://storage.googleapis.com/b/o?X-Goog-Signature=a%2Bb/c": (
        "https://storage.googleapis.com/b/o?X-Goog-Signature=a%2Bb/c"
    ),
    "//www.kaggle.com": "https://www.kaggle.com/",
    "https://a.b.kaggle.com./x": "https://a.b.kaggle.com/x",
}
REFUSED = {
    "https://evil.example/x": "evil.example is not among",
    "https://kaggle.com/x": "kaggle.com is not among",
    "https://evilkaggle.com/x": "not among",
    "https://storage.googleapis.com.evil.example/": "not among",
    "http://tfhub.dev/x": "from https to",
    "http://storage.googleapis.com/x": "from https to",
    "file:///etc/passwd": "scheme is 'file'",
    "ftp://tfhub.dev/x": "scheme is 'ftp'",
    "javascript:alert(1)": "scheme is 'javascript'",
    "https://user:secret@tfhub.dev/x": "user name",
    "https://tfhub.dev@evil.example/x": "user name",
    "https://169.254.169.254/latest/meta-data": "169.254.169.254 is not among",
    "https://[::1]/x": "::1 is not among",
    "https://[fe80::1%25eth0]/": "zone",
    "https://0x7f.1/": "Expected 4 octets",
    "https://2130706433/": "Expected 4 octets",
    "http:///x": "names no host",
    "https://tfhub.dev:22/x": "port 22",
    "https://storage.googleapis.com:8443/x": "port 8443",
    "https://tfhub.dev:0/x": "port is '0'",
    "https://tfhub.dev:99999/x": "port is '99999'",
    "https://tfhub.dev\\@evil.example/": "characters",
    "https://tfhub.dev/a b": "characters",
    "https://tfhub.dev/\r\nX: y": "characters",
    "https://tfhub.dev/ü": "characters",
    "": "characters",
    "https://tfhub.dev/" + "x" * 9000: "too long",
}


@pytest.mark.parametrize(("location", "url"), ALLOWED.items())
def test_a_redirect_may_lead_to(location: str, url: str) -> None:
    assert REDIRECTS.follow(HOME, location).url == url


@pytest.mark.parametrize(("location", "why"), REFUSED.items(), ids=lambda text: text[:40])
def test_a_redirect_may_not_lead_to(location: str, why: str) -> None:
    with pytest.raises(UpstreamForbiddenError, match="redirects to a place") as refused:
        REDIRECTS.follow(HOME, location)
    assert why in str(refused.value)
    assert not refused.value.transient
    assert "secret" not in str(refused.value)


def test_a_plain_home_may_redirect_to_plain_places() -> None:
    home = Target.parse("http://mirror.example/tfhub.dev")
    assert Redirects(home, ()).follow(home, "/x").url == "http://mirror.example/x"
    secure = Target.parse("https://mirror.example/x")
    with pytest.raises(UpstreamForbiddenError, match="from https to"):
        Redirects(home, ()).follow(secure, "http://mirror.example/x")


def test_a_private_home_may_use_any_port() -> None:
    home = Target.parse("http://127.0.0.1:9000/tfhub.dev")
    assert Redirects(home, (), any_port=True).follow(home, "//127.0.0.1:9001/x").port == 9001


def test_a_url_keeps_its_brackets_and_port() -> None:
    target = Target.parse("http://[2001:DB8::1]:8080/x?y")
    assert target.url == "http://[2001:db8::1]:8080/x?y"
    assert target.shown == "http://[2001:db8::1]:8080/x"
    with pytest.raises(ValueError, match="not the name"):
        Target.parse("http://2001:db8::1/x")
