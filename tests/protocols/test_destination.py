import pytest

from hubproxy.errors import DeniedError, HubproxyError
from hubproxy.protocols.authority import Authority
from hubproxy.protocols.destination import (
    Allowed,
    connect_target,
    forward_target,
    named,
    reverse_target,
    tunnel_target,
)
from hubproxy.protocols.head import Head

ALLOWED = Allowed(frozenset({"tfhub.dev"}))


def head(target: str, host: str | None = None, method: str = "GET") -> Head:
    return Head(method, target, (1, 1), () if host is None else (("host", host),))


def test_the_reverse_port_takes_a_path() -> None:
    assert reverse_target(head("/tfhub.dev/a/1?x=1", "any.example:8440")) == "/tfhub.dev/a/1?x=1"


def test_a_post_asks_officers_for_a_module_and_nothing_else() -> None:
    target = "/-/request/tfhub.dev/a/1"
    assert reverse_target(head(target, "any.example", "POST")) == target


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param(head("/a", "a b"), 400, id="host"),
        pytest.param(head("http://tfhub.dev/a/1", "tfhub.dev"), 400, id="absolute"),
        pytest.param(head("tfhub.dev:443", "tfhub.dev"), 400, id="authority"),
        pytest.param(head("*", "a"), 400, id="asterisk"),
        pytest.param(head("//tfhub.dev/a/1", "a"), 400, id="two-slashes"),
        pytest.param(head("/-/client/../x", "a"), 400, id="dots"),
        pytest.param(head("/a", "a", "POST"), 405, id="post"),
        pytest.param(head("/-/why/tfhub.dev/a/1", "a", "POST"), 405, id="post-to-a-page"),
        pytest.param(head("/-/request/tfhub.dev/a/1", "a", "PUT"), 405, id="put"),
        pytest.param(head("tfhub.dev:443", "a", "CONNECT"), 405, id="connect"),
    ],
)
def test_the_reverse_port_takes_nothing_else(asked: Head, status: int) -> None:
    with pytest.raises(HubproxyError) as caught:
        reverse_target(asked)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("http://tfhub.dev/a/1?x=1", "/tfhub.dev/a/1?x=1"),
        ("https://tfhub.dev/a/1", "/tfhub.dev/a/1"),
        ("HTTP://TFHUB.dev:80/a/1", "/tfhub.dev/a/1"),
        ("https://www.tfhub.dev:443/a/1", "/www.tfhub.dev/a/1"),
        ("http://tfhub.dev", "/tfhub.dev/"),
        ("http://tfhub.dev?x=1", "/tfhub.dev/?x=1"),
    ],
)
def test_the_forward_port_takes_urls_of_the_hubs(target: str, wanted: str) -> None:
    assert forward_target(head(target), ALLOWED) == wanted
    host = target.split("/")[2].partition("?")[0]
    assert forward_target(head(target, host), ALLOWED) == wanted


FORWARD_REFUSED = {
    "origin-form": (head("/tfhub.dev/a/1", "tfhub.dev"), 400, "BAD_REQUEST"),
    "ftp": (head("ftp://tfhub.dev/a/1", "tfhub.dev"), 400, "BAD_REQUEST"),
    "no-scheme": (head("tfhub.dev/a/1", "tfhub.dev"), 400, "BAD_REQUEST"),
    "asterisk": (head("*", "tfhub.dev"), 400, "BAD_REQUEST"),
    "no-host": (head("http:///a/1", "tfhub.dev"), 400, "BAD_REQUEST"),
    "user": (head("http://u@tfhub.dev/a/1", "tfhub.dev"), 400, "BAD_REQUEST"),
    "fragment": (head("http://tfhub.dev/a/1#b", "tfhub.dev"), 400, "BAD_REQUEST"),
    "fragment-of-a-query": (head("http://tfhub.dev/a/1?b#c", "tfhub.dev"), 400, "BAD_REQUEST"),
    "host-differs": (head("http://tfhub.dev/a/1", "a.example"), 400, "BAD_REQUEST"),
    "host-port-differs": (head("http://tfhub.dev/a/1", "tfhub.dev:8080"), 400, "BAD_REQUEST"),
    "host-no-host": (head("http://tfhub.dev/a/1", "a b"), 400, "BAD_REQUEST"),
    "post": (head("http://tfhub.dev/a/1", "tfhub.dev", "POST"), 405, "METHOD_NOT_ALLOWED"),
    "no-hub": (head("http://a.example/a/1", "a.example"), 403, "NOT_A_HUB"),
    "address": (head("http://127.0.0.1:8440/-/live", "127.0.0.1:8440"), 403, "NOT_A_HUB"),
    "port": (head("http://tfhub.dev:8080/a/1", "tfhub.dev:8080"), 403, "FORBIDDEN_PORT"),
    "two-slashes": (head("http://tfhub.dev//a/1", "tfhub.dev"), 400, "BAD_REQUEST"),
    "other-schemes-port": (head("http://tfhub.dev:443/a", "tfhub.dev:443"), 403, "FORBIDDEN_PORT"),
}


@pytest.mark.parametrize("name", FORWARD_REFUSED)
def test_the_forward_port_takes_nothing_else(name: str) -> None:
    asked, status, code = FORWARD_REFUSED[name]
    with pytest.raises(HubproxyError) as caught:
        forward_target(asked, ALLOWED)
    assert (caught.value.status, caught.value.code) == (status, code)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/a/1?x=1", "tfhub.dev"),
        ("/a/1?x=1", "TFHUB.dev:443"),
        ("/a/1?x=1", None),
        ("https://tfhub.dev/a/1?x=1", "tfhub.dev"),
        ("https://tfhub.dev:443/a/1?x=1", "tfhub.dev"),
    ],
)
def test_a_tunnel_takes_what_is_for_its_host(target: str, host: str | None) -> None:
    assert tunnel_target(head(target, host), "tfhub.dev") == "/tfhub.dev/a/1?x=1"


