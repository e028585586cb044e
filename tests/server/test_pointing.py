import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubproxy.server.pages import NoSuchPageError
from hubproxy.server.pointing import Addresses, Voucher, pointing_pages, shown_address
from tests.site import Site

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Vouching:
    certificate_pem: bytes = b"-----BEGIN CERTIFICATE-----\n"
    fingerprint: str = "ab" * 32


@pytest.mark.parametrize(
    ("bound", "override", "shown"),
    [
        pytest.param("http://127.0.0.1:8441", "", "http://127.0.0.1:8441", id="as-it-is"),
        pytest.param("http://[::1]:8441", "", "http://[::1]:8441", id="ipv6"),
        pytest.param("http://10.0.0.5:8441", "", "http://10.0.0.5:8441", id="address"),
        pytest.param("http://proxy.example:1", "", "http://proxy.example:1", id="name"),
        pytest.param("http://0.0.0.0:8441", "", "http://node7:8441", id="any"),
        pytest.param("http://[::]:8441", "", "http://node7:8441", id="any-ipv6"),
        pytest.param("http://0.0.0.0:1", "http://p.example:2/", "http://p.example:2", id="set"),
        pytest.param("http://10.0.0.5:1", "http://p.example:2", "http://p.example:2", id="set-too"),
    ],
)
def test_an_address_is_shown_as_jobs_can_use_it(bound: str, override: str, shown: str) -> None:
    assert shown_address(bound, override=override, name=lambda: "node7") == shown


def pages(authority: Voucher | None, addresses: Addresses) -> dict[str, bytes]:
    found = pointing_pages(
        addresses,
        hubs=["tfhub.dev", "models.example"],
        auth="required",
        authority=lambda: authority,
        clock=lambda: NOON,
    )
    assert set(found) == {
        "/-/env.json",
        "/-/ca.pem",
        "/tfhub.dev/-/canary/1",
        "/models.example/-/canary/1",
    }
    return {path: found[path]().body for path in found}


def test_the_daemon_says_how_it_is_reached() -> None:
    addresses = Addresses()
    addresses.hook, addresses.proxy = "http://h:8440", "http://h:8441"
    found = pages(Vouching(), addresses)
    assert json.loads(found["/-/env.json"]) == {
        "v": 1,
        "hook": "http://h:8440",
        "proxy": "http://h:8441",
        "ca": "-----BEGIN CERTIFICATE-----\n",
        "ca_sha256": "ab" * 32,
        "hubs": ["models.example", "tfhub.dev"],
        "auth": "required",
        "time": "2026-11-23T12:00:00Z",
    }
    assert found["/-/ca.pem"] == b"-----BEGIN CERTIFICATE-----\n"


def test_addresses_are_those_of_the_moment() -> None:
    """The pages are made before the ports are bound."""
    addresses = Addresses()
    made = pointing_pages(
        addresses, hubs=[], auth="optional", authority=lambda: None, clock=lambda: NOON
    )["/-/env.json"]
    assert json.loads(made().body)["hook"] == ""
    addresses.hook = "http://h:8440"
    assert json.loads(made().body)["hook"] == "http://h:8440"


def test_without_a_forward_proxy_there_is_no_ca() -> None:
    made = pointing_pages(
        Addresses(), hubs=[], auth="optional", authority=lambda: None, clock=lambda: NOON
    )
    assert json.loads(made["/-/env.json"]().body)["ca"] == ""
    with pytest.raises(NoSuchPageError, match="no CA") as caught:
        made["/-/ca.pem"]()
    assert "forward.listen" in caught.value.remedy


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as site:
        yield site


async def test_a_running_daemon_tells_of_itself(site: Site) -> None:
    told = json.loads((await site.get("-/env.json")).body)
    assert (told["hook"], told["proxy"]) == (site.url, site.forward_url)
    assert (told["hubs"], told["auth"]) == (["tfhub.dev"], "optional")
    assert told["ca"].encode() == site.ca_pem == (await site.get("-/ca.pem")).body


async def test_a_daemon_without_a_forward_port_has_neither_address_nor_ca(site: Site) -> None:
    await site.restart({"forward.listen": ""})
    told = json.loads((await site.get("-/env.json")).body)
    assert (told["proxy"], told["ca"], told["ca_sha256"]) == ("", "", "")
    assert (await site.get("-/ca.pem")).status == 404


async def test_the_address_that_an_operator_has_set_is_told(site: Site) -> None:
    await site.restart({"forward.url": "http://proxy.example:3128"})
    assert json.loads((await site.get("-/env.json")).body)["proxy"] == "http://proxy.example:3128"
