"""A moment at which a request ends, whatever it waits for then.

A socket's timeout bounds one wait. Who sends a byte before each is over (of a header, of an
interim answer, of a chunk's length) would hold a reader for ever, deep inside the HTTP library.
So the socket itself is shut when the time is over.
"""

import socket
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

_LONGEST_IDLE = 30.0
"""Seconds after which a connection is not used again: a firewall that forgot it tells nobody."""


class Deadline:
    """The end of one request. What connects within `with` belongs to it, until `close`.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        self._before = _CURRENT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._before)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._at

    def hold(self, connected: socket.socket | None) -> None:
        """Shut this one when the time is over. TLS puts another socket in a socket's place."""
        self._socket = connected
        if self.over:
            self._shut()

    def close(self) -> None:
        """Leave the socket alone: the request has ended."""
        self._timer.cancel()
        self._socket = None

    def _shut(self) -> None:
        held = self._socket
        if held is not None:
            with suppress(OSError):  # it is closed already
                # Not the method of a TLS socket, which would let its reader go on without TLS.
                socket.socket.shutdown(held, socket.SHUT_RDWR)


_CURRENT: ContextVar[Deadline] = ContextVar("deadline")


def under_deadlines(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Let a manager's connections belong to the deadline that they are used within."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


class _Connection(HTTPConnection):
    _used = 0.0

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        _CURRENT.get().hold(made)  # a proxy may drip before there is TLS
        return made

    def _tunnel(self) -> None:
        super()._tunnel()
        if _CURRENT.get().over:  # the proxy's answer may be no more than what the drip left
            raise TimeoutError("the proxy took too long")

    def connect(self) -> None:
        super().connect()
        _CURRENT.get().hold(self.sock)

    def request(self, *args: Any, **named: Any) -> None:
        if self.sock is not None:
            _CURRENT.get().hold(self.sock)
        self._used = time.monotonic()
        super().request(*args, **named)

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._used < _LONGEST_IDLE


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
