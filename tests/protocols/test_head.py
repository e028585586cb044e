from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.errors import HubproxyError
from hubproxy.protocols.head import (
    LONGEST_HEAD,
    LONGEST_LINE,
    MOST_FIELDS,
    Head,
    find_end,
    read_head,
)

GET = b"GET /a/b/1 HTTP/1.1\r\n"
HOST = b"Host: proxy.example\r\n"


def whole(first: bytes, *fields: bytes) -> bytes:
    return first + b"".join(fields) + b"\r\n"


def refusal(call: Any, *arguments: Any) -> HubproxyError:
    with pytest.raises(HubproxyError) as caught:
        call(*arguments)
    return caught.value


def test_a_head_is_read_field_by_field() -> None:
    head = read_head(whole(GET, HOST, b"User-Agent:\t curl/8 \r\n", b"X-A:\r\n", b"x-a: b\r\n"))
    assert (head.method, head.target, head.version) == ("GET", "/a/b/1", (1, 1))
    assert head.fields == (
        ("host", "proxy.example"),
        ("user-agent", "curl/8"),
        ("x-a", ""),
        ("x-a", "b"),
    )
    assert head.get("user-agent") == "curl/8"
    assert head.get("X-A") is None


def test_an_old_client_and_a_connect_need_no_host() -> None:
    assert read_head(whole(b"CONNECT tfhub.dev:443 HTTP/1.1\r\n")).get("host") is None
    assert read_head(whole(b"CONNECT tfhub.dev:443 HTTP/1.0\r\n")).version == (1, 0)


def test_one_empty_line_in_front_is_passed_over() -> None:
    received = b"\r\n" + whole(GET, HOST)
    assert [find_end(received[:count], 0) for count in range(3)] == [None] * 3
    assert find_end(received, 0) == len(received)
    assert read_head(received).target == "/a/b/1"


BAD: dict[str, tuple[int, bytes]] = {
    "no-version": (400, whole(b"GET /a\r\n", HOST)),
    "three-spaces": (400, whole(b"GET  /a HTTP/1.1\r\n", HOST)),
    "a-tab": (400, whole(b"GET\t/a HTTP/1.1\r\n", HOST)),
    "target-not-ascii": (400, whole(b"GET /\xff HTTP/1.1\r\n", HOST)),
    "something-behind": (400, whole(b"GET /a HTTP/1.1x\r\n", HOST)),
    "lower-case-version": (400, whole(b"GET /a http/1.1\r\n", HOST)),
    "0.9": (505, whole(b"GET /a HTTP/0.9\r\n", HOST)),
    "1.2": (505, whole(b"GET /a HTTP/1.2\r\n", HOST)),
    "2.0": (505, whole(b"PRI * HTTP/2.0\r\n")),
    "no-host": (400, whole(GET)),
    "two-hosts": (400, whole(GET, HOST, HOST)),
    "two-ranges": (400, whole(GET, HOST, b"Range: bytes=0-\r\n", b"range: bytes=1-\r\n")),
    "two-authorizations": (400, whole(GET, HOST, b"Authorization: a\r\n" * 2)),
    "folded": (400, whole(GET, HOST, b"X-A: b\r\n c\r\n")),
    "folded-at-once": (400, whole(GET, b" Host: a\r\n")),
    "no-colon": (400, whole(GET, HOST, b"X-A\r\n")),
    "no-name": (400, whole(GET, HOST, b": b\r\n")),
    "space-before-colon": (400, whole(GET, HOST, b"X-A : b\r\n")),
    "control-character": (400, whole(GET, HOST, b"X-A: b\x0bc\r\n")),
    "delete-character": (400, whole(GET, HOST, b"X-A: b\x7fc\r\n")),
    "length": (400, whole(GET, HOST, b"Content-Length: 5\r\n")),
    "length-zeros": (400, whole(GET, HOST, b"Content-Length: 00\r\n")),
    "length-empty": (400, whole(GET, HOST, b"Content-Length:\r\n")),
    "chunks": (400, whole(GET, HOST, b"Transfer-Encoding: chunked\r\n")),
    "identity": (400, whole(GET, HOST, b"Transfer-Encoding: identity\r\n")),
    "transfer-encoding-empty": (400, whole(GET, HOST, b"Transfer-Encoding:\r\n")),
    "post": (405, whole(b"POST /a HTTP/1.1\r\n", HOST, b"Content-Length: 5\r\n")),
    "expectation": (417, whole(GET, HOST, b"Expect: tea\r\n")),
    "long-field": (431, whole(GET, HOST, b"X-A: " + b"b" * LONGEST_LINE + b"\r\n")),
    "many-fields": (431, whole(GET, HOST, *[b"X-A: b\r\n"] * MOST_FIELDS)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_be_read_in_two_ways_is_refused(name: str) -> None:
    status, head = BAD[name]
    assert find_end(head, 0) == len(head)
    assert refusal(read_head, head).status == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "a"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "identity"),
        ("Expect", "100-continue"),
        ("Range", "bytes=0-1"),
        ("If-Range", '"a"'),
        ("Authorization", "Bearer a"),
        ("Proxy-Authorization", "Bearer a"),
        ("Upgrade", "h2c"),
        ("User-Agent", "curl/8"),
    ],
)
def test_what_says_one_thing_is_said_once(name: str, value: str) -> None:
    """Also twice the same, which is no list."""
    once = f"{name}: {value}\r\n".encode()
    for twice in (once * 2, once + once.lower(), once + b"X-A: b\r\n" + once):
        head = whole(GET, HOST if name != "Host" else b"", twice)
        assert refusal(read_head, head).status == 400


