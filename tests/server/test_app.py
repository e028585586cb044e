"""Answers of a daemon that has the module: representations, ranges, and conditions."""

import base64
import gzip
import hashlib
import zlib

import pytest

from tests.server.raw import Raw, get
from tests.site import PYTHON, SPICE, Site

CURL = {"User-Agent": "curl/8.5.0"}
Warm = tuple[Site, bytes]
pytestmark = pytest.mark.asyncio(loop_scope="module")

# Range header -> first byte, and the one after the last; of a body of some megabytes.
RANGES: list[tuple[str, str, slice]] = [
    ("the-first-byte", "bytes=0-0", slice(0, 1)),
    ("the-first-bytes", "bytes=0-99", slice(0, 100)),
    ("across-the-first-block", "bytes=65530-65560", slice(65530, 65561)),
    ("in-the-middle", "bytes=1000000-2999999", slice(1_000_000, 3_000_000)),
    ("across-a-chunk", "bytes=4194300-4194310", slice(4_194_300, 4_194_311)),
    ("open-ended", "bytes=5000000-", slice(5_000_000, None)),
    ("the-last-bytes", "bytes=-100", slice(-100, None)),
    ("the-last-byte", "bytes=-1", slice(-1, None)),
    ("over-the-end", "bytes=5000000-99999999999", slice(5_000_000, None)),
    ("more-than-all", "bytes=-99999999999", slice(0, None)),
    ("all", "bytes=0-", slice(0, None)),
]
WHOLE = [
    pytest.param("bytes=0-1,4-5", id="several"),
    pytest.param("bytes=" + ",".join(f"{at}-{at}" for at in range(500)), id="hundreds"),
    pytest.param("bytes=5-2", id="backwards"),
    pytest.param("bytes=-", id="nothing"),
    pytest.param("bytes=a-b", id="no-numbers"),
    pytest.param("bytes=--5", id="negative"),
    pytest.param("lines=0-5", id="another-unit"),
    pytest.param("bytes=0-" + "9" * 40, id="absurd"),
    pytest.param("0-5", id="no-unit"),
]


def ids(rows: list[tuple[str, str, slice]]) -> list[object]:
    return [pytest.param(header, part, id=name) for name, header, part in rows]


async def test_head_tells_what_get_would_send(warm: Warm) -> None:
    site, _ = warm
    for agent in (PYTHON, CURL):
        head = await site.get(SPICE, agent, method="HEAD")
        got = await site.get(SPICE, agent)
        assert head.body == b""
        assert {**head.headers, "Date": ""} == {**got.headers, "Date": ""}
        assert (head.status, head.reason) == (got.status, got.reason)


async def test_head_fetches_nothing(warm: Warm) -> None:
    site, _ = warm
    handle = "tfhub.dev/google/unread/1"
    wanted = site.put(handle)
    await site.approve(handle)

    head = await site.get(handle, method="HEAD")

    assert head.headers["Content-Length"] == str(len(wanted))
    assert "hit" not in head.headers["Cache-Status"]
    assert site.fetches(handle) == 0
    assert (site.events()[-1].outcome, site.events()[-1].cache) == ("served", "miss")
    assert (await site.get(handle)).headers["Cache-Status"] == "hubproxy; fwd=uri-miss; stored"


async def test_head_of_a_module_that_is_refused_says_why(warm: Warm) -> None:
    site, _ = warm
    head = await site.get("tfhub.dev/google/nnlm/1", method="HEAD")
    assert (head.status, head.body) == (403, b"")
    assert "HP-T01" in head.reason


@pytest.mark.parametrize(("header", "part"), ids(RANGES))
async def test_a_range_of_the_tar(warm: Warm, header: str, part: slice) -> None:
    site, wanted = warm
    got = await site.get(SPICE, {**PYTHON, "Range": header})
    start, end, _ = part.indices(len(wanted))
    assert got.status == 206
    assert got.body == wanted[part]
    assert got.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(wanted)}"
    assert got.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize(("header", "part"), ids(RANGES))
async def test_a_range_of_the_gzip(warm: Warm, header: str, part: slice) -> None:
    site, _ = warm
    whole = (await site.get(SPICE, CURL)).body
    got = await site.get(SPICE, {**CURL, "Range": header})
    assert (got.status, got.body) == (206, whole[part])


@pytest.mark.parametrize("header", WHOLE)
async def test_what_is_no_single_range_gets_the_whole(warm: Warm, header: str) -> None:
    site, wanted = warm
    got = await site.get(SPICE, {**PYTHON, "Range": header})
    assert (got.status, got.body) == (200, wanted)


