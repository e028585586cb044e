"""TLS on a transport that is there already, driven by hand from both ends."""

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from hubproxy.server.tls import TlsTransport, sealing


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.told: set[str] = set()

    def write(self, data: Any) -> None:
        assert not self.is_closing()
        self.written += data

    def take(self) -> bytes:
        taken = bytes(self.written)
        self.written.clear()
        return taken

    def pause_reading(self) -> None:
        self.told.add("paused")

    def resume_reading(self) -> None:
        self.told.discard("paused")

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.told.add("eof")

    def close(self) -> None:
        self.told.add("closed")

    def abort(self) -> None:
        self.told |= {"closed", "aborted"}

    def is_closing(self) -> bool:
        return "closed" in self.told

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.told.add(f"limits {high} {low}")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return f"the {name} below"


class Above(asyncio.Protocol):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.transport: TlsTransport | None = None
        self.heard = bytearray()
        self.told: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, TlsTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool | None:
        self.told.append("eof")
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Pair:
    """A server's transport and a client, joined by hand."""

    def __init__(self, authority: trustme.CA, version: ssl.TLSVersion) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("tfhub.dev").configure_cert(server)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        client.minimum_version = client.maximum_version = version
        self.wire, self.above = Wire(), Above()
        self.failures: list[ssl.SSLError] = []
        self.server = TlsTransport(self.wire, server, self.above, self.failures.append)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self._in, self._out, server_hostname="tfhub.dev")

    def shake_hands(self) -> None:
        for _ in range(4):
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                self.carry()
            else:
                self.carry()
                return
        raise AssertionError("no handshake")

    def carry(self) -> None:
        """Everything that is on its way arrives."""
        if self._out.pending:
            self.server.data_received(self._out.read())
        self._in.write(self.wire.take())

    def say(self, data: bytes) -> None:
        self.client.write(data)
        self.carry()

    def hear(self) -> bytes:
        self.carry()
        heard = b""
        try:
            while piece := self.client.read(1 << 20):
                heard += piece
        except ssl.SSLWantReadError:
            pass
        return heard


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def pair(authority: trustme.CA, request: pytest.FixtureRequest) -> Pair:
    pair = Pair(authority, ssl.TLSVersion[request.param])
    pair.shake_hands()
    return pair


def test_bytes_go_both_ways(pair: Pair) -> None:
    assert pair.above.transport is pair.server
    pair.say(b"hello")
    assert pair.above.heard == b"hello"
    much = bytes(range(256)) * 2000
    pair.server.write(b"")
    pair.server.writelines([much[:100_000], memoryview(much)[100_000:]])
    assert pair.hear() == much
    assert pair.server.get_extra_info("ssl_object").version() == pair.client.version()
    assert pair.server.get_extra_info("peername") == "the peername below"


def test_records_may_come_a_byte_at_a_time(authority: trustme.CA) -> None:
    pair = Pair(authority, ssl.TLSVersion.TLSv1_3)
    whole = pair.server.data_received

    def dribble(data: bytes) -> None:
        for number in range(len(data)):
            whole(data[number : number + 1])

    pair.server.data_received = dribble  # type: ignore[method-assign]  # the way, not the thing
    pair.shake_hands()
    pair.say(b"hello")
    assert pair.above.heard == b"hello"


def test_what_is_not_read_yet_waits(pair: Pair) -> None:
    pair.server.pause_reading()
    assert "paused" in pair.wire.told
    assert not pair.server.is_reading()
    pair.say(b"one")
    pair.say(b"two")
    assert pair.above.heard == b""
    pair.server.resume_reading()
    assert "paused" not in pair.wire.told
    assert pair.above.heard == b"onetwo"


def test_a_sender_has_the_connection_to_itself(pair: Pair) -> None:
    with sealing(pair.server) as sealer:
        assert sealer is not None
        assert "paused" in pair.wire.told
        pair.wire.write(sealer.seal(b"from another thread"))
        pair.say(b"meanwhile")
        assert pair.above.heard == b""
        with pytest.raises(RuntimeError, match="a sender has the connection"):
            pair.server.write(b"x")
    assert "paused" not in pair.wire.told
    assert pair.above.heard == b"meanwhile"
    assert pair.hear() == b"from another thread"


