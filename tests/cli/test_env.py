import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.place import Place

SHOW = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"


@pytest.fixture
async def url(place: Place) -> AsyncIterator[str]:
    place.variables["XDG_CACHE_HOME"] = str(place.folder / "cache")
    await place.begin()
    async with place.serving() as (url, _):
        yield url


async def evaluated(place: Place, *words: str) -> dict[str, str]:
    """What a shell has after `eval "$(hubproxy env …)"`."""
    printed = (await place.good("env", *words)).out
    child = await asyncio.create_subprocess_exec(
        "sh",
        "-euc",
        f'eval "$1"\n{SHOW}',
        "sh",
        printed,
        stdout=asyncio.subprocess.PIPE,
        env={**place.variables, "PATH": "/usr/bin:/bin", "HUBPROXY_URL": "http://before"},
    )
    out, _ = await child.communicate()
    assert child.returncode == 0
    found: dict[str, str] = json.loads(out)
    return found


async def test_a_shell_is_pointed_at_the_proxy(place: Place, url: str) -> None:
    found = await evaluated(place, "--url", url)
    bundle = Path(found["SSL_CERT_FILE"])
    assert found["https_proxy"].startswith("http://127.0.0.1:")
    assert found["https_proxy"] not in ("", url)
    assert found["NO_PROXY"] == "localhost,127.0.0.1,::1"
    assert "HUBPROXY_URL" not in found
    assert bundle.parent == place.folder / "cache" / "hubproxy"
    assert bundle.read_bytes().count(b"BEGIN CERTIFICATE") > 1


async def test_a_shell_is_pointed_by_the_hook(place: Place, url: str) -> None:
    found = await evaluated(place, "--url", url, "--way", "hook")
    assert found["HUBPROXY_URL"] == url
    assert "HTTPS_PROXY" not in found
    assert not (place.folder / "cache").exists()


async def test_the_daemon_is_found_by_the_environment(place: Place, url: str) -> None:
    place.variables["HUBPROXY_URL"] = url
    assert "export HTTPS_PROXY=" in (await place.good("env")).out


async def test_settings_that_are_not_needed_need_not_be_readable(place: Place, url: str) -> None:
    """A researcher's machine may have some that are another's."""
    place.settings.write_text("nonsense")
    assert "export HTTPS_PROXY=" in (await place.good("env", "--url", url)).out
    done = await place.run("env")
    assert (done.status, done.out) == (1, "")
    assert "is not TOML" in done.errors


async def test_the_port_must_be_known(place: Place) -> None:
    done = await place.run("env")
    assert (done.status, done.out) == (2, "")
    assert "--url" in done.errors


async def test_without_a_daemon_nothing_is_printed(place: Place) -> None:
    done = await place.run("env", "--url", "http://127.0.0.1:9")
    assert (done.status, done.out) == (1, "")
    assert "NO_DAEMON: no hubproxy answers at http://127.0.0.1:9: Connection refused" in done.errors
    assert "hubproxy serve" in done.errors


async def test_the_bundle_goes_where_it_is_wanted(place: Place, url: str) -> None:
    found = await evaluated(place, "--url", url, "--ca", "ca.pem")
    assert found["SSL_CERT_FILE"] == str(place.folder / "ca.pem")
    other = ("--ca", "ca.pem", "--ca-path", "/job/ca.pem")
    found = await evaluated(place, "--url", url, *other)
    assert found["SSL_CERT_FILE"] == "/job/ca.pem"


async def test_a_container_gets_a_file_and_is_told_of_loopback(place: Place, url: str) -> None:
    place.variables["TFHUB_MODEL_LOAD_FORMAT"] = "UNCOMPRESSED"  # here, but not in there
    done = await place.good("env", "--url", url, "--shell", "docker")
    assert "SSL_CERT_FILE=/etc/hubproxy/ca-bundle.pem" in done.out.splitlines()
    assert "is each container's own loopback" in done.errors
    assert "TFHUB" not in done.errors


