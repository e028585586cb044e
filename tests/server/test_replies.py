import base64
import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core import gzipframe
from hubproxy.core.ranges import UnsatisfiableRangeError
from hubproxy.core.record import Archive, Chunks, Origin, Record, tree_digest
from hubproxy.core.trust import Verdict
from hubproxy.errors import DeniedError, HubproxyError, UpstreamError, UsageError
from hubproxy.server.replies import problem, reason_phrase, refusal, shape, wants_gzip

SHA = hashlib.sha256(b"the archive").hexdigest()
RECORD = Record(
    handle="tfhub.dev/google/spice/2",
    format="saved_model",
    archive=Archive(f"sha256:{SHA}", 10_000, 0),
    chunks=Chunks(4 * 1024 * 1024, (SHA,)),
    files=(),
    tree=str(tree_digest(())),
    origin=Origin("https://tfhub.dev/google/spice/2", "application/gzip", f"sha256:{SHA}", 9),
    decided_at="2026-01-01T00:00:00.000Z",
)
PLAIN, FRAMED = f'"sha256:{SHA}"', f'"sha256:{SHA}+gzip"'


def plan(
    headers: dict[str, str] | None = None,
    *,
    as_gzip: bool = False,
    cache: str = "hit",
    reviewed: bool = True,
    warnings: Sequence[Verdict] = (),
    ranges: bool = True,
) -> tuple[int, dict[str, str], int]:
    found = shape(
        RECORD,
        headers or {},
        as_gzip=as_gzip,
        cache=cache,
        reviewed=reviewed,
        ranges=ranges,
        warnings=warnings,
    )
    return found.status, dict(found.headers), found.size


@pytest.mark.parametrize(
    ("asked", "user_agent", "gzip"),
    [
        pytest.param(None, "Python-urllib/3.11", False, id="tensorflow-hub"),
        pytest.param(None, "hubproxy-client/1.0", False, id="our-hook"),
        pytest.param(None, "curl/8.5.0", True, id="curl"),
        pytest.param(None, "Wget/1.21", True, id="wget"),
        pytest.param(None, "", True, id="nobody"),
        pytest.param(None, "curl/8 Python-urllib/3.11", True, id="only-the-first-product"),
        pytest.param(True, "Python-urllib/3.11", True, id="asked-for-gzip"),
        pytest.param(False, "curl/8.5.0", False, id="asked-for-a-tar"),
    ],
)
def test_who_gets_the_tar_framed_as_gzip(asked: bool | None, user_agent: str, gzip: bool) -> None:
    assert wants_gzip(asked, user_agent) is gzip


def test_the_headers_of_a_whole_answer() -> None:
    """All of them, so that nothing else tells of the machinery behind."""
    digest = base64.b64encode(bytes.fromhex(SHA)).decode()
    assert plan() == (
        200,
        {
            "Server": "hubproxy",
            "ETag": PLAIN,
            "Vary": "User-Agent",
            "Cache-Control": "no-cache",
            "Cache-Status": "hubproxy; hit",
            "X-Hubproxy-Handle": "tfhub.dev/google/spice/2",
            "X-Hubproxy-Archive": f"sha256:{SHA}",
            "Content-Type": "application/x-tar",
            "Content-Disposition": 'attachment; filename="spice.tar"',
            "Accept-Ranges": "bytes",
            "Repr-Digest": f"sha-256=:{digest}:",
        },
        10_000,
    )


def test_a_gzip_answer_is_another_representation() -> None:
    status, headers, size = plan(as_gzip=True)
    assert (status, size) == (200, gzipframe.framed_size(10_000))
    assert headers["ETag"] == FRAMED
    assert headers["Content-Type"] == "application/gzip"
    assert headers["Content-Disposition"] == 'attachment; filename="spice.tar.gz"'
    assert "Repr-Digest" not in headers  # the record's digest is of the tar


@pytest.mark.parametrize(
    ("headers", "as_gzip", "status"),
    [
        pytest.param({"If-None-Match": PLAIN}, False, 304, id="the-tar"),
        pytest.param({"If-None-Match": FRAMED}, True, 304, id="the-gzip"),
        pytest.param({"If-None-Match": FRAMED}, False, 200, id="the-gzips-for-the-tar"),
        pytest.param({"If-None-Match": PLAIN}, True, 200, id="the-tars-for-the-gzip"),
        pytest.param({"If-None-Match": f'"other", W/{PLAIN}'}, False, 304, id="weak-in-a-list"),
        pytest.param({"If-None-Match": "*"}, False, 304, id="any"),
        pytest.param({"If-None-Match": '"other"'}, False, 200, id="another"),
        pytest.param(
            {"If-None-Match": PLAIN, "Range": "bytes=0-9"}, False, 304, id="before-the-range"
        ),
    ],
)
def test_a_client_that_has_it_is_told_so(
    headers: dict[str, str], as_gzip: bool, status: int
) -> None:
    found, answered, size = plan(headers, as_gzip=as_gzip)
    assert found == status
    if status == 304:
        assert size == 0
        assert "Content-Type" not in answered
        assert answered["ETag"] == (FRAMED if as_gzip else PLAIN)


