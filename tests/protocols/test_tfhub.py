"""What a request to a TF Hub host means, and which targets nobody may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.handle import Handle
from hubproxy.errors import NotServedError, UsageError
from hubproxy.protocols.tfhub import read_request, split_target

SPICE = Handle.parse("tfhub.dev/google/spice/2")
COMPRESSED = ("tf-hub-format", "compressed")


@pytest.mark.parametrize(
    ("target", "hub", "path", "query"),
    [
        ("/tfhub.dev/google/spice/2", "tfhub.dev", "/google/spice/2", []),
        ("/tfhub.dev/google/spice/2/", "tfhub.dev", "/google/spice/2", []),
        ("/tfhub.dev/google/spice", "tfhub.dev", "/google/spice", []),
        ("/TFHub.DEV/google/spice/2", "tfhub.dev", "/google/spice/2", []),
        ("/www.kaggle.com/models/a/b", "kaggle.com", "/models/a/b", []),
        ("/localhost/a", "localhost", "/a", []),
        (
            "/tfhub.dev/a/1?tf-hub-format=compressed",
            "tfhub.dev",
            "/a/1",
            [COMPRESSED],
        ),
        (
            "/tfhub.dev/a/1/?tf-hub-format=compressed&tf-hub-format=compressed",
            "tfhub.dev",
            "/a/1",
            [COMPRESSED, COMPRESSED],
        ),
        ("/tfhub.dev/a/1?", "tfhub.dev", "/a/1", []),
        (
            "/tfhub.dev/a/1?x=a%2Fb&y=c+d&z",
            "tfhub.dev",
            "/a/1",
            [("x", "a/b"), ("y", "c d"), ("z", "")],
        ),
        ("/tfhub.dev/a/1?x=/?../..", "tfhub.dev", "/a/1", [("x", "/?../..")]),
        ("/tfhub.dev/a/1?x=caf%C3%A9", "tfhub.dev", "/a/1", [("x", "café")]),
        ("/tfhub.dev/go%6Fgle/%73pice/%32", "tfhub.dev", "/google/spice/2", []),
        ("/tfhub.dev/a/group1-shard1of2.bin", "tfhub.dev", "/a/group1-shard1of2.bin", []),
        ("/tfhub.dev/a/x~y+z_1", "tfhub.dev", "/a/x~y+z_1", []),
    ],
)
def test_a_target_is_split_into_hub_path_and_query(
    target: str, hub: str, path: str, query: list[tuple[str, str]]
) -> None:
    assert split_target(target) == (hub, path, query)


HOSTILE = {
    "nothing": "",
    "the root": "/",
    "two slashes": "//",
    "an asterisk": "*",
    "no leading slash": "tfhub.dev/google/spice/2",
    "absolute form": "http://tfhub.dev/google/spice/2",
    "authority form": "tfhub.dev:443",
    "a hub alone": "/tfhub.dev",
    "a hub and a slash": "/tfhub.dev/",
    "a hub and a query": "/tfhub.dev?x=1",
    "an empty host": "//tfhub.dev/google/spice/2",
    "a scheme in the path": "/https://tfhub.dev/google/spice/2",
    "no host name": "/google/spice/2",
    "a port": "/tfhub.dev:443/google/spice/2",
    "an encoded port": "/tfhub.dev%3A443/google/spice/2",
    "a user": "/user@tfhub.dev/google/spice/2",
    "an encoded user": "/user%40tfhub.dev/google/spice/2",
    "an address in brackets": "/[::1]/google/spice/2",
    "a host with a trailing dot": "/tfhub.dev./google/spice/2",
    "an encoded dot in the host": "/tfhub%2Edev/google/spice/2",
    "an underscore in the host": "/tf_hub.dev/google/spice/2",
    "www twice": "/www.www.tfhub.dev/google/spice/2",
    "a host of dots": "/../google/spice/2",
    "dot-dot": "/tfhub.dev/google/../spice/2",
    "dot-dot at the end": "/tfhub.dev/google/..",
    "dot-dot and a slash at the end": "/tfhub.dev/google/../",
    "dot-dot out of the root": "/tfhub.dev/../../../../etc/passwd",
    "one dot": "/tfhub.dev/./google/spice/2",
    "one dot at the end": "/tfhub.dev/google/spice/.",
    "encoded dot-dot": "/tfhub.dev/%2e%2e/google/spice/2",
    "encoded dot-dot in capitals": "/tfhub.dev/%2E%2E/google/spice/2",
    "half encoded dot-dot": "/tfhub.dev/.%2e/google/spice/2",
    "the other half": "/tfhub.dev/%2e./google/spice/2",
    "an encoded dot": "/tfhub.dev/%2e/google/spice/2",
    "dot-dot encoded twice": "/tfhub.dev/%252e%252e/google/spice/2",
    "dot-dot encoded three times": "/tfhub.dev/%25252e%25252e/google/spice/2",
    "an encoded slash": "/tfhub.dev/google%2fspice/2",
    "an encoded slash in capitals": "/tfhub.dev/google%2Fspice/2",
    "an encoded slash alone": "/tfhub.dev/%2f/google/spice/2",
    "encoded slashes and dots": "/tfhub.dev/%2F%2F..%2F..%2Fetc%2Fpasswd",
    "a slash encoded twice": "/tfhub.dev/google%252fspice/2",
    "an encoded percent sign": "/tfhub.dev/google%25spice/2",
    "a backslash": "/tfhub.dev/google\\spice/2",
    "backslashes and dots": "/tfhub.dev/..\\..\\windows\\win.ini",
    "an encoded backslash": "/tfhub.dev/google%5cspice/2",
    "a backslash encoded twice": "/tfhub.dev/google%255cspice/2",
    "a NUL": "/tfhub.dev/google/spice\x00/2",
    "an encoded NUL": "/tfhub.dev/google/spice%00/2",
    "an encoded NUL and an ending": "/tfhub.dev/google/spice%00.tar/2",
    "a newline": "/tfhub.dev/google/spice/2\n",
    "CR LF and a header": "/tfhub.dev/google/spice/2 HTTP/1.1\r\nHost: evil.example",
    "encoded CR LF": "/tfhub.dev/google/spice%0d%0aSet-Cookie:x/2",
    "a tab": "/tfhub.dev/goo\tgle/spice/2",
    "an encoded tab": "/tfhub.dev/goo%09gle/spice/2",
    "a space": "/tfhub.dev/google/spi ce/2",
    "an encoded space": "/tfhub.dev/google/spi%20ce/2",
    "DEL": "/tfhub.dev/google/spice\x7f/2",
    "an escape sequence": "/tfhub.dev/google/\x1b[31mspice/2",
    "an encoded escape": "/tfhub.dev/google/%1b%5b31mspice/2",
    "an empty segment": "/tfhub.dev/google//spice/2",
    "an empty segment behind the host": "/tfhub.dev//google/spice/2",
    "two slashes at the end": "/tfhub.dev/google/spice/2//",
    "a parameter": "/tfhub.dev/google/spice;v=1/2",
    "a parameter and dots": "/tfhub.dev/google/..;/spice/2",
    "an encoded semicolon": "/tfhub.dev/google/spice%3bv=1/2",
    "an encoded question mark": "/tfhub.dev/google/spice%3fx=1/2",
    "an encoded number sign": "/tfhub.dev/google/spice%23/2",
    "a fragment": "/tfhub.dev/google/spice/2#top",
    "an encoded star": "/tfhub.dev/google/%2a/2",
    "a star": "/tfhub.dev/google/*/2",
    "a shell": "/tfhub.dev/google/$(id)/2",
    "quotes": "/tfhub.dev/google/'or'1/2",
    "angle brackets": "/tfhub.dev/<script>/spice/2",
    "encoded angle brackets": "/tfhub.dev/%3Cscript%3E/spice/2",
    "a percent sign alone": "/tfhub.dev/google/spice%/2",
    "a percent sign at the end": "/tfhub.dev/google/spice%",
    "half an encoding": "/tfhub.dev/google/spice%2/2",
    "an encoding that is not hex": "/tfhub.dev/google/%zz/2",
    "an encoding with a sign": "/tfhub.dev/google/%+1/2",
    "an encoding as %u": "/tfhub.dev/google/%u002e%u002e/2",
    "a letter that is not ASCII": "/tfhub.dev/google/spicé/2",
    "a host that is not ASCII": "/tfhüb.dev/google/spice/2",
    "the Kelvin sign": "/\u212aaggle.com/a/b/keras/c/1",
    "a digit that is not ASCII": "/tfhub.dev/google/spice/\u0662",
    "a full-width dot-dot": "/tfhub.dev/\uff0e\uff0e/google/spice/2",
    "bytes that were no UTF-8": "/tfhub.dev/google/\udcff/2",
    "an encoded letter that is not ASCII": "/tfhub.dev/google/spic%C3%A9/2",
    "an over-long slash": "/tfhub.dev/google%c0%afspice/2",
    "an over-long dot-dot": "/tfhub.dev/%c0%ae%c0%ae/google/2",
    "an over-long NUL": "/tfhub.dev/google%c0%80/2",
    "an encoded byte that is no UTF-8": "/tfhub.dev/google/%ff/2",
    "an encoded surrogate": "/tfhub.dev/google/%ed%a0%80/2",
    "a control character in the query": "/tfhub.dev/google/spice/2?x=\x01",
    "an encoded NUL in the query": "/tfhub.dev/google/spice/2?x=%00",
    "encoded CR LF in the query": "/tfhub.dev/google/spice/2?x=%0d%0aSet-Cookie:y",
    "CR LF in a key": "/tfhub.dev/google/spice/2?%0d%0a=1",
    "no UTF-8 in the query": "/tfhub.dev/google/spice/2?x=%ff",
    "half an encoding in the query": "/tfhub.dev/google/spice/2?x=%2",
    "a backslash in the query": "/tfhub.dev/google/spice/2?x=\\",
    "a fragment behind the query": "/tfhub.dev/google/spice/2?x=1#top",
    "a letter that is not ASCII in the query": "/tfhub.dev/google/spice/2?x=é",
    "a space in the query": "/tfhub.dev/google/spice/2?x=a b",
    "many parameters": "/tfhub.dev/google/spice/2?" + "x=1&" * 100,
    "a long path": "/tfhub.dev/" + "a" * 5000,
    "a long query": "/tfhub.dev/google/spice/2?x=" + "a" * 5000,
}


@pytest.mark.parametrize("target", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_target_that_can_be_read_in_two_ways_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="the request target cannot be used") as caught:
        split_target(target)
    assert (caught.value.status, caught.value.code) == (400, "BAD_REQUEST")
    assert str(caught.value).isprintable()
    assert "tfhub.dev/google/nnlm-en-dim50/2" in caught.value.remedy


@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet="/.%2eEfF5c0;\\?&=a\0", max_size=40).map("/tfhub.dev/".__add__),
    )
)
def test_a_target_is_plain_or_refused(target: str) -> None:
    try:
        hub, path, query = split_target(target)
    except UsageError:
        return
    again = split_target(f"/{hub}{path}")
    assert again == (hub, path, [])
    segments = path[1:].split("/")
    assert not {"", ".", ".."} & set(segments)
    assert not set("%\\;?#\0") & set(path)
    assert all(value.isprintable() for pair in query for value in pair)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param([], id="nothing"),
        pytest.param([COMPRESSED], id="as the client sends it"),
        pytest.param([COMPRESSED, COMPRESSED], id="pasted, and once more"),
        pytest.param([("tf-hub-format", "uncompressed"), COMPRESSED], id="the client's own counts"),
        pytest.param([COMPRESSED, ("tf-hub-format", "")], id="a blank one"),
        pytest.param([("tf-hub-format", "uncompressed, compressed")], id="a list"),
        pytest.param([("tf-hub-format", "Compressed")], id="another case"),
        pytest.param([("x", "1"), ("tfhub-redirect", "true")], id="what means nothing here"),
    ],
)
def test_hub_load_is_given_the_whole_module(query: list[tuple[str, str]]) -> None:
    request = read_request("tfhub.dev", "/google/spice/2", query)
    assert request.handle == SPICE
    assert request.formats == ("saved_model", "tf1_hub", "keras", "other")
    assert request.as_gzip is None


@pytest.mark.parametrize(
    ("query", "as_gzip"),
    [
        ([("format", "tar")], False),
        ([("format", "tar.gz")], True),
        ([("format", "tar"), ("format", "tar.gz")], True),
        ([("format", "tar.gz"), COMPRESSED], True),
    ],
)
def test_a_client_can_say_whether_it_wants_gzip(
    query: list[tuple[str, str]], as_gzip: bool
) -> None:
    assert read_request("tfhub.dev", "/google/spice/2", query).as_gzip is as_gzip


def test_a_request_for_the_latest_has_no_version() -> None:
    assert read_request("tfhub.dev", "/google/spice", []).handle == SPICE.unversioned


@pytest.mark.parametrize(
    "query",
    [
        pytest.param([("tf-hub-format", "uncompressed")], id="uncompressed"),
        pytest.param([COMPRESSED, ("tf-hub-format", "uncompressed")], id="pasted over"),
        pytest.param([("tfjs-format", "file")], id="TF.js"),
        pytest.param([("tfjs-format", "compressed"), COMPRESSED], id="TF.js as an archive"),
        pytest.param([("lite-format", "tflite")], id="TFLite"),
    ],
)
def test_a_form_that_is_not_served_says_so(query: list[tuple[str, str]]) -> None:
    with pytest.raises(NotServedError, match="not served") as caught:
        read_request("tfhub.dev", "/google/spice/2", query)
    assert (caught.value.status, caught.value.code) == (501, "NOT_SERVED")
    assert caught.value.remedy


def test_uncompressed_is_answered_with_what_to_set() -> None:
    with pytest.raises(NotServedError, match="set TFHUB_MODEL_LOAD_FORMAT=COMPRESSED"):
        read_request("tfhub.dev", "/google/spice/2", [("tf-hub-format", "uncompressed")])


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("/", [], id="no path"),
        pytest.param("/2", [], id="a version of nothing"),
        pytest.param("/google/1/2", [], id="two versions"),
        pytest.param("/google/.spice/2", [], id="a hidden name"),
        pytest.param("/google/../spice/2", [], id="dot-dot"),
        pytest.param("/" + "a/" * 20, [], id="too deep"),
        pytest.param("/google/spice/2", [("tf-hub-format", "zip")], id="an unknown form"),
        pytest.param("/google/spice/2", [("format", "zip")], id="an unknown frame"),
        pytest.param("/google/spice/2", [("format", "")], id="no frame"),
    ],
)
def test_what_makes_no_sense_is_a_bad_request(path: str, query: list[tuple[str, str]]) -> None:
    with pytest.raises(UsageError) as caught:
        read_request("tfhub.dev", path, query)
    assert caught.value.status == 400
    assert caught.value.remedy
