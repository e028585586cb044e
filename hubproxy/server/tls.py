"""TLS on a transport that is there already: the server's side of an intercepted tunnel.

It is our own for two reasons: a body is sealed by a sender thread while the event loop does
something else, and a handshake costs half of what asyncio's layer takes.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hubproxy.server.wire import Sealer

_PIECE = 64 * 1024


class TlsTransport(asyncio.Transport):
    """A transport whose far end speaks TLS; below it the transport that carries the records.

    Whoever has the transport below hands on what comes from it: `data_received`,
    `eof_received`, `connection_lost`, `pause_writing` and `resume_writing`.

    Args:
        below: carries the records.
        context: of the server's side.
        above: gets the plain bytes; its `connection_made` is called after the handshake.
        failed: is told why the handshake failed, after the alert was written.
    """

    def __init__(
        self,
        below: asyncio.Transport,
        context: ssl.SSLContext,
        above: asyncio.Protocol,
        failed: Callable[[ssl.SSLError], None],
    ) -> None:
        super().__init__()
        self._below, self._above, self._failed = below, above, failed
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._context = context
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._open = self._closing = self._over = False
        self._paused = self._writing_paused = False
        self._late: list[bytes] | None = None  # what came while a sender had the connection
        self._late_end = False

    # From below.

    def data_received(self, data: bytes) -> None:
        if self._late is not None:
            self._late.append(data)
            return
        self._in.write(data)
        self._advance()

    def eof_received(self) -> bool | None:
        """The end of the records, with a close_notify before it or without."""
        if self._late is not None:
            self._late_end = True
            return True
        if not self._open:
            self._in.write_eof()
            self._advance()
        else:
            # OpenSSL is not told: it would take the session for broken, and what was asked for
            # is still to be answered.
            self._ended()
        return not self.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = self._over = True
        if self._open:
            self._open = False
            self._above.connection_lost(exc)

    def pause_writing(self) -> None:
        self._writing_paused = True
        if self._open:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._open:
            self._above.resume_writing()

    def _advance(self) -> None:
        """Take what has come as far as it goes."""
        if not self._open and not self._over:
            self._shake_hands()
        try:
            while self._open and not self._paused and self._late is None and not self._over:
                data = self._tls.read(_PIECE)
                if not data:
                    self._ended()
                    break
                self._above.data_received(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:  # also a close_notify, and an end without one
            self._ended()
        self._flush()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            self._flush()  # the alert
            self._closing = self._over = True
            self._failed(error)
            return
        self._open = True
        self._flush()
        self._above.connection_made(self)
        if self._writing_paused:
            self._above.pause_writing()

    def _ended(self) -> None:
        if not self._over:
            self._over = True
            if not self._above.eof_received():
                self.close()

    def _flush(self) -> None:
        if self._out.pending and not self._below.is_closing():
            self._below.write(self._out.read())

    # From above.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._late is not None:
            raise RuntimeError("a sender has the connection")
        if self._closing or not data:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Say that no more will be written, by a close_notify; what comes is still read."""
        if not self._closing:
            with suppress(ssl.SSLError):  # the far end's own close_notify has not come yet
                self._tls.unwrap()
            self._flush()
            if self._below.can_write_eof():
                self._below.write_eof()

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if self._late is None:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
        self._below.close()

    def abort(self) -> None:
        """Close at once, without a close_notify: no answer can look complete by it."""
        self._closing = True
        self._below.abort()

    def is_closing(self) -> bool:
        return self._closing or self._below.is_closing()

    def pause_reading(self) -> None:
        self._paused = True
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        self._below.resume_reading()
        if self._late is None:
            self._advance()

    def is_reading(self) -> bool:
        return not self._paused

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._below.get_write_buffer_limits()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._above = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._above

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        own = {"sslcontext": self._context, "ssl_object": self._tls}
        return own[name] if name in own else self._below.get_extra_info(name, default)

    # To and from a sender thread.

    def seal(self, data: bytes | memoryview) -> bytes:
        """The records for some plain bytes. Only while `sealing` lasts, from one thread.

        Raises:
            ConnectionError: the session is over.
        """
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise ConnectionResetError(f"TLS: {error.reason}") from error
        return self._out.read()

    def lend(self) -> None:
        """Leave the connection to a sender: until `take_back`, nothing else touches it."""
        self._late = []
        self._below.pause_reading()

    def take_back(self) -> None:
        late, self._late = self._late or [], None
        if self._below.is_closing():
            return
        for data in late:
            self._in.write(data)
        if not self._paused:
            self._below.resume_reading()
            self._advance()
        if self._late_end:
            self._late_end = False
            if not self.eof_received():
                self._below.close()


@contextmanager
def sealing(transport: asyncio.BaseTransport) -> Iterator[Sealer | None]:
    """Lend a transport to a sender thread; None where there is nothing to be sealed."""
    if not isinstance(transport, TlsTransport):
        yield None
        return
    transport.lend()
    try:
        yield transport
    finally:
        transport.take_back()