def test_a_range_has_no_meaning_for_head() -> None:
    assert plan({"Range": "bytes=0-9"}, ranges=False)[0] == 200
    assert plan({"Range": "bytes=99999999-"}, ranges=False)[0] == 200


def test_a_range_behind_the_end_is_an_error_with_the_size() -> None:
    with pytest.raises(UnsatisfiableRangeError) as caught:
        plan({"Range": "bytes=10000-"})
    assert refusal(caught.value).headers["Content-Range"] == "bytes */10000"


def test_what_no_officer_has_signed_says_so() -> None:
    assert plan(reviewed=False)[1]["X-Hubproxy-Trust"] == "unreviewed"
    assert "X-Hubproxy-Trust" not in plan()[1]


def test_warnings_are_said_with_the_answer_also_when_there_is_no_body() -> None:
    expired = Verdict("HP-T07", 200, "trust list expired")
    overdue = Verdict("HP-T16", 403, 'was to be "reviewed" \\ in Zürich\r\nX-Evil: 1')
    for headers, status in (({}, 200), ({"If-None-Match": PLAIN}, 304)):
        got, said, _ = plan(headers, reviewed=False, warnings=(expired, overdue))
        assert got == status
        assert said["X-Hubproxy-Trust"] == "unreviewed, expired, overdue"
        assert said["Warning"] == (
            '199 hubproxy "HP-T07: trust list expired", '
            "199 hubproxy \"HP-T16: was to be 'reviewed' / in Z?rich??X-Evil: 1\""
        )
    assert "Warning" not in plan()[1]


def test_a_miss_is_told_from_a_hit() -> None:
    assert plan(cache="miss")[1]["Cache-Status"] == "hubproxy; fwd=uri-miss; stored"


HOSTILE = [
    pytest.param("a\r\nSet-Cookie: b=c", id="response-splitting"),
    pytest.param("a\nb", id="a-line-feed"),
    pytest.param("a\x00b\x1b[31mred", id="control-characters"),
    pytest.param("naïve 模型 \u2028 \U0001f600", id="not-ascii"),
    pytest.param("\udcff\ud800", id="lone-surrogates"),
    pytest.param("x" * 5000, id="long"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_message_makes_a_plain_reason_and_a_sound_body(text: str) -> None:
    check_answer(DeniedError("HP-T10", 410, text, remedy=text))


@given(st.text(st.characters(), max_size=400), st.text(st.characters(), max_size=400))
def test_any_message_makes_a_plain_reason_and_a_sound_body(message: str, remedy: str) -> None:
    check_answer(UsageError(message, remedy=remedy))


def check_answer(error: HubproxyError) -> None:
    reason = reason_phrase(error)
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) <= 300
    assert reason.startswith(f"hubproxy {error.code}: ")
    body, headers = problem(error)
    told = json.loads(body)
    assert set(told) == {"type", "title", "status", "detail", "code", "remedy"}
    assert told["type"] == f"urn:hubproxy:problem:{error.code}"
    assert (told["status"], told["code"]) == (error.status, error.code)
    assert headers["X-Hubproxy-Reason"] == reason
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Cache-Control"] == "no-store"


def test_the_remedy_stands_in_the_reason_phrase() -> None:
    error = DeniedError("HP-T01", 403, "a/1 is not on the list", remedy="Run `x`")
    assert reason_phrase(error) == "hubproxy HP-T01: a/1 is not on the list - Run `x`"


@pytest.mark.parametrize(
    ("seconds", "header"), [(None, None), (0.2, "1"), (29.6, "30")], ids=["none", "soon", "later"]
)
def test_upstreams_word_when_to_ask_again_is_passed_on(
    seconds: float | None, header: str | None
) -> None:
    _, headers = problem(UpstreamError("busy", retry_after=seconds))
    assert headers.get("Retry-After") == header


def test_after_a_request_that_may_be_misread_the_connection_ends() -> None:
    assert refusal(UsageError("what?")).keep_alive is False
    assert refusal(DeniedError("HP-T01", 403, "no")).keep_alive is None