@pytest.mark.parametrize("agent", [PYTHON, CURL], ids=["tar", "gzip"])
async def test_a_range_behind_the_end_is_told_the_size(warm: Warm, agent: dict[str, str]) -> None:
    site, _ = warm
    size = (await site.get(SPICE, agent, method="HEAD")).headers["Content-Length"]

    got = await site.get(SPICE, {**agent, "Range": f"bytes={size}-"})

    assert got.status == 416
    assert got.headers["Content-Range"] == f"bytes */{size}"
    assert got.problem["code"] == "RANGE_NOT_SATISFIABLE"
    event = site.events()[-1]
    assert (event.outcome, event.status, event.bytes) == ("refused", 416, 0)


async def test_if_range_gives_the_part_only_of_the_same_bytes(warm: Warm) -> None:
    site, wanted = warm
    tag = (await site.get(SPICE, method="HEAD")).headers["ETag"]
    other = (await site.get(SPICE, CURL, method="HEAD")).headers["ETag"]
    part = {**PYTHON, "Range": "bytes=10-19"}

    assert (await site.get(SPICE, {**part, "If-Range": tag})).body == wanted[10:20]
    for wrong in (other, f"W/{tag}", '"x"', "Mon, 23 Nov 2026 00:00:00 GMT"):
        assert (await site.get(SPICE, {**part, "If-Range": wrong})).body == wanted


async def test_the_tar_and_its_gzip_have_different_tags(warm: Warm) -> None:
    site, _ = warm
    tar, framed = await site.get(SPICE), await site.get(SPICE, CURL)
    assert tar.headers["ETag"] != framed.headers["ETag"]
    assert tar.headers["Vary"] == framed.headers["Vary"] == "User-Agent"


async def test_repr_digest_is_that_of_the_body(warm: Warm) -> None:
    site, wanted = warm
    digest = base64.b64encode(hashlib.sha256(wanted).digest()).decode()
    whole = await site.get(SPICE)
    part = await site.get(SPICE, {**PYTHON, "Range": "bytes=0-0"})
    assert whole.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert part.headers["Repr-Digest"] == whole.headers["Repr-Digest"]  # of the whole as well


async def test_the_gzip_unpacks_to_exactly_the_tar(warm: Warm) -> None:
    site, wanted = warm
    assert gzip.decompress((await site.get(SPICE, CURL)).body) == wanted


async def test_a_gzip_put_together_from_ranges_unpacks_as_well(warm: Warm) -> None:
    site, wanted = warm
    size = int((await site.get(SPICE, CURL, method="HEAD")).headers["Content-Length"])
    unpack, step = zlib.decompressobj(wbits=31), 1_000_003
    unpacked = b""
    for at in range(0, size, step):
        got = await site.get(SPICE, {**CURL, "Range": f"bytes={at}-{at + step - 1}"})
        unpacked += unpack.decompress(got.body)
    assert unpack.eof  # with the right CRC and length
    assert unpacked == wanted


@pytest.mark.parametrize(
    ("query", "agent", "media_type"),
    [
        pytest.param("", PYTHON, "application/x-tar", id="python"),
        pytest.param("", CURL, "application/gzip", id="curl"),
        pytest.param("?format=tar.gz", PYTHON, "application/gzip", id="python-wants-gzip"),
        pytest.param("?format=tar", CURL, "application/x-tar", id="curl-wants-a-tar"),
        pytest.param(
            "?tf-hub-format=compressed&tf-hub-format=compressed",
            PYTHON,
            "application/x-tar",
            id="tensorflow-hub-with-a-pasted-parameter",
        ),
    ],
)
async def test_the_form_is_the_one_asked_for(
    warm: Warm, query: str, agent: dict[str, str], media_type: str
) -> None:
    site, wanted = warm
    got = await site.get(SPICE, agent, query=query)
    assert got.headers["Content-Type"] == media_type
    assert (gzip.decompress(got.body) if "gzip" in media_type else got.body) == wanted


async def test_an_unknown_form_is_refused(warm: Warm) -> None:
    site, _ = warm
    got = await site.get(SPICE, query="?format=zip")
    assert (got.status, got.problem["code"]) == (400, "BAD_REQUEST")