def test_many_blanks_take_no_more_time_than_other_characters() -> None:
    head = whole(GET, HOST, b"X-A:" + b" " * 8000 + b"\x01\r\n")
    begun = process_time()
    for _ in range(300):
        assert refusal(read_head, head).status == 400
    assert process_time() - begun < 10


def test_the_bounds_are_what_clients_need_and_no_more() -> None:
    assert 16 * 1024 <= LONGEST_HEAD <= 64 * 1024
    assert 8000 <= LONGEST_LINE <= 16 * 1024
    assert 50 <= MOST_FIELDS <= 200


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(b"Content-Length: 0\r\n", id="an-empty-body"),
        pytest.param(b"Expect: 100-Continue\r\n", id="expect"),
        pytest.param(b"X-A: caf\xe9\r\n", id="latin-1"),
        pytest.param(b"X-A: b\tc\r\n", id="tab-inside"),
        pytest.param(b"Upgrade: h2c\r\n", id="upgrade"),
    ],
)
def test_what_harms_nobody_passes(field: bytes) -> None:
    assert read_head(whole(GET, HOST, field)).get("host") == "proxy.example"


def test_the_end_is_found_however_the_head_comes() -> None:
    received = whole(GET, HOST) + b"GET /b"
    for first in range(1, len(received)):
        seen = bytearray(received[:first])
        end = find_end(seen, 0)
        assert end == (len(received) - 6 if first >= len(received) - 6 else None)
        if end is None:
            seen += received[first:]
            assert find_end(seen, first) == len(received) - 6


