"""Good answers, resumed ones, what is sent, and what is refused before anything is asked."""

import asyncio
import contextlib
import socket

import pytest
from aiohttp import http_parser

from hubproxy.core.fetching import Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import ConfigError, HubproxyError, UpstreamError, UpstreamForbiddenError
from hubproxy.service.ports import Upstream
from hubproxy.upstream.http import HttpUpstream, Timeouts, require_c_parser
from hubproxy.upstream.origin import Origin as Hub
from tests import faults
from tests.origin import Origin
from tests.upstream.conftest import ARCHIVE, PATH, SPICE, Names, Taken, hub

MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"
TAG = '"v1"'


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_module_arrives_whole(
    origin: Origin, upstream: HttpUpstream, framing: faults.Framing
) -> None:
    origin.put(PATH, ARCHIVE, framing=framing, etag=TAG, last_modified=MODIFIED)
    port: Upstream = upstream
    async with port.open(SPICE) as incoming:
        body = b"".join([piece async for piece in incoming.body])
    assert body == ARCHIVE
    assert incoming.offset == 0
    assert incoming.length == (len(ARCHIVE) if framing == "length" else None)
    assert incoming.media_type == "application/gzip"
    assert incoming.validator == TAG
    assert incoming.url == origin.url + PATH


async def test_an_empty_module_is_an_answer_too(origin: Origin, upstream: HttpUpstream) -> None:
    origin.put(PATH, b"")
    taken = await Taken().take(upstream)
    assert (taken.body, taken.answer.length) == (b"", 0)


