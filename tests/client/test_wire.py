import base64
import hashlib
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hubproxy import __version__
from hubproxy.client import wire
from hubproxy.client.refusal import HubproxyError
from tests.client.interpreters import python37
from tests.client.wireserver import Answer, Framing, WireServer, module, refusal, repr_digest

BODY = bytes(range(256)) * 64
HANDLE = "https://tfhub.dev/google/spice/2"
PATH = "/tfhub.dev/google/spice/2"
BASE = "http://hubproxy.example:8440"
TOKEN = "hp_C4n4ry-in-a-coal-mine_0123456789abcdefghijk"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


def fetch(handle: str, base: str) -> bytes:
    with closing(wire.ask(handle, base)) as body:
        read = body.read(10240)
        body.finish()
        return read


@pytest.mark.parametrize(
    ("handle", "path"),
    [
        pytest.param("https://tfhub.dev/google/spice/2", "/tfhub.dev/google/spice/2", id="plain"),
        pytest.param("http://tfhub.dev/google/spice/2", "/tfhub.dev/google/spice/2", id="http"),
        pytest.param("HTTPS://TFHub.dev/Google/spice/2", "/tfhub.dev/Google/spice/2", id="case"),
        pytest.param("https://tfhub.dev/google/spice/2/", "/tfhub.dev/google/spice/2", id="slash"),
        pytest.param("https://tfhub.dev/google/spice/2#top", "/tfhub.dev/google/spice/2", id="#"),
        pytest.param(
            "https://tfhub.dev/g/s/2?tf-hub-format=compressed&x=1", "/tfhub.dev/g/s/2", id="query"
        ),
        pytest.param("https://u:secret@tfhub.dev/g/s/2", "/tfhub.dev/g/s/2", id="credentials"),
        pytest.param("http://127.0.0.1:8801/g/s/2", "/127.0.0.1:8801/g/s/2", id="port"),
        pytest.param("http://[::1]:8801/g/s/2", "/[::1]:8801/g/s/2", id="IPv6"),
        pytest.param("https://tfhub.dev/g/a b/é", "/tfhub.dev/g/a%20b/%C3%A9", id="not ASCII"),
        pytest.param("https://tfhub.dev/g/a%20b/2", "/tfhub.dev/g/a%20b/2", id="quoted already"),
    ],
)
def test_a_handle_is_asked_for_below_its_hub(handle: str, path: str) -> None:
    assert wire.url_of(handle, BASE) == f"{BASE}{path}?tf-hub-format=compressed"


@pytest.mark.parametrize(
    "base", ["hubproxy.example:8440", "ftp://hubproxy.example", "http://", "x"]
)
def test_a_hubproxy_url_that_is_no_address_is_named_as_the_culprit(base: str) -> None:
    with pytest.raises(HubproxyError, match=r"^HUBPROXY_URL is '.*', which is not the address"):
        wire.url_of(HANDLE, base)


@pytest.mark.parametrize("handle", ["https:///g/s/2", "https://[/g/s/2", "https://[x]/g"])
def test_a_handle_without_a_host_is_refused_here(handle: str) -> None:
    with pytest.raises(HubproxyError, match="is not the address of a module"):
        wire.url_of(handle, BASE)


@pytest.mark.parametrize(
    ("handle", "ours"),
    [
        ("http://hubproxy.example:8440/tfhub.dev/google/spice/2", True),
        ("HTTP://HUBPROXY.example:8440/tfhub.dev/google/spice/2", True),
        ("http://hubproxy.example:8440", True),
        ("http://hubproxy.example:84401/tfhub.dev/google/spice/2", False),
        ("https://tfhub.dev/google/spice/2", False),
    ],
)
def test_a_handle_that_begins_with_the_proxys_address_is_known(handle: str, ours: bool) -> None:
    assert wire.is_ours(handle, BASE) is ours


@pytest.mark.parametrize("in_base", ["", f"nlp:{TOKEN}@", "nlp@", "@"])
@pytest.mark.parametrize("in_handle", ["", f"nlp:{TOKEN}@", "NLP:other@"])
def test_an_address_is_known_with_credentials_and_without(in_base: str, in_handle: str) -> None:
    base = BASE.replace("//", f"//{in_base}")
    handle = f"{BASE}/tfhub.dev/google/spice/2".replace("//", f"//{in_handle}")
    assert wire.is_ours(handle, base)
    assert not wire.is_ours(handle.replace(":8440", ":84401"), base)
    assert not wire.is_ours(f"http://other.example/x@{BASE[7:]}/tfhub.dev/google/spice/2", base)


def test_the_address_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBPROXY_URL", f" {BASE}/ ")
    assert wire.hubproxy_url() == BASE
    monkeypatch.delenv("HUBPROXY_URL")
    assert wire.hubproxy_url() == ""