IMPOSSIBLE: dict[str, tuple[int, bytes]] = {
    "tls": (400, b"\x16\x03\x01"),
    "two-empty-lines-first": (400, b"\r\n\r\n"),
    "carriage-return-first": (400, b"\rGET"),
    "line-feed-first": (400, b"\nGET"),
    "long-line-behind-an-empty-one": (414, b"\r\nGET /" + b"a" * LONGEST_LINE),
    "space-first": (400, b" GET"),
    "bare-line-feed": (400, b"GET / HTTP/1.1\n"),
    "bare-line-feed-in-a-field": (400, GET + b"Host: a\n"),
    "bare-carriage-return": (400, GET + b"Host: a\rb"),
    "carriage-return-twice": (400, GET + b"Host: a\r\r\n"),
    "nul": (400, GET + b"Host: a\x00"),
    "bare-line-feed-at-the-end": (400, GET + b"Host: a\r\n\n"),
    "long-line": (414, b"GET /" + b"a" * LONGEST_LINE),
    "long-line-that-ends": (414, b"GET /" + b"a" * LONGEST_LINE + b" HTTP/1.1\r\n"),
    "long-head": (431, GET + b"X-A: bbbbbbbb\r\n" * (LONGEST_HEAD // 15)),
    "long-head-that-ends": (431, GET + b"X-A: bbbbbbbb\r\n" * (LONGEST_HEAD // 15) + b"\r\n"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_can_be_no_head_is_not_waited_for(name: str) -> None:
    status, received = IMPOSSIBLE[name]
    assert refusal(find_end, received, 0).status == status


@pytest.mark.parametrize("name", [name for name in IMPOSSIBLE if name != "long-head-that-ends"])
def test_so_is_what_comes_a_byte_at_a_time(name: str) -> None:
    status, received = IMPOSSIBLE[name]

    def dribble() -> None:
        came = bytearray()
        for number in range(len(received)):
            came.append(received[number])
            assert find_end(came, number) is None
        raise AssertionError("it was waited for")

    assert refusal(dribble).status == status


@pytest.mark.parametrize(
    ("version", "connection", "persistent"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: keep-alive, Close\r\n", False),
        (b"1.1", b"Connection: x\r\nConnection: close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
        (b"1.0", b"Connection: keep-alive, close\r\n", False),
    ],
)
def test_whether_another_request_may_follow(
    version: bytes, connection: bytes, persistent: bool
) -> None:
    head = read_head(whole(b"GET / HTTP/" + version + b"\r\n", HOST, connection))
    assert head.persistent is persistent
    again = read_head(head.rewritten("/x"))
    assert again.persistent is persistent


def test_what_is_handed_on_has_no_hop_by_hop_fields_and_keeps_the_rest() -> None:
    """Also what `Connection` names: it cannot take away what others are to see."""
    head = read_head(
        whole(
            b"GET http://tfhub.dev/a/1 HTTP/1.1\r\n",
            b"Host: tfhub.dev\r\n",
            b"Connection: Range, Upgrade, HTTP2-Settings, X-Forwarded-For\r\n",
            b"Proxy-Authorization: Basic c2VjcmV0\r\n",
            b"Proxy-Connection: keep-alive\r\n",
            b"Keep-Alive: timeout=5\r\n",
            b"TE: trailers\r\n",
            b"Trailer: X-A\r\n",
            b"Upgrade: h2c\r\n",
            b"HTTP2-Settings: AAMAAABk\r\n",
            b"Content-Length: 0\r\n",
            b"Expect: 100-continue\r\n",
            b"Range: bytes=0-1\r\n",
        )
    )
    assert read_head(head.rewritten("/tfhub.dev/a/1")) == Head(
        "GET",
        "/tfhub.dev/a/1",
        (1, 1),
        (("host", "tfhub.dev"), ("range", "bytes=0-1"), ("connection", "keep-alive")),
    )


def test_the_members_of_a_list_come_from_all_its_lines() -> None:
    head = read_head(whole(GET, HOST, b"Via: 1.0 a, 1.1 b\r\n", b"Via: , 1.1 c,\r\n"))
    assert head.tokens("via") == ["1.0 a", "1.1 b", "1.1 c"]
    assert head.tokens("x") == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(received: bytes) -> None:
    try:
        end = find_end(received, 0)
        if end is not None:
            read_head(received[:end])
    except HubproxyError:
        pass


@given(
    st.lists(
        st.sampled_from([b"GET ", b"/a", b" HTTP/1.1", b"\r\n", b"\n", b"Host: a", b": ", b"\r"])
    )
)
def test_what_is_read_has_one_reading(pieces: list[bytes]) -> None:
    received = b"".join(pieces)
    try:
        end = find_end(received, 0)
        if end is not None:
            head = read_head(received[:end])
            assert received[:end].count(b"\n") == len(head.fields) + 2
            assert received[:end].count(b"\r") == len(head.fields) + 2
    except HubproxyError:
        pass