async def test_upstream_sees_these_headers_and_no_others(
    origin: Origin, upstream: HttpUpstream
) -> None:
    await Taken().take(upstream)
    request = origin.requests[0]
    assert request.target == f"{PATH}?tf-hub-format=compressed"
    assert request.headers.pop("user-agent").startswith("hubproxy/")
    assert request.headers == {
        "host": f"127.0.0.1:{origin.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


async def test_cookies_are_not_kept(origin: Origin, upstream: HttpUpstream) -> None:
    origin.always(PATH, faults.Fault(headers=(("Set-Cookie", "id=1; Path=/"),)))
    await Taken().take(upstream)
    await Taken().take(upstream)
    assert "cookie" not in origin.requests[1].headers


async def test_proxy_variables_and_netrc_are_not_heeded(
    origin: Origin, upstream: HttpUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await Taken().take(upstream)).body == ARCHIVE


async def test_the_url_may_have_a_path_and_another_query(origin: Origin) -> None:
    origin.put("/tfhub.dev" + PATH, ARCHIVE)
    home = hub(origin, url=origin.url + "/tfhub.dev/", query=(("a b", "ü&"),))
    async with HttpUpstream(home) as upstream:
        assert (await Taken().take(upstream)).answer.url == f"{origin.url}/tfhub.dev{PATH}"
    assert origin.requests[0].target == f"/tfhub.dev{PATH}?a+b=%C3%BC%26"


@pytest.mark.parametrize(
    ("tag", "modified", "validator"),
    [
        (TAG, MODIFIED, TAG),
        ("", MODIFIED, MODIFIED),
        ('W/"v1"', MODIFIED, MODIFIED),
        ('W/"v1"', "", ""),
        ("v1", "", ""),
        ('"v\t1"', "", ""),
        ("", "yesterday", ""),
    ],
)
async def test_only_what_identifies_bytes_is_a_validator(
    origin: Origin, upstream: HttpUpstream, tag: str, modified: str, validator: str
) -> None:
    origin.put(PATH, ARCHIVE, etag=tag, last_modified=modified)
    assert (await Taken().take(upstream)).answer.validator == validator


async def test_a_strange_media_type_is_only_bytes(origin: Origin, upstream: HttpUpstream) -> None:
    origin.put(PATH, ARCHIVE, media_type="Application/X-Tar; charset=x")
    assert (await Taken().take(upstream)).answer.media_type == "application/x-tar"
    origin.put(PATH, ARCHIVE, media_type="<script>")
    assert (await Taken().take(upstream)).answer.media_type == "application/octet-stream"


# Resuming


@pytest.mark.parametrize(("tag", "modified"), [(TAG, ""), ("", MODIFIED)])
async def test_a_transfer_is_resumed_where_it_stopped(
    origin: Origin, upstream: HttpUpstream, tag: str, modified: str
) -> None:
    origin.put(PATH, ARCHIVE, etag=tag, last_modified=modified)
    taken = await Taken().take(upstream, Resume(1000, tag or modified))
    assert taken.body == ARCHIVE[1000:]
    assert (taken.answer.offset, taken.answer.length) == (1000, len(ARCHIVE) - 1000)
    assert origin.requests[0].headers["range"] == "bytes=1000-"
    assert origin.requests[0].headers["if-range"] == tag or modified


async def test_a_changed_module_starts_over(origin: Origin, upstream: HttpUpstream) -> None:
    taken = await Taken().take(upstream, Resume(1000, '"older"'))
    assert (taken.answer.offset, taken.body) == (0, ARCHIVE)


async def test_an_upstream_without_ranges_starts_over(
    origin: Origin, upstream: HttpUpstream
) -> None:
    origin.put(PATH, ARCHIVE, etag=TAG)
    origin.misbehave(PATH, faults.Fault(ignore_range=True))
    taken = await Taken().take(upstream, Resume(1000, TAG))
    assert (taken.answer.offset, taken.body) == (0, ARCHIVE)


@pytest.mark.parametrize("resume", [Resume(1000, ""), Resume(0, TAG)])
async def test_without_a_validator_everything_is_asked_for(
    origin: Origin, upstream: HttpUpstream, resume: Resume
) -> None:
    taken = await Taken().take(upstream, resume)
    assert (taken.answer.offset, taken.body) == (0, ARCHIVE)
    assert "range" not in origin.requests[0].headers


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (faults.Fault(shift=1), "another part"),
        (faults.Fault(etag='"v2"', ignore_if_range=True), "changed between"),
        (faults.Fault(etag="", ignore_if_range=True), "changed between"),
        (faults.Fault(headers=(("Content-Range", ""),)), "another part"),
        (faults.Fault(headers=(("Content-Range", "bytes 1000-1999/300000"),)), "only some"),
        (faults.Fault(headers=(("Content-Range", "bytes 1000-999/1000"),)), "only some"),
        (faults.Fault(headers=(("Content-Range", "bytes 1000-1999/2000"),)), "differ"),
        (faults.Fault(headers=(("Content-Range", "lines 1000-299999/300000"),)), "another part"),
        (faults.status(416, "Range Not Satisfiable"), "416"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_part_that_does_not_fit_is_refused(
    origin: Origin, upstream: HttpUpstream, fault: faults.Fault, why: str
) -> None:
    origin.put(PATH, ARCHIVE, etag=TAG)
    origin.misbehave(PATH, fault)
    taken = Taken()
    with pytest.raises(UpstreamError, match=why) as refused:
        await taken.take(upstream, Resume(1000, TAG))
    assert refused.value.transient
    assert taken.pieces == []


@pytest.mark.parametrize(
    ("body", "why"),
    [(ARCHIVE[1000:-1], "298999 bytes of 299000 came"), (ARCHIVE[999:], "more than the 299000")],
)
async def test_a_part_has_the_length_that_its_range_says(
    origin: Origin, upstream: HttpUpstream, body: bytes, why: str
) -> None:
    headers = (("Content-Range", "bytes 1000-299999/300000"), ("ETag", TAG))
    origin.misbehave(PATH, faults.Fault(status=206, body=body, headers=headers, framing="chunked"))
    taken = Taken()
    with pytest.raises(UpstreamError, match=why):
        await taken.take(upstream, Resume(1000, TAG))
    assert len(taken.body) <= len(ARCHIVE) - 1000


async def test_a_part_that_nobody_asked_for_is_refused(
    origin: Origin, upstream: HttpUpstream
) -> None:
    origin.misbehave(PATH, faults.Fault(status=206, reason="Partial Content", body=ARCHIVE[:9]))
    with pytest.raises(UpstreamError, match="a part"):
        await Taken().take(upstream)


# What is refused before anything is asked


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_public_upstream_reaches_no_loopback(origin: Origin, host: str) -> None:
    home = hub(origin, url=f"http://{host}:{origin.port}", private=False)
    why = "is loopback" if host == "127.0.0.1" else "localhost resolves to"
    async with HttpUpstream(home) as upstream:
        with pytest.raises(UpstreamForbiddenError, match=why) as refused:
            await Taken().take(upstream)
    assert "private" in refused.value.remedy
    assert not refused.value.transient
    assert origin.connections == 0


async def test_a_private_upstream_may_have_a_name(origin: Origin) -> None:
    async with HttpUpstream(hub(origin, url=f"http://localhost:{origin.port}")) as upstream:
        assert (await Taken().take(upstream)).body == ARCHIVE


@pytest.mark.parametrize("text", ["kaggle.com/a/b/tfJs/c/1", "tfhub.dev/google/spice"])
async def test_only_exact_handles_of_its_hub_are_asked_for(
    upstream: HttpUpstream, text: str
) -> None:
    with pytest.raises(ValueError, match="not an exact handle"):
        async with upstream.open(Handle.parse(text)):
            pass


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://tfhub.dev"},
        {"url": "tfhub.dev"},
        {"url": "https://user:pw@tfhub.dev"},
        {"url": "https://tfhub.dev?x=1"},
        {"url": "https://127.1"},
        {"url": "https://tfhub.dev/ü"},
        {"url": "https://tfhub.dev", "token": "a", "username": "b"},
        {"url": "https://tfhub.dev", "token": "a\r\nX: y"},
    ],
)
def test_a_home_that_cannot_be_used_is_a_wrong_setting(changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        Hub(hub="tfhub.dev", **changes)  # type: ignore[arg-type]  # a table of text settings


def test_the_c_parser_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    require_c_parser()
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(HubproxyError, match="without its C parser") as refused:
        require_c_parser()
    assert "wheel" in refused.value.remedy


async def test_a_closed_port_is_no_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with HttpUpstream(Hub(hub="tfhub.dev", url=url, private=True)) as upstream:
            with pytest.raises(
                UpstreamError, match=r"no connection \(Connection refused\)"
            ) as refused:
                await Taken().take(upstream)
    assert refused.value.transient


async def test_an_address_that_does_not_take_the_call_is_given_up() -> None:
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        # With its queue full, the kernel drops further calls.
        for _ in range(2):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        home = Hub(hub="tfhub.dev", url=f"http://127.0.0.1:{deaf.getsockname()[1]}", private=True)
        async with HttpUpstream(home, timeouts=Timeouts(connect=0.1)) as upstream:
            with pytest.raises(UpstreamError, match="no connection in time") as refused:
                await Taken().take(upstream)
    assert refused.value.transient


async def test_a_name_that_is_not_found_may_be_found_later(origin: Origin) -> None:
    home = hub(origin, url="http://tfhub.example")
    async with HttpUpstream(home, resolver=Names({})) as upstream:
        with pytest.raises(UpstreamError, match=r"not found \(Name or service") as refused:
            await Taken().take(upstream)
    assert refused.value.transient


async def test_a_name_is_looked_up_once_for_each_connection(origin: Origin) -> None:
    names = Names({"tfhub.example": ["127.0.0.1"]})
    home = hub(origin, url=f"http://tfhub.example:{origin.port}")
    async with HttpUpstream(home, resolver=names) as upstream:
        assert (await Taken().take(upstream)).body == ARCHIVE
    assert names.asked == ["tfhub.example"]
    assert origin.requests[0].headers["host"] == f"tfhub.example:{origin.port}"


async def test_a_name_that_leads_inside_is_not_connected_to(origin: Origin) -> None:
    names = Names({"tfhub.example": ["8.8.8.8", "127.0.0.1"]})
    home = hub(origin, url=f"http://tfhub.example:{origin.port}", private=False)
    async with HttpUpstream(home, resolver=names) as upstream:
        with pytest.raises(UpstreamForbiddenError, match=r"resolves to 127\.0\.0\.1"):
            await Taken().take(upstream)
    assert origin.connections == 0


async def test_an_upstream_is_used_inside_its_context(origin: Origin) -> None:
    with pytest.raises(RuntimeError, match="outside its context"):
        await Taken().take(HttpUpstream(hub(origin)))


async def test_transfers_share_a_rate(origin: Origin) -> None:
    async with HttpUpstream(hub(origin), rate_limit=2_000_000) as upstream:
        began = asyncio.get_running_loop().time()
        taken = await asyncio.gather(*(Taken().take(upstream) for _ in range(2)))
        assert asyncio.get_running_loop().time() - began >= 0.29
    assert [one.body for one in taken] == [ARCHIVE, ARCHIVE]
