"""A tunnel that is not looked into: bytes from one connection to another, both ways."""

import asyncio
from collections.abc import Callable
from typing import Any


class Pipe(asyncio.Protocol):
    """One end of a tunnel, which writes what it gets to the other end.

    As fast as the other end takes it, and no faster; an end that says no more is said to the
    other one, and when both have, or one is lost, both are closed.

    Args:
        moved: is told how many bytes have passed, each time.
        lost: is called once, when this end is lost.
    """

    def __init__(self, moved: Callable[[int], None], lost: Callable[[], None]) -> None:
        self._moved, self._lost = moved, lost
        self.transport: Any = None
        self.other: Pipe | None = None
        self._early: list[bytes] = []  # what came before there was another end
        self._ended = False

    def join(self, other: "Pipe") -> None:
        """Let the bytes flow between this end and another one, both of which are connected."""
        self.other, other.other = other, self
        self._begin()
        other._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
            self.transport.pause_reading()
        elif not self.other.transport.is_closing():
            self._moved(len(data))
            self.other.transport.write(data)

    def eof_received(self) -> bool | None:
        self._ended = True
        other = self.other
        if other is None:
            return True
        if other.ended or other.transport.is_closing():
            return None
        other.transport.write_eof()
        return True

    def _begin(self) -> None:
        early, self._early = self._early, []
        for data in early:
            self.data_received(data)
        if self.transport.is_closing():  # it was lost before there was another end
            if self.other is not None:
                self.other.transport.close()
        elif self._ended:
            self.eof_received()
        else:
            self.transport.resume_reading()

    @property
    def ended(self) -> bool:
        """Whether this end has said that no more will come from it."""
        return self._ended

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # either way
        other, self.other = self.other, None
        if other is not None and not other.transport.is_closing():
            other.transport.close()
        self._lost()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()
