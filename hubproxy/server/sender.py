"""Bodies go from file to socket in threads of their own, in turns, without passing Python.

An event loop that copies cannot accept, parse or read from upstream meanwhile; and one
unbounded `sendfile` to a fast reader does not come back for as long as it reads. So each of
a few threads runs an epoll loop over duplicates of the clients' sockets, and gives each
body at most `_TURN` bytes before the next one's turn. A body that has caught up with a
growing file is parked until the file grows.
"""

import asyncio
import os
import select
import socket
from collections import deque
from collections.abc import Iterator
from threading import Lock, Thread
from time import monotonic

from hubproxy.errors import HubproxyError
from hubproxy.service.growth import Growth

Piece = bytes | tuple[int, int]
"""Literal bytes, or (offset, length) of the file."""

_TURN = 2 * 1024 * 1024
_PARKED = 0  # epoll always reports a hang-up


class Job:
    """One body on its way to one client.

    Args:
        source: descriptor of the file; stays the caller's.
        sink: the client's socket; the job has a duplicate of its own.
        pieces: what to send, in order.
        growth: how far the file may be read; None when all of it may.
        chunked: frame the body for `Transfer-Encoding: chunked` (RFC 9112, 7.1), without the
            last chunk: the caller ends the body, or does not.

    """

    def __init__(
        self,
        source: int,
        sink: int,
        pieces: Iterator[Piece],
        *,
        growth: Growth | None,
        chunked: bool,
        done: asyncio.Future[int],
    ) -> None:
        self._source = source
        self._socket = socket.socket(fileno=os.dup(sink))
        self._pieces = pieces
        self._growth, self._chunked = growth, chunked
        self.done = done
        self.sent = 0
        self.progress = monotonic()
        self.parked = False
        self.given_up = False
        self._literal = b""
        self._offset = self._length = 0
        self._framed = 0  # bytes of the range that the open chunk still covers

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def turn(self) -> int | None:
        """Send for one turn.

        Returns:
            The epoll events to wait for; 0 to wait for the file to grow; -1 when there is
            more to do at once; None when all is sent.

        Raises:
            OSError: the client has gone, or the disk reported an error.
            HubproxyError: the rest of the file will not come.
        """
        if self.given_up:
            raise ConnectionAbortedError("the answer was given up")
        if self.parked:
            self.parked, self.progress = False, monotonic()
        left = _TURN
        while left > 0:
            if self._literal:
                # MSG_MORE: a frame's head leaves together with what follows it.
                more = socket.MSG_MORE if self._length else 0
                if not self._send(self._literal, more):
                    return select.EPOLLOUT
            elif self._length:
                allowed = self._allowed()
                if not allowed:
                    self.parked = True
                    return _PARKED
                if self._chunked and not self._framed:
                    self._framed = allowed
                    self._literal = b"%x\r\n" % allowed
                    continue
                count = os.sendfile(
                    self._socket.fileno(), self._source, self._offset, min(allowed, left)
                )
                if count == 0:
                    raise OSError("the stored file is shorter than it was")
                self._advance(count)
                left -= count
            elif not self._next():
                return None
        return -1

    def _allowed(self) -> int:
        """Bytes of the current range that may be sent now."""
        if self._framed:
            return self._framed
        if self._growth is None:
            return self._length
        allowed = min(self._length, self._growth.verified - self._offset)
        if allowed <= 0 and self._growth.error is not None:
            raise self._growth.error
        return max(allowed, 0)

    def _advance(self, count: int) -> None:
        self._offset += count
        self._length -= count
        self.sent += count
        self.progress = monotonic()
        if self._framed:
            self._framed -= count
            if not self._framed:
                self._literal = b"\r\n"

    def _send(self, piece: bytes, flags: int) -> bool:
        try:
            count = self._socket.send(piece, flags)
        except BlockingIOError:
            return False
        self._literal = piece[count:]
        self.progress = monotonic()
        return True

    def _next(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        if isinstance(piece, bytes):
            self.sent += len(piece)
            self._literal = b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece
        else:
            self._offset, self._length = piece
        return True


class _Loop:
    """One thread, its epoll and its jobs."""

    def __init__(self, number: int, stall: float) -> None:
        self._stall = stall
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._jobs: dict[int, Job] = {}
        self._woken: deque[Job] = deque()
        self._stopping = False
        self._thread = Thread(target=self._run, name=f"sender-{number}", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._jobs) + len(self._woken)

    def wake(self, job: Job) -> None:
        """Give a new or a parked job a turn. From any thread."""
        self._woken.append(job)
        os.eventfd_write(self._bell, 1)

    def stop(self) -> None:
        self._stopping = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        self._epoll.close()
        os.close(self._bell)

    def _run(self) -> None:
        ready: deque[Job] = deque()
        checked = monotonic()
        while not self._stopping:
            for number, events in self._epoll.poll(0 if ready else 1.0):
                if number == self._bell:
                    # Read first, then look at the queue: a ring in between is not lost.
                    os.eventfd_read(self._bell)
                elif events & (select.EPOLLHUP | select.EPOLLERR):
                    self._end(self._jobs[number], ConnectionResetError("the client has gone"))
                else:
                    ready.append(self._jobs[number])
            while self._woken:
                job = self._woken.popleft()
                if job.fileno() not in self._jobs and job.fileno() >= 0:
                    self._jobs[job.fileno()] = job
                    self._epoll.register(job.fileno(), _PARKED)
                ready.append(job)
            ready = self._turns(ready)
            if monotonic() - checked > 1:
                checked = monotonic()
                self._end_stalled()
        for job in list(self._jobs.values()):
            self._end(job, ConnectionAbortedError("the server is stopping"))

    def _turns(self, ready: deque[Job]) -> deque[Job]:
        again: deque[Job] = deque()
        seen: set[int] = set()
        for job in ready:
            if id(job) in seen or job.fileno() < 0:
                continue  # It stood in the queue twice, or ended in this very batch.
            seen.add(id(job))
            try:
                wait = job.turn()
            except BlockingIOError:
                wait = select.EPOLLOUT
            except (OSError, HubproxyError) as error:
                self._end(job, error)
                continue
            if wait is None:
                self._end(job, None)
            elif wait < 0:
                again.append(job)
            else:
                self._epoll.modify(job.fileno(), wait | select.EPOLLONESHOT if wait else _PARKED)
        return again

    def _end_stalled(self) -> None:
        for job in list(self._jobs.values()):
            if monotonic() - job.progress > self._stall and not job.parked:
                self._end(job, TimeoutError(f"no byte was taken for {self._stall:.0f} s"))

    def _end(self, job: Job, error: BaseException | None) -> None:
        del self._jobs[job.fileno()]
        self._epoll.unregister(job.fileno())
        job.close()
        done = job.done

        def tell() -> None:
            if not done.done():
                if error is None:
                    done.set_result(job.sent)
                else:
                    done.set_exception(error)

        done.get_loop().call_soon_threadsafe(tell)


class Senders:
    """The sender threads.

    Args:
        threads: how many; one a core.
        stall: seconds after which a client that takes nothing is given up.

    """

    def __init__(self, *, threads: int, stall: float) -> None:
        self._loops = [_Loop(number, stall) for number in range(threads)]
        self._lock = Lock()

    async def send(
        self,
        source: int,
        sink: int,
        pieces: Iterator[Piece],
        *,
        growth: Growth | None = None,
        chunked: bool = False,
    ) -> int:
        """Send a body; returns the bytes of it that were sent, without framing.

        Raises:
            OSError: the client has gone or took nothing for too long.
            HubproxyError: the file that grows will not be whole.
        """
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        job = Job(source, sink, pieces, growth=growth, chunked=chunked, done=done)
        with self._lock:
            loop = min(self._loops, key=len)

        def wake() -> None:
            loop.wake(job)

        if growth is not None:
            growth.watch(wake)
        wake()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            # The thread must be done with the file before the caller closes it.
            job.given_up = True
            wake()
            await asyncio.wait((done,))
            raise
        finally:
            if growth is not None:
                growth.unwatch(wake)

    def stop(self) -> None:
        """End all bodies, and the threads."""
        for loop in self._loops:
            loop.stop()