def test_the_end_of_the_client_while_a_sender_sends_is_not_lost(pair: Pair) -> None:
    with sealing(pair.server):
        pair.client.write(b"last words")
        with pytest.raises(ssl.SSLError):
            pair.client.unwrap()
        pair.carry()
        assert pair.server.eof_received() is True
        assert pair.above.told == []
    assert pair.above.heard == b"last words"
    assert pair.above.told == ["eof"]
    assert pair.wire.is_closing()


def test_a_plain_transport_needs_no_sealer() -> None:
    with sealing(Wire()) as sealer:
        assert sealer is None


def test_closing_says_good_bye_and_is_done_once(pair: Pair) -> None:
    pair.server.write(b"last words")
    pair.server.close()
    pair.server.close()
    pair.server.write(b"too late")
    pair.server.write_eof()
    assert pair.wire.is_closing()
    assert "aborted" not in pair.wire.told
    assert pair.server.is_closing()
    assert pair.hear() == b"last words"
    pair.client.unwrap()  # which would wait, had no good-bye come


def test_aborting_says_nothing(pair: Pair) -> None:
    pair.wire.take()
    pair.server.abort()
    assert "aborted" in pair.wire.told
    pair.server.close()
    pair.server.write(b"too late")
    assert pair.wire.take() == b""


def test_an_end_of_writing_leaves_reading_open(pair: Pair) -> None:
    pair.server.write(b"no more")
    pair.server.write_eof()
    assert "eof" in pair.wire.told
    assert not pair.wire.is_closing()
    assert pair.hear() == b"no more"


@pytest.mark.parametrize("polite", [True, False])
def test_the_clients_end_is_told_and_answered(authority: trustme.CA, *, polite: bool) -> None:
    pair = Pair(authority, ssl.TLSVersion.TLSv1_3)
    pair.shake_hands()
    if polite:
        with pytest.raises(ssl.SSLError):
            pair.client.unwrap()
        pair.carry()
    else:
        assert not pair.server.eof_received()
    assert pair.above.told == ["eof"]
    assert pair.wire.is_closing()
    pair.server.connection_lost(None)
    assert pair.above.told == ["eof", "lost"]


def test_flow_control_passes_through(pair: Pair) -> None:
    pair.server.pause_writing()
    pair.server.resume_writing()
    assert pair.above.told == ["pause", "resume"]


def test_a_wire_that_is_full_before_the_handshake_is_told_after_it(
    authority: trustme.CA,
) -> None:
    pair = Pair(authority, ssl.TLSVersion.TLSv1_3)
    pair.server.pause_writing()
    assert pair.above.told == []
    pair.shake_hands()
    assert pair.above.told == ["pause"]


def test_what_waits_to_be_sent_is_that_of_the_wire(pair: Pair) -> None:
    pair.wire.take()
    assert pair.server.get_write_buffer_size() == 0
    pair.server.write(b"x" * 1000)
    assert pair.server.get_write_buffer_size() > 1000
    pair.server.set_write_buffer_limits(5, 3)
    assert "limits 5 3" in pair.wire.told


def test_a_session_that_is_over_seals_nothing(pair: Pair) -> None:
    pair.server.data_received(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    with pytest.raises(ConnectionResetError, match="TLS: "):
        pair.server.seal(b"x")


def test_a_damaged_record_ends_the_connection(pair: Pair) -> None:
    pair.server.data_received(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    assert pair.above.heard == b""
    assert pair.wire.is_closing()


@pytest.mark.parametrize(
    "hello",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="http"),
        pytest.param(b"\x16\x03\x01\x00\x05hello", id="half-a-hello"),
        pytest.param(b"\x00" * 100, id="nuls"),
    ],
)
def test_what_is_no_handshake_is_told_to_those_who_wait(
    authority: trustme.CA, hello: bytes
) -> None:
    pair = Pair(authority, ssl.TLSVersion.TLSv1_3)
    pair.server.data_received(hello)
    assert len(pair.failures) == 1
    assert pair.above.transport is None
    pair.server.data_received(hello)
    pair.server.connection_lost(None)
    assert len(pair.failures) == 1
    assert pair.above.told == []


def test_renegotiation_and_alpn_are_the_contexts_matter(pair: Pair) -> None:
    assert isinstance(pair.server.get_extra_info("sslcontext"), ssl.SSLContext)
    assert pair.server.get_protocol() is pair.above
    other = Above()
    pair.server.set_protocol(other)
    pair.say(b"to the other one")
    assert pair.above.heard == b""
    assert other.heard == b"to the other one"
