import socket
from pathlib import Path

import msgspec
import pytest

from hubproxy.config import Config
from hubproxy.config.values import Network
from hubproxy.core.handle import Handle
from hubproxy.errors import NotAModelError, UpstreamError, UpstreamForbiddenError, UsageError
from hubproxy.wiring.inspecting import fetch_handle, fetch_url
from tests import faults
from tests.origin import Origin

CONFIG = Config(network=Network(attempts=2))


def unmoved(_handle: Handle, _taken: int, _total: int | None) -> None:
    pass


async def test_a_named_address_may_be_one_s_own(tmp_path: Path) -> None:
    async with Origin() as origin:
        origin.put("/m.tar.gz", b"bytes")
        moved = []

        def told(_: Handle, taken: int, total: int | None) -> None:
            moved.append((taken, total))

        await fetch_url(CONFIG, f"{origin.url}/m.tar.gz", tmp_path / "m", told)
        assert (tmp_path / "m").read_bytes() == b"bytes"
        assert moved == [(5, 5)]


async def test_a_broken_transfer_goes_on(tmp_path: Path) -> None:
    async with Origin() as origin:
        origin.put("/m", bytes(range(256)) * 100)
        origin.misbehave("/m", faults.truncated(1000))
        await fetch_url(CONFIG, f"{origin.url}/m", tmp_path / "m", unmoved)
        assert (tmp_path / "m").read_bytes() == bytes(range(256)) * 100
        assert [request.headers.get("range") for request in origin.requests] == [
            None,
            "bytes=1000-",
        ]


async def test_a_transfer_that_starts_over_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    async with Origin() as origin:
        origin.put("/m", b"x" * 5000, etag="")
        origin.misbehave("/m", faults.truncated(1000))
        await fetch_url(CONFIG, f"{origin.url}/m", tmp_path / "m", unmoved)
        assert (tmp_path / "m").read_bytes() == b"x" * 5000


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1"])
async def test_where_nobody_serves_nothing_is_asked(tmp_path: Path, host: str) -> None:
    with pytest.raises(UpstreamForbiddenError):
        await fetch_url(CONFIG, f"http://{host}:1/m", tmp_path / "m", unmoved)


async def test_a_public_host_leads_to_no_address_of_one_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name has two addresses, and what it is taken for is decided by the first."""

    def look_up(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))
            for address in ("93.184.216.34", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(
        UpstreamForbiddenError, match=r"resolves to 127\.0\.0\.1, which is loopback"
    ):
        await fetch_url(CONFIG, "http://both.example/m", tmp_path / "m", unmoved)


async def test_a_name_that_is_not_found_is_told(tmp_path: Path) -> None:
    url = "http://nobody.invalid/m"
    with pytest.raises(UpstreamError, match=r"nobody\.invalid/m: the host's name was not found"):
        await fetch_url(CONFIG, url, tmp_path / "m", unmoved)


async def test_an_offline_host_fetches_nothing(tmp_path: Path) -> None:
    config = msgspec.structs.replace(CONFIG, network=Network(offline=True))
    async with Origin() as origin:
        with pytest.raises(NotAModelError, match=r"the settings say `network\.offline`"):
            await fetch_url(config, f"{origin.url}/m", tmp_path / "m", unmoved)
        assert origin.requests == []


async def test_a_handle_needs_its_version(tmp_path: Path) -> None:
    handle = Handle.parse("tfhub.dev/google/spice")
    with pytest.raises(UsageError, match="has no version") as caught:
        await fetch_handle(CONFIG, handle, tmp_path / "m", unmoved)
    assert "tfhub.dev/google/spice/1" in caught.value.remedy