def test_the_request_names_the_hook_and_asks_for_no_encoding(server: WireServer) -> None:
    server.put(PATH, module(BODY))

    assert fetch(HANDLE, server.url) == BODY[:10240]

    (asked,) = server.requests
    assert asked.path == f"{PATH}?tf-hub-format=compressed"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert asked.headers["User-Agent"] == f"hubproxy-client/{__version__} Python-urllib/{python}"
    assert asked.headers["Accept-Encoding"] == "identity"


def test_proxies_of_the_environment_are_not_used(
    server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    server.put(PATH, module(BODY))

    assert fetch(HANDLE, server.url) == BODY[:10240]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(repr_digest(BODY), id="alone"),
        pytest.param(f"unixsum=30637, {repr_digest(BODY)}", id="second"),
        pytest.param(f"{repr_digest(BODY)} , sha-512=:AAAA:", id="first"),
        pytest.param(f"{repr_digest(BODY)};p=1", id="with a parameter"),
    ],
)
def test_the_digest_is_found_in_its_header(server: WireServer, header: str) -> None:
    server.put(PATH, module(BODY, digest=header, framing="chunked"))

    assert fetch(HANDLE, server.url) == BODY[:10240]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no header"),
        pytest.param("sha-512=:AAAA:", id="another algorithm"),
        pytest.param(repr_digest(BODY).replace("sha-256", "x-sha-256"), id="another name"),
        pytest.param("sha-256=:A:", id="not base64"),
        pytest.param(hashlib.sha256(BODY).hexdigest(), id="hex"),
    ],
)
def test_an_answer_without_a_digest_is_not_read(server: WireServer, header: str | None) -> None:
    server.put(PATH, module(BODY, digest=header))

    with pytest.raises(HubproxyError, match="the answer cannot be checked"):
        fetch(HANDLE, server.url)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_with_another_digest_is_refused_at_its_end(
    server: WireServer, framing: Framing
) -> None:
    # The damage is behind what a tar reader would have read.
    server.put(PATH, module(BODY[:-1] + b"!", digest=repr_digest(BODY), framing=framing))

    with pytest.raises(HubproxyError, match="have another sha-256 than hubproxy promised"):
        fetch(HANDLE, server.url)


@pytest.mark.parametrize("sent", [0, 1, 10240, len(BODY) - 1])
def test_a_short_body_is_refused(server: WireServer, sent: int) -> None:
    server.put(PATH, module(BODY, sent=sent))

    with pytest.raises(HubproxyError, match=f"broke off after {sent} of {len(BODY)} bytes"):
        fetch(HANDLE, server.url)


def test_a_short_body_is_refused_even_where_its_digest_is_right(server: WireServer) -> None:
    server.put(PATH, module(BODY, digest=repr_digest(BODY[:-1]), sent=len(BODY) - 1))

    with pytest.raises(HubproxyError, match="broke off"):
        fetch(HANDLE, server.url)


@pytest.mark.parametrize("sent", [0, 4096, len(BODY)])
def test_a_body_without_its_last_chunk_is_refused(server: WireServer, sent: int) -> None:
    server.put(PATH, module(BODY, framing="chunked", sent=sent))

    with pytest.raises(HubproxyError, match=f"broke off after {sent} bytes: the body ended early"):
        fetch(HANDLE, server.url)


@pytest.mark.parametrize(
    ("framing", "of"),
    [
        pytest.param("length", f" of {len(BODY)}", id="length"),
        pytest.param("chunked", "", id="chunked"),
    ],
)
def test_a_transfer_that_broke_off_is_explained_in_the_proxys_words(
    server: WireServer, framing: Framing, of: str
) -> None:
    differs = "tfhub.dev/google/spice/2: upstream sends other bytes than the ones signed"
    why = refusal(502, code="HP-T03", detail=differs, remedy="Ask a trust officer to look")
    server.put(PATH, module(BODY, framing=framing, sent=4096), why)

    with pytest.raises(HubproxyError) as caught:
        fetch(HANDLE, server.url)

    assert str(caught.value).split("\n") == [
        f"hubproxy HP-T03: {differs}",
        f"The transfer broke off after 4096{of} verified bytes; none is kept.",
        "Ask a trust officer to look",
        f"asked: {server.url}{PATH}?tf-hub-format=compressed",
    ]
    assert (caught.value.code, caught.value.status) == ("HP-T03", 502)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    first, second = server.requests
    assert second.path == first.path
    assert second.headers["User-Agent"] == first.headers["User-Agent"]
    assert (first.headers["Range"], second.headers["Range"]) == (None, "bytes=0-0")


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(module(BODY), id="served now"),
        pytest.param(Answer(b"<html>", status=502, reason="Gateway tired"), id="not hubproxy's"),
        pytest.param(refusal(502, detail="no code"), id="a refusal without a code"),
        pytest.param(Answer(b"", headers=(("X", "y"),) * 200), id="not HTTP"),
    ],
)
def test_a_transfer_that_broke_off_unexplained_is_told_as_it_was_seen(
    server: WireServer, second: Answer
) -> None:
    server.put(PATH, module(BODY, framing="chunked", sent=4096), second)

    with pytest.raises(HubproxyError, match=r"^the transfer broke off after 4096 bytes: the body"):
        fetch(HANDLE, server.url)

    assert len(server.requests) == 2


