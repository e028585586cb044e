import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hubproxy import wiring
from hubproxy.core.access import Team, Teams
from hubproxy.pointing.ask import Site, ask
from hubproxy.pointing.finding import Finding
from hubproxy.pointing.forwarding import check_forward
from hubproxy.pointing.place import Credentials, Place
from tests import site as sites
from tests.pointing.sites import root, site


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A port that answers the first thing it hears, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def check(
    found: Site, bundle: Path, hub: str = "tfhub.dev", credentials: Credentials | None = None
) -> Finding:
    return await asyncio.to_thread(
        check_forward, found, hub, bundle=bundle, credentials=credentials
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.pem"
    path.write_bytes(root("tfhub.dev")[0])
    return path


async def test_a_hub_is_reached_and_believed(tmp_path: Path) -> None:
    async with sites.Site(tmp_path) as daemon:
        found = await asyncio.to_thread(ask, Place(daemon.url))
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(found.ca)
        good = await check(found, bundle)
        refused = await check(found, bundle, "elsewhere.example")
        bundle.write_bytes(root("tfhub.dev")[0])
        unbelieved = await check(found, bundle)
    assert good.state == "ok"
    assert good.text == f"CONNECT tfhub.dev:443 by {found.proxy}, TLSv1.3, CA verified"
    assert refused.state == "FAIL"
    assert "CONNECT elsewhere.example:443 was answered HTTP/1.1 403 hubproxy" in refused.text
    assert unbelieved.state == "FAIL"
    assert "does not verify" in unbelieved.text
    assert "reload" in unbelieved.fix


async def test_a_token_is_asked_for_and_taken(tmp_path: Path) -> None:
    teams = tmp_path / "teams.toml"
    teams.write_text(Teams((Team.of_token("nlp", "s3cret", wiring.now()),)).render())
    settings = {"access.auth": "required", "access.teams": str(teams)}
    async with sites.Site(tmp_path / "site", settings) as daemon:
        found = await asyncio.to_thread(ask, Place(daemon.url))
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(found.ca)
        without = await check(found, bundle)
        wrong = await check(found, bundle, credentials=Credentials("nlp", "other"))
        good = await check(found, bundle, credentials=Credentials("nlp", "s3cret"))
    assert found.auth_required
    for one in (without, wrong):
        assert one.state == "FAIL"
        assert "407" in one.text
        assert "hubproxy team add" in one.text
        assert one.fix == "hubproxy doctor --team NAME --token-file FILE"
    assert good.state == "ok"


async def test_a_port_that_is_closed_is_told(bundle: Path) -> None:
    async with answering(b"") as url:
        pass
    found = await check(site(proxy=url), bundle)
    assert found.state == "FAIL"
    assert "Connect call failed" in found.text or "Connection refused" in found.text
    assert "forward.listen" in found.fix  # which is loopback, and the daemon is elsewhere


async def test_a_name_that_means_nothing_is_told(bundle: Path) -> None:
    found = await check(site(proxy="http://nowhere.invalid:8441"), bundle)
    assert found.state == "FAIL"
    assert "forward.url" in found.fix


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(b"", "broke off", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", "broke off", id="half-a-head"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", "broke off", id="no-tls"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nhello" * 9, "broke off", id="other-than-tls"),
        pytest.param(b"HTTP/1.1 502 \x1b[1m\r\n\r\n", "502 ?[1m", id="refusal"),
    ],
)
async def test_whatever_else_answers_is_told(bundle: Path, answer: bytes, told: str) -> None:
    async with answering(answer) as url:
        found = await check(site(proxy=url), bundle)
    assert found.state == "FAIL"
    assert told in found.text


async def test_an_answer_without_an_end_is_not_read_to_it(bundle: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"X" * 70_000)
        await reader.read()  # until the client has had enough
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = await check(site(proxy=url), bundle)
    assert found.state == "FAIL"
    assert found.text.endswith("it is no answer of a proxy")


async def test_a_certificate_for_another_host_is_not_believed(tmp_path: Path) -> None:
    trustme: Any = pytest.importorskip("trustme")
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("other.example").configure_cert(context)
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(ca.cert_pem.bytes())

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await writer.start_tls(context)
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = await check(site(proxy=url), bundle)
    assert found.state == "FAIL"
    assert "does not verify" in found.text
