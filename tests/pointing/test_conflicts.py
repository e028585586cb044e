import os
import sys
from pathlib import Path
from typing import Any

import pytest

from hubproxy.pointing.conflicts import Conflict, conflicts
from hubproxy.pointing.variables import variables
from hubproxy.pointing.ways import Way
from tests.pointing.sites import root, site

PROXY = "http://proxy.example:8441"
EVAL = 'eval "$(hubproxy env)"'


def found(environ: dict[str, str], *ways: Way, **changed: Any) -> list[Conflict]:
    return list(conflicts(environ, site(**changed), ways or ("proxy", "hook")))


def test_an_empty_environment_has_none() -> None:
    assert found({}) == []


def test_what_env_prints_has_none(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(site().ca)
    pointed = variables(site(), "proxy", bundle=str(bundle), environ={})
    assert found(pointed.over({"TFHUB_CACHE_DIR": str(tmp_path / "new" / "er")})) == []


@pytest.mark.parametrize(
    ("environ", "told", "fix"),
    [
        pytest.param(
            {"TFHUB_MODEL_LOAD_FORMAT": "UNCOMPRESSED"},
            "TFHUB_MODEL_LOAD_FORMAT=UNCOMPRESSED",
            "unset TFHUB_MODEL_LOAD_FORMAT",
            id="uncompressed",
        ),
        pytest.param(
            {"TFHUB_MODEL_LOAD_FORMAT": "compressed"},
            "TFHUB_MODEL_LOAD_FORMAT=compressed",
            "unset TFHUB_MODEL_LOAD_FORMAT",
            id="small-letters",
        ),
        pytest.param(
            {"TFHUB_DISABLE_CERT_VALIDATION": "true"},
            "TFHUB_DISABLE_CERT_VALIDATION=true",
            "unset TFHUB_DISABLE_CERT_VALIDATION",
            id="no-validation",
        ),
        pytest.param(
            {"NO_PROXY": "a,.dev,tfhub.dev"},
            "NO_PROXY has .dev, tfhub.dev, so tfhub.dev is asked directly",
            "export NO_PROXY=a",
            id="no-proxy",
        ),
        pytest.param(
            {"no_proxy": "*"}, "no_proxy has *, so tfhub.dev", "export no_proxy=''", id="all"
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://ada:s3cret@corp.example:3128/"},
            "HTTPS_PROXY names another proxy, corp.example:3128: hubproxy's is proxy.example:8441",
            EVAL,
            id="other-proxy",
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "https_proxy": "corp:1"},
            "https_proxy names another proxy, corp:1",
            EVAL,
            id="small-letters-go-first",
        ),
        pytest.param(
            {"http_proxy": "http://corp:1"}, "http_proxy names another proxy", EVAL, id="http"
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "SSL_CERT_FILE": "/nowhere/ca.pem"},
            "SSL_CERT_FILE=/nowhere/ca.pem cannot be read: No such file",
            EVAL,
            id="no-bundle",
        ),
        pytest.param(
            {"REQUEST_METHOD": "GET", "HTTP_PROXY": PROXY},
            "REQUEST_METHOD is set",
            "unset REQUEST_METHOD",
            id="cgi",
        ),
    ],
)
def test_each_is_named_with_its_fix(environ: dict[str, str], told: str, fix: str) -> None:
    (one,) = found(environ)
    assert one.what.startswith(told)
    assert (one.fix, one.fatal) == (fix, True)
    assert "s3cret" not in one.what


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"TFHUB_MODEL_LOAD_FORMAT": ""}, id="format-empty"),
        pytest.param({"TFHUB_MODEL_LOAD_FORMAT": "AUTO"}, id="format-auto"),
        pytest.param({"TFHUB_MODEL_LOAD_FORMAT": "COMPRESSED"}, id="format-compressed"),
        pytest.param({"TFHUB_DISABLE_CERT_VALIDATION": "True"}, id="validation-stays-on"),
        pytest.param({"NO_PROXY": "hub.dev,dev.example"}, id="no-proxy-of-others"),
        pytest.param({"NO_PROXY": "", "no_proxy": " , "}, id="no-proxy-empty"),
        pytest.param({"HTTPS_PROXY": "PROXY.example:8441/"}, id="the-same-proxy"),
        pytest.param({"HTTPS_PROXY": "http://nlp:t@proxy.example:8441"}, id="with-a-token"),
        pytest.param({"HTTPS_PROXY": ""}, id="no-proxy-at-all"),
        pytest.param({"SSL_CERT_FILE": "/nowhere"}, id="bundle-of-nobodys-concern"),
        pytest.param({"TFHUB_CACHE_DIR": "gs://bucket/cache"}, id="cache-in-a-bucket"),
    ],
)
def test_what_is_in_nobodys_way_is_not_named(environ: dict[str, str]) -> None:
    assert found(environ) == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_without_the_ca_is_named(tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(root("other.example")[0])
    (one,) = found({"HTTPS_PROXY": PROXY, name: str(bundle)})
    assert (
        one.what
        == f"{name}={bundle} does not have hubproxy's CA: no answer of hubproxy's is believed"
    )
    assert one.fix == EVAL
    bundle.write_bytes(b"# a comment\r\n" + root("other.example")[0] + site().ca)
    assert found({"HTTPS_PROXY": PROXY, name: str(bundle)}) == []


def test_requests_may_be_given_a_folder(tmp_path: Path) -> None:
    assert found({"HTTPS_PROXY": PROXY, "REQUESTS_CA_BUNDLE": str(tmp_path)}) == []


def test_the_fix_names_the_daemon_that_was_named() -> None:
    (one,) = found({"HTTPS_PROXY": "corp:1"}, flag=" --url http://h:1")
    assert one.fix == 'eval "$(hubproxy env --url http://h:1)"'


def test_the_hooks_way_minds_no_proxy() -> None:
    environ = {"HTTPS_PROXY": "corp:1", "NO_PROXY": "*", "REQUEST_METHOD": "GET"}
    assert found(environ, "hook") == []
    assert len(found(environ, "proxy")) == 3


def test_small_letters_make_cgi_harmless() -> None:
    (one,) = found({"REQUEST_METHOD": "GET", "HTTP_PROXY": PROXY, "http_proxy": PROXY})
    assert not one.fatal


@pytest.mark.parametrize(
    ("client", "fatal"),
    [(None, True), ((0, 11, 0), True), ((0, 7, 0), True), ((0, 12, 0), False), ((0, 16, 1), False)],
)
def test_a_cache_that_cannot_be_written_hangs_old_clients(
    client: tuple[int, ...] | None, fatal: bool
) -> None:
    """/proc/self can be written by nobody, root included."""
    if not Path("/proc/self").exists() or os.access("/proc/self", os.W_OK):
        pytest.skip(f"this {sys.platform} has no folder that root cannot write")
    environ = {"TFHUB_CACHE_DIR": "/proc/self/modules"}
    (one,) = conflicts(environ, site(), ["hook"], client=client)
    assert one.what.startswith("TFHUB_CACHE_DIR=/proc/self/modules cannot be written")
    assert one.fatal == fatal
    assert ("waits for ever" in one.what) == fatal