async def test_what_is_in_the_way_is_told_beside_the_variables(place: Place, url: str) -> None:
    place.variables |= {
        "NO_PROXY": "tfhub.dev,corp.example",
        "https_proxy": "http://ada:s3cret@corp.example:3128",
        "TFHUB_DISABLE_CERT_VALIDATION": "true",
    }
    done = await place.good("env", "--url", url)
    warnings = done.errors.splitlines()
    assert "export NO_PROXY=corp.example,localhost,127.0.0.1,::1;" in done.out.splitlines()
    assert len(warnings) == 6
    assert all(line.startswith("hubproxy: warning: ") for line in warnings[::2])
    fixes = {line.split()[2].partition("=")[0]: fix.strip() for line, fix in zip(
        warnings[::2], warnings[1::2], strict=True)}  # fmt: skip
    assert fixes == {
        "TFHUB_DISABLE_CERT_VALIDATION": "unset TFHUB_DISABLE_CERT_VALIDATION",
        "https_proxy": "The variables given here put that right.",
        "NO_PROXY": "The variables given here put that right.",
    }
    assert "s3cret" not in done.errors


async def test_cas_that_the_bundle_does_not_have_are_told(place: Place, url: str) -> None:
    trustme = pytest.importorskip("trustme")
    corporate = place.folder / "corporate.pem"
    trustme.CA().cert_pem.write_to_path(corporate)
    place.variables["REQUESTS_CA_BUNDLE"] = str(corporate)
    done = await place.good("env", "--url", url)
    assert f"REQUESTS_CA_BUNDLE={corporate} has 1 CAs that the bundle" in done.errors
    place.variables["SSL_CERT_FILE"] = str(corporate)
    assert (await place.good("env", "--url", url)).errors == ""


@pytest.mark.parametrize("way", ["proxy", "hook"])
async def test_a_team_brings_its_token(place: Place, url: str, way: str) -> None:
    (place.folder / "token").write_text("a/b+c\n")
    place.variables["HUBPROXY_TOKEN_FILE"] = "token"
    done = await place.good("env", "--url", url, "--way", way, "--team", "nlp")
    assert "=http://nlp:a%2Fb%2Bc@127.0.0.1:" in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--team", "nlp"], "go together", id="no-token"),
        pytest.param(["--token-file", "token"], "go together", id="no-team"),
        pytest.param(["--team", "nlp", "--token-file", "none"], "No such file", id="no-file"),
        pytest.param(["--team", "nlp", "--token-file", "two"], "one token", id="two-tokens"),
        pytest.param(["--team", "nlp", "--token-file", "empty"], "one token", id="empty"),
    ],
)
async def test_half_of_the_credentials_is_none(place: Place, words: list[str], told: str) -> None:
    for name, text in (("token", "abc"), ("two", "abc def"), ("empty", "\n")):
        (place.folder / name).write_text(text)
    place.variables["HUBPROXY_URL"] = "http://127.0.0.1:9"
    done = await place.run("env", *words)
    assert (done.status, done.out) == (2, "")
    assert told in done.errors


async def test_another_ca_than_the_one_named_is_not_trusted(place: Place, url: str) -> None:
    shown = (await place.good("ca", "show", "--json")).objects[0]["sha256"]
    place.variables["HUBPROXY_CA_SHA256"] = f"sha256:{shown.upper()}"
    assert "export HTTPS_PROXY=" in (await place.good("env", "--url", url)).out
    done = await place.run("env", "--url", url, "--ca-sha256", "ab" * 32)
    assert (done.status, done.out) == (1, "")
    assert f"CA_MISMATCH: the CA of {url} has sha256 {shown}, not abab" in done.errors


async def test_credentials_of_the_address_are_used(place: Place, url: str) -> None:
    done = await place.good("env", "--url", url.replace("//", "//nlp:t0ken@"))
    assert "HTTPS_PROXY=http://nlp:t0ken@127.0.0.1:" in done.out


async def test_a_daemon_without_a_forward_port_names_the_other_way(place: Place) -> None:
    listen = '[forward]\nlisten = "127.0.0.1:0"'
    place.settings.write_text(place.settings.read_text().replace(listen, '[forward]\nlisten = ""'))
    await place.begin()
    async with place.serving() as (url, _):
        done = await place.run("env", "--url", url)
        assert (done.status, done.out) == (2, "")
        assert "--way hook" in done.errors
        assert "HUBPROXY_URL" in (await place.good("env", "--url", url, "--way", "hook")).out