def test_a_refusal_arrives_in_the_proxys_words(server: WireServer) -> None:
    server.put(
        PATH,
        refusal(
            403,
            code="HP-T01",
            title="Not on the trust list",
            detail="tfhub.dev/google/spice/2 is not on the trust list (root 1, timestamp 3)",
            remedy="Ask for it: hubproxy propose tfhub.dev/google/spice/2",
        ),
    )

    with pytest.raises(HubproxyError) as caught:
        fetch(HANDLE, server.url)

    assert str(caught.value).split("\n") == [
        "hubproxy HP-T01: tfhub.dev/google/spice/2 is not on the trust list (root 1, timestamp 3)",
        "Ask for it: hubproxy propose tfhub.dev/google/spice/2",
        f"asked: {server.url}{PATH}?tf-hub-format=compressed",
    ]
    assert (caught.value.code, caught.value.status) == ("HP-T01", 403)
    assert caught.value.__suppress_context__


def test_a_refusal_by_a_stranger_is_told_as_such(server: WireServer) -> None:
    server.put(PATH, Answer(b"<html>", status=502, reason="Gateway tired"))

    with pytest.raises(HubproxyError, match="hubproxy answered 502 Gateway tired\nIf this is not"):
        fetch(HANDLE, server.url)


def test_a_proxy_that_is_not_there_is_named_with_the_cure(server: WireServer) -> None:
    server.stop()

    with pytest.raises(HubproxyError) as caught:
        fetch(HANDLE, server.url)

    reason, remedy, _ = str(caught.value).split("\n")
    assert reason.startswith(f"hubproxy at {server.url} cannot be reached: ")
    assert "refused" in reason
    assert remedy == "Start it, or unset HUBPROXY_URL to load modules without it."
    assert caught.value.__suppress_context__


def test_repr_digest_is_what_rfc_9530_shows() -> None:
    digest = hashlib.sha256(b'{"hello": "world"}\n').digest()
    assert base64.b64encode(digest).decode() == "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="
    assert repr_digest(b'{"hello": "world"}\n').startswith("sha-256=:RK/0qy18")


def with_credentials(server: WireServer, credentials: str) -> str:
    return server.url.replace("//", f"//{credentials}@")


@pytest.mark.parametrize(
    ("credentials", "sent"),
    [
        pytest.param(f"nlp:{TOKEN}", f"nlp:{TOKEN}", id="plain"),
        pytest.param("nlp:a%40b%3Ac%2Fd%23%25", "nlp:a@b:c/d#%", id="percent-encoded"),
        pytest.param("n%6Cp:x", "nlp:x", id="name encoded"),
        pytest.param("nlp:a:b", "nlp:a:b", id="colon"),
        pytest.param("nlp:a@b", "nlp:a@b", id="at"),
        pytest.param("nlp:cl%C3%A9é", "nlp:cléé", id="UTF-8"),
        pytest.param("nlp:%0d%0aX: y", "nlp:\r\nX: y", id="line break"),
        pytest.param("nlp:%zz", "nlp:%zz", id="percent alone"),
        pytest.param("nlp:a+b c", "nlp:a+b c", id="plus and space"),
        pytest.param("nlp", "nlp:", id="name alone"),
        pytest.param(":x", ":x", id="token alone"),
        pytest.param("nlp:" + "x" * 300, "nlp:" + "x" * 300, id="long"),
    ],
)
def test_credentials_in_the_address_are_sent(
    server: WireServer, credentials: str, sent: str
) -> None:
    server.put(PATH, module(BODY))

    assert fetch(HANDLE, with_credentials(server, credentials)) == BODY[:10240]

    (asked,) = server.requests
    scheme, _, value = asked.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", sent)
    assert asked.path == f"{PATH}?tf-hub-format=compressed"
    assert asked.headers["Host"] == server.url.partition("//")[2]
    assert asked.headers["X"] is None


def test_bytes_of_the_environment_that_are_no_text_are_sent_as_they_are(
    server: WireServer,
) -> None:
    server.put(PATH, module(BODY))
    fetch(HANDLE, with_credentials(server, "nlp:\udcff"))
    value = server.requests[0].headers["Authorization"].partition(" ")[2]
    assert base64.b64decode(value) == b"nlp:\xff"


