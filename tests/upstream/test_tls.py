"""Which certificates are believed: by the system's authorities, by name, and never by less."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from hubproxy.errors import ConfigError, UpstreamError, UpstreamForbiddenError
from hubproxy.upstream.http import HttpUpstream
from hubproxy.upstream.tls import harden
from tests import faults
from tests.origin import Origin
from tests.upstream.conftest import ARCHIVE, PATH, Taken, hub


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def system(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts this authority and no other."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@asynccontextmanager
async def secure(certificate: trustme.LeafCert, **options: ssl.TLSVersion) -> AsyncIterator[Origin]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    for name, value in options.items():
        setattr(context, name, value)
    async with Origin(tls=context) as origin:
        origin.put(PATH, ARCHIVE)
        yield origin


def by_name(origin: Origin) -> HttpUpstream:
    return HttpUpstream(hub(origin, url=f"https://localhost:{origin.port}"))


async def test_a_certificate_of_the_systems_authority_is_believed(authority: trustme.CA) -> None:
    async with (
        secure(authority.issue_cert("localhost", "127.0.0.1")) as origin,
        by_name(origin) as named,
        HttpUpstream(hub(origin)) as numbered,
    ):
        assert (await Taken().take(named)).body == ARCHIVE
        assert (await Taken().take(numbered)).body == ARCHIVE


async def test_a_passed_context_decides_who_is_believed() -> None:
    own = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own.configure_trust(context)
    async with (
        secure(own.issue_cert("127.0.0.1")) as origin,
        HttpUpstream(hub(origin), tls=context) as upstream,
    ):
        assert (await Taken().take(upstream)).body == ARCHIVE


async def refused(upstream: HttpUpstream, origin: Origin) -> str:
    async with upstream:
        with pytest.raises(UpstreamError, match="TLS failed") as caught:
            await Taken().take(upstream)
    assert not caught.value.transient
    assert origin.requests == []
    return str(caught.value)


async def test_an_expired_certificate_is_refused(authority: trustme.CA) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    async with secure(authority.issue_cert("localhost", not_after=yesterday)) as origin:
        assert "expired" in await refused(by_name(origin), origin)


async def test_another_hosts_certificate_is_refused(authority: trustme.CA) -> None:
    async with secure(authority.issue_cert("tfhub.dev")) as origin:
        assert "ostname mismatch" in await refused(by_name(origin), origin)


async def test_an_unknown_authority_is_refused() -> None:
    async with secure(trustme.CA().issue_cert("localhost")) as origin:
        assert "issuer" in await refused(by_name(origin), origin)


async def test_a_name_in_the_subject_alone_is_refused(authority: trustme.CA) -> None:
    async with secure(authority.issue_cert(common_name="localhost")) as origin:
        assert "ostname mismatch" in await refused(by_name(origin), origin)


async def test_a_passed_context_refuses_a_name_in_the_subject_alone(
    authority: trustme.CA,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    async with secure(authority.issue_cert(common_name="localhost")) as origin:
        url = f"https://localhost:{origin.port}"
        assert "mismatch" in await refused(HttpUpstream(hub(origin, url=url), tls=context), origin)


async def test_a_server_without_tls_is_not_asked_in_the_clear(authority: trustme.CA) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    heard: list[bytes] = []
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, Origin() as origin:
        origin.port = server.sockets[0].getsockname()[1]
        await refused(by_name(origin), origin)
    assert heard == [b"\x16"]


async def test_https_is_never_left_for_http(authority: trustme.CA) -> None:
    async with (
        secure(authority.issue_cert("127.0.0.1")) as origin,
        Origin() as plain,
        HttpUpstream(hub(origin)) as upstream,
    ):
        plain.put("/x", ARCHIVE)
        origin.misbehave(PATH, faults.redirect(f"{plain.url}/x"))
        with pytest.raises(UpstreamForbiddenError, match="from https to"):
            await Taken().take(upstream)
        assert plain.connections == 0


def test_old_tls_is_not_spoken() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    assert harden(context).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("verify_mode", [ssl.CERT_NONE, ssl.CERT_REQUIRED])
def test_a_context_that_does_not_verify_is_refused(verify_mode: ssl.VerifyMode) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = verify_mode
    with pytest.raises(ConfigError, match="must verify"):
        harden(context)