async def test_who_has_it_already_is_told_so_and_that_is_on_record(warm: Warm) -> None:
    site, _ = warm
    tag = (await site.get(SPICE)).headers["ETag"]
    for method in ("GET", "HEAD"):
        got = await site.get(SPICE, {**PYTHON, "If-None-Match": tag}, method=method)
        assert (got.status, got.body) == (304, b"")
        assert got.headers["ETag"] == tag
        event = site.events()[-1]
        assert (event.outcome, event.status, event.bytes) == ("not-modified", 304, 0)


async def test_the_verdict_comes_before_not_modified(warm: Warm) -> None:
    site, _ = warm
    handle = "tfhub.dev/google/leaky/1"
    site.put(handle)
    record = await site.approve(handle)
    tag = (await site.get(handle)).headers["ETag"]
    await site.revoke(record, reason="it leaks")

    for method in ("GET", "HEAD"):
        got = await site.get(handle, {**PYTHON, "If-None-Match": tag}, method=method)
        assert got.status == 410
        assert "it leaks" in got.reason


async def test_one_connection_carries_many_requests(warm: Warm) -> None:
    site, wanted = warm
    async with Raw(site.url) as raw:
        for request in (
            get(f"/{SPICE}", "User-Agent: Python-urllib/3.11"),
            get("/-/live"),
            get(f"/{SPICE}", "User-Agent: Python-urllib/3.11", "Range: bytes=5-9"),
            get("/tfhub.dev/google/nnlm/1"),
            get(
                f"/{SPICE}",
                "User-Agent: Python-urllib/3.11",
                version="1.0\r\nConnection: keep-alive",
            ),
        ):
            raw.say(request)
            answer = await raw.answer()
            if answer.status in (200, 206) and b"GET /-/" not in request:
                assert answer.body in (wanted, wanted[5:10])


async def test_pipelined_requests_are_answered_in_their_order(warm: Warm) -> None:
    site, wanted = warm
    async with Raw(site.url) as raw:
        parts = range(0, 40, 2)
        agent = "User-Agent: Python-urllib/3.11"
        raw.say(
            b"".join(get(f"/{SPICE}", agent, f"Range: bytes={at}-{at + 999_999}") for at in parts)
        )
        for at in parts:
            answer = await raw.answer()
            assert (answer.status, answer.body) == (206, wanted[at : at + 1_000_000])


async def test_an_old_client_gets_a_length_and_then_the_end(warm: Warm) -> None:
    site, wanted = warm
    async with Raw(site.url) as raw:
        raw.say(get(f"/{SPICE}", "User-Agent: Python-urllib/3.11", version="1.0"))
        answer = await raw.answer()
        assert answer.body == wanted
        assert await raw.rest() == b""


async def test_problem_details_have_every_field(warm: Warm) -> None:
    site, _ = warm
    got = await site.get("tfhub.dev/google/nnlm/1")
    versions = got.problem["detail"].rpartition("(")[2]
    assert got.headers["Content-Type"] == "application/problem+json"
    assert got.headers["X-Hubproxy-Reason"] == got.reason
    problem = got.problem
    assert problem.pop("title").endswith(".")
    assert problem == {
        "type": "urn:hubproxy:problem:HP-T01",
        "status": 403,
        "detail": f"tfhub.dev/google/nnlm/1 is not on the trust list ({versions}",
        "code": "HP-T01",
        "remedy": "Ask for it: `hubproxy request tfhub.dev/google/nnlm/1 --why REASON`; a trust "
        "officer lists it with `hubproxy trust approve tfhub.dev/google/nnlm/1`",
    }


@pytest.mark.parametrize(
    "path",
    ["/-/nothing", "/tfhub.dev/google/nnlm/1", "/example.org/a/1", "/tfhub.dev/a/%2e%2e/1"],
)
async def test_nothing_of_the_request_headers_comes_back(warm: Warm, path: str) -> None:
    site, _ = warm
    secret = "correct-horse-battery-staple"
    names = ("Authorization", "Cookie", "Proxy-Authorization", "X-Forwarded-Host", "Referer")
    async with Raw(site.url) as raw:
        raw.say(get(path, *(f"{name}: {secret}" for name in names)))
        answer = await raw.answer()
    assert answer.status >= 400
    assert secret not in f"{answer.reason} {answer.headers}"
    assert secret.encode() not in answer.body


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Proto"]
)
async def test_headers_that_are_not_part_of_the_name_change_nothing(warm: Warm, name: str) -> None:
    site, wanted = warm
    got = await site.get(SPICE, {**PYTHON, name: "https://evil.example/tfhub.dev/a/1"})
    assert got.body == wanted