TUNNEL_REFUSED = {
    "host-differs": (head("/a/1", "a.example"), 421),
    "host-www": (head("/a/1", "www.tfhub.dev"), 421),
    "host-port-differs": (head("/a/1", "tfhub.dev:80"), 421),
    "host-no-host": (head("/a/1", "a/b"), 400),
    "url-differs": (head("https://a.example/a/1", "tfhub.dev"), 421),
    "url-plain": (head("http://tfhub.dev/a/1", "tfhub.dev"), 421),
    "url-plain-on-443": (head("http://tfhub.dev:443/a/1", "tfhub.dev"), 421),
    "url-port-differs": (head("https://tfhub.dev:444/a/1", "tfhub.dev"), 421),
    "asterisk": (head("*", "tfhub.dev"), 400),
    "dots": (head("/-/../a", "tfhub.dev"), 400),
    "dots-in-a-url": (head("https://tfhub.dev/-/../a", "tfhub.dev"), 400),
    "trace": (head("/a/1", "tfhub.dev", "TRACE"), 405),
    "connect": (head("tfhub.dev:443", "tfhub.dev:443", "CONNECT"), 405),
}


@pytest.mark.parametrize("name", TUNNEL_REFUSED)
def test_a_tunnel_takes_nothing_else(name: str) -> None:
    asked, status = TUNNEL_REFUSED[name]
    with pytest.raises(HubproxyError) as caught:
        tunnel_target(asked, "tfhub.dev")
    assert caught.value.status == status


@pytest.mark.parametrize("host", [None, "tfhub.dev", "tfhub.dev:443"])
def test_a_connect_names_host_and_port(host: str | None) -> None:
    found = connect_target(head("TFHUB.dev.:443", host, "CONNECT"))
    assert found == Authority("tfhub.dev", 443)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        pytest.param("tfhub.dev", "tfhub.dev", id="no-port"),
        pytest.param("https://tfhub.dev:443", "tfhub.dev", id="url"),
        pytest.param("/", "tfhub.dev", id="path"),
        pytest.param("127.1:443", "127.1", id="short-address"),
        pytest.param("tfhub.dev:443", "a.example", id="host-differs"),
        pytest.param("tfhub.dev:443", "tfhub.dev:80", id="host-port-differs"),
        pytest.param("tfhub.dev:443", "a b", id="host-no-host"),
    ],
)
def test_a_connect_that_names_no_one_or_two_is_refused(target: str, host: str) -> None:
    with pytest.raises(HubproxyError) as caught:
        connect_target(head(target, host, "CONNECT"))
    assert caught.value.status == 400


@pytest.mark.parametrize("host", ["tfhub.dev", "www.tfhub.dev"])
def test_a_hub_is_intercepted(host: str) -> None:
    assert ALLOWED.judge(Authority(host, 443)) == "intercept"


@pytest.mark.parametrize(
    ("host", "port", "code"),
    [
        ("tfhub.dev", 22, "FORBIDDEN_PORT"),
        ("tfhub.dev", 80, "FORBIDDEN_PORT"),
        ("tfhub.dev", 0, "FORBIDDEN_PORT"),
        ("a.tfhub.dev", 443, "NOT_A_HUB"),
        ("tfhub.dev.example", 443, "NOT_A_HUB"),
        ("xtfhub.dev", 443, "NOT_A_HUB"),
        ("www.www.tfhub.dev", 443, "NOT_A_HUB"),
        ("127.0.0.1", 443, "NOT_A_HUB"),
        ("::1", 443, "NOT_A_HUB"),
    ],
)
def test_nothing_else_is_reached(host: str, port: int, code: str) -> None:
    with pytest.raises(DeniedError) as caught:
        ALLOWED.judge(Authority(host, port))
    assert (caught.value.status, caught.value.code) == (403, code)


@pytest.mark.parametrize(
    ("patterns", "host", "may"),
    [
        (("store.example",), "store.example", True),
        (("store.example",), "a.store.example", False),
        (("*.store.example",), "a.store.example", True),
        (("*.store.example",), "store.example", False),
        (("*.store.example",), "xstore.example", False),
        (("a.example", "*"), "store.example", True),
        ((), "store.example", False),
    ],
)
def test_what_the_admin_lists_is_tunnelled_to(
    patterns: tuple[str, ...], host: str, may: bool
) -> None:
    allowed = Allowed(frozenset({"tfhub.dev"}), patterns)
    assert allowed.judge(Authority("tfhub.dev", 443)) == "intercept"
    if may:
        assert allowed.judge(Authority(host, 443)) == "tunnel"
        with pytest.raises(DeniedError, match="is not on port 443"):
            allowed.judge(Authority(host, 8443))
    else:
        with pytest.raises(DeniedError, match="is no hub"):
            allowed.judge(Authority(host, 443))


def test_who_is_named_is_known_of_refused_requests_too() -> None:
    assert named(head("a.example:22", "b", "CONNECT")) == Authority("a.example", 22)
    assert named(head("http://a.example/x", "b")) == Authority("a.example")
    assert named(head("127.1:22", "b", "CONNECT")) is None
    assert named(head("/x", "b")) is None
