"""Bodies go from file to socket in threads of their own, in turns, without passing Python.

An event loop that copies cannot accept, parse or read from upstream meanwhile; and one
unbounded `sendfile` to a fast reader does not come back for as long as it reads. So each of
a few threads runs an epoll loop over duplicates of the clients' sockets, and gives each
body at most `TURN` bytes before the next one's turn. A body that has caught up with a
growing file is parked until the file grows.
"""

import asyncio
import os
import select
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic

from hubproxy.server.job import PARKED, Job, Piece, Tally
from hubproxy.server.wire import PlainWire, SealedWire, Sealer, Workspace
from hubproxy.service.growth import Growth


class _Loop:
    """One thread, its epoll and its jobs."""

    def __init__(self, number: int, stall: float) -> None:
        self.workspace = Workspace()
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
                if job.fileno() >= 0 and self._begun(job):
                    ready.append(job)
            ready = self._turns(ready)
            if monotonic() - checked > 1:
                checked = monotonic()
                self._end_stalled()
        for job in list(self._jobs.values()):
            self._end(job, ConnectionAbortedError("the server is stopping"))

    def _begun(self, job: Job) -> bool:
        if job.fileno() in self._jobs:
            return True
        self._jobs[job.fileno()] = job
        try:
            self._epoll.register(job.fileno(), PARKED)
        except OSError as error:
            self._end(job, error)
            return False
        return True

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
            except Exception as error:  # noqa: BLE001  # one body must not end all the others
                self._end(job, error)
                continue
            if wait is None:
                self._end(job, None)
            elif wait < 0:
                again.append(job)
            else:
                self._epoll.modify(job.fileno(), wait | select.EPOLLONESHOT if wait else PARKED)
        return again

    def _end_stalled(self) -> None:
        for job in list(self._jobs.values()):
            if monotonic() - job.progress > self._stall and not job.parked:
                self._end(job, TimeoutError(f"no byte was taken for {self._stall:.0f} s"))

    def _end(self, job: Job, error: BaseException | None) -> None:
        del self._jobs[job.fileno()]
        with suppress(OSError):  # it may never have been registered
            self._epoll.unregister(job.fileno())
        job.close()
        done = job.done

        def tell() -> None:
            if not done.done():
                if error is None:
                    done.set_result(None)
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
        self.stall = stall
        self._loops = [_Loop(number, stall) for number in range(threads)]
        self._lock = Lock()

    async def send(
        self,
        source: int,
        sink: int,
        pieces: Iterator[Piece],
        tally: Tally,
        *,
        growth: Growth | None = None,
        chunked: bool = False,
        sealer: Sealer | None = None,
    ) -> None:
        """Send a body.

        Args:
            source: descriptor of the file.
            sink: the client's socket.
            pieces: what to send, in order.
            tally: filled in however it ends.
            growth: how far the file may be read; None when all of it may.
            chunked: frame the body, without the last chunk.
            sealer: the client's TLS session, which is the threads' until this returns; None
                sends the bytes as they are.

        Raises:
            OSError: the client has gone or took nothing for too long.
            HubproxyError: the file that grows will not be whole.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            loop = min(self._loops, key=len)
        wire = (
            PlainWire(source, sink)
            if sealer is None
            else SealedWire(source, sink, sealer, loop.workspace)
        )
        job = Job(wire, pieces, growth=growth, chunked=chunked, done=done)

        def wake() -> None:
            loop.wake(job)

        if growth is not None:
            growth.watch(wake)
        wake()
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            job.given_up = True
            wake()
            done.add_done_callback(asyncio.Future.exception)  # seen: nobody asks any more
            await asyncio.wait((done,))
            raise
        finally:
            tally.sent = job.sent
            if growth is not None:
                growth.unwatch(wake)

    def stop(self) -> None:
        """End all bodies, and the threads."""
        for loop in self._loops:
            loop.stop()
