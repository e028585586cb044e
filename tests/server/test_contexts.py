"""What a client is offered in a hub's name: versions, ciphers, names, and one leaf at a time."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import pytest

from hubproxy.ca.authority import Authority, Leaf
from hubproxy.ca.folder import open_authority
from hubproxy.server.contexts import Contexts
from hubproxy.wiring import now
from tests.server.raw import descriptors

HOST = "tfhub.dev"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("ca"), [HOST], now=now())


class Counted(Authority):
    """Signs as another one does, and counts how often."""

    def __init__(self, one: Authority) -> None:
        super().__init__(one.certificates, one._key)
        self.times = 0

    def issue(self, host: str, *, now: datetime) -> Leaf:
        self.times += 1
        return super().issue(host, now=now)


@pytest.fixture
async def context(authority: Authority) -> ssl.SSLContext:
    return await Contexts(authority, now).get(HOST)


@pytest.fixture
def client(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.certificate_pem.decode())


def shake(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = HOST
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake, and a byte each way."""
    one, two = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(one, two, server_hostname=name)
    far = server.wrap_bio(two, one, server_side=True)

    def step(call: Callable[[], object]) -> None:
        with suppress(ssl.SSLWantReadError):
            call()

    for _ in range(3):
        step(near.do_handshake)
        step(far.do_handshake)
    for end, other in ((near, far), (far, near)):
        end.write(b"x")
        assert other.read(1) == b"x"
    return near, far


async def test_what_is_offered_is_what_is_meant_to_be(context: ssl.SSLContext) -> None:
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    offered = {one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"}
    assert len(offered) == 6
    assert all(name.startswith("ECDHE-") for name in offered)
    assert all("GCM" in name or "CHACHA20" in name for name in offered)
    # Python sets the former itself; OpenSSL 3 refuses the latter without being told, 1.1.1 not.
    for option in (ssl.OP_NO_COMPRESSION, ssl.OP_NO_RENEGOTIATION):
        assert context.options & option


async def test_a_weak_cipher_is_not_agreed_on(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:AES128-SHA")
    with pytest.raises(ssl.SSLError, match="NO_SHARED_CIPHER"):
        shake(context, client)


@pytest.mark.parametrize(
    ("wanted", "agreed"),
    [(["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), (["h2"], None), ([], None)],
)
async def test_only_http_1_is_agreed_on(
    context: ssl.SSLContext, client: ssl.SSLContext, wanted: list[str], agreed: str | None
) -> None:
    if wanted:
        client.set_alpn_protocols(wanted)
    near, far = shake(context, client)
    assert near.selected_alpn_protocol() == far.selected_alpn_protocol() == agreed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_tickets_are_given(
    context: ssl.SSLContext, client: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    client.minimum_version = client.maximum_version = version
    near, _ = shake(context, client)
    assert near.session is None or not near.session.has_ticket


@pytest.mark.parametrize("name", ["TFHUB.dev", "tfhub.dev."])
async def test_a_name_may_be_spelt_in_any_way(
    context: ssl.SSLContext, client: ssl.SSLContext, name: str
) -> None:
    client.check_hostname = False
    shake(context, client, name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a.example", id="another-host"),
        pytest.param("a.tfhub.dev", id="below-it"),
        pytest.param("dev", id="above-it"),
        pytest.param("tf_hub.dev", id="none-that-we-can-read"),
        pytest.param("127.1", id="an-address-to-some"),
        pytest.param("tfhub.dev:443", id="with-a-port"),
    ],
)
async def test_another_name_is_refused(
    context: ssl.SSLContext, client: ssl.SSLContext, name: str
) -> None:
    client.check_hostname = False
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name|callback failed"):
        shake(context, client, name)


async def test_a_leaf_is_made_once_however_many_wait(authority: Authority) -> None:
    counted = Counted(authority)
    contexts = Contexts(counted, now)
    before = descriptors()
    asking = [asyncio.ensure_future(contexts.get(HOST)) for _ in range(20)]
    await asyncio.sleep(0)
    asking.pop(0).cancel()  # which ends it for nobody else
    assert len({id(context) for context in await asyncio.gather(*asking)}) == 1
    assert counted.times == 1
    assert descriptors() - before == set()


async def test_another_ca_signs_from_when_it_is_put_in_place(authority: Authority) -> None:
    """Also what was being made then, by the one before."""
    first, second = Counted(authority), Counted(authority)
    contexts = Contexts(first, now)
    made = await contexts.get(HOST)
    being_made = asyncio.ensure_future(contexts.get("www.tfhub.dev"))
    await asyncio.sleep(0)
    contexts.use(second)
    assert await contexts.get(HOST) is not made
    early = await being_made
    assert await contexts.get("www.tfhub.dev") is not early
    assert (first.times, second.times) == (2, 2)