@pytest.mark.parametrize("credentials", [None, ""])
def test_without_credentials_none_are_sent(server: WireServer, credentials: str | None) -> None:
    server.put(PATH, module(BODY))
    fetch(HANDLE, server.url if credentials is None else with_credentials(server, credentials))
    assert server.requests[0].headers["Authorization"] is None


def test_the_question_why_brings_the_credentials_too(server: WireServer) -> None:
    server.put(PATH, module(BODY, sent=10), refusal(502, code="HP-T03", detail="differs"))
    with pytest.raises(HubproxyError, match="HP-T03"):
        fetch(HANDLE, with_credentials(server, f"nlp:{TOKEN}"))
    first, second = server.requests
    assert first.headers["Authorization"] == second.headers["Authorization"] is not None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_a_redirect(server: WireServer, status: int) -> None:
    if status == 308 and sys.version_info < (3, 11):
        pytest.skip("this urllib does not follow it")
    with WireServer() as other:
        other.put("/elsewhere", module(BODY))
        there = (("Location", f"{other.url}/elsewhere"),)
        server.put(PATH, Answer(b"", status=status, headers=there))

        assert fetch(HANDLE, with_credentials(server, f"nlp:{TOKEN}")) == BODY[:10240]

    (asked,) = other.requests
    assert asked.headers["Authorization"] is None
    assert not any("nlp" in value or TOKEN in value for value in asked.headers.values())


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([refusal(401, code="AUTH_REQUIRED", detail="no")], id="refused"),
        pytest.param([Answer(b"<html>", status=502)], id="by a stranger"),
        pytest.param([module(BODY, digest=None)], id="no digest"),
        pytest.param([module(BODY, digest=repr_digest(b""))], id="another digest"),
        pytest.param([module(BODY, sent=9)], id="broken off"),
        pytest.param([module(BODY, sent=9), refusal(502, code="X", detail="no")], id="told why"),
        pytest.param([Answer(b"", headers=(("X", "y"),) * 200)], id="not HTTP"),
        pytest.param([], id="not there"),
    ],
)
def test_no_message_shows_the_credentials(server: WireServer, answers: list[Answer]) -> None:
    server.put(PATH, *answers)
    if not answers:
        server.stop()
    base = with_credentials(server, f"nlp:{TOKEN}")

    with pytest.raises(HubproxyError) as caught:
        fetch(HANDLE, base)

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert f"asked: {server.url}{PATH}?" in told
    assert TOKEN not in told
    assert base64.b64encode(f"nlp:{TOKEN}".encode()).decode() not in told


@pytest.mark.parametrize(
    "base",
    [
        pytest.param(f"nlp:{TOKEN}@hubproxy.example:8440", id="no scheme"),
        pytest.param(f"ftp://nlp:{TOKEN}@hubproxy.example", id="another scheme"),
        pytest.param(f"http://nlp:{TOKEN}@", id="no host"),
        pytest.param(f"http://nlp:{TOKEN}@hubproxy.example:port", id="no port"),
        pytest.param(f"http://nlp:{TOKEN}@[::1", id="not an address"),
        pytest.param(f"http://nlp:{TOKEN}@h\u2100", id="not a host"),
        pytest.param(f"http://nlp:{TOKEN}/x@hubproxy.example", id="slash"),
        pytest.param(f"http://nlp:{TOKEN}#x@hubproxy.example", id="number sign"),
        pytest.param(f"http://nlp:{TOKEN}?x@hubproxy.example", id="question mark"),
        pytest.param(f"http://nlp:8440/{TOKEN}@hubproxy.example", id="digits, then a slash"),
        pytest.param(f"http://nlp:{TOKEN}", id="no at"),
        pytest.param(f"http://nlp:{TOKEN}/", id="no at, slash"),
        pytest.param(f"nlp:{TOKEN}", id="nothing but"),
    ],
)
def test_credentials_that_are_not_written_well_are_sent_nowhere_and_not_shown(base: str) -> None:
    with pytest.raises(HubproxyError, match="percent-encoded") as caught:
        wire.ask(HANDLE, base)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "HUBPROXY_URL is '" in told
    assert TOKEN not in told


def test_an_old_python_sends_them_too(server: WireServer) -> None:
    server.put(PATH, module(BODY))
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from hubproxy.client import wire\n"
        "body = wire.ask(sys.argv[2], wire.hubproxy_url())\n"
        "body.finish(); body.close()\n"
    )
    root = Path(wire.__file__).parents[2]
    done = subprocess.run(
        [python37(), "-c", script, root, HANDLE],
        env={"HUBPROXY_URL": with_credentials(server, "nlp:a%40b"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert server.requests[0].headers["Authorization"] == "Basic bmxwOmFAYg=="
