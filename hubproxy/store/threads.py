"""Work in threads that is never left behind: when the wait is over, so is the work.

A thread cannot be cancelled. Were its caller to go on, files would be closed and removed under
its hands, and a descriptor that it still reads could by then be another file.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(
    work: Callable[[], T],
    executor: Executor | None = None,
    *,
    give_up: Callable[[], object] = lambda: None,
) -> T:
    """Run `work` in a thread, and wait for its end even when cancelled.

    Args:
        work: blocks.
        executor: whose thread; the loop's own when None.
        give_up: called when cancelled, to make the work end early.
    """
    running = asyncio.get_running_loop().run_in_executor(executor, work)
    await settled(running, give_up=give_up)
    return running.result()


async def settled(
    running: asyncio.Future[Any], *, give_up: Callable[[], object] = lambda: None
) -> None:
    """Wait until a thread's work is over, however it ended.

    Raises:
        CancelledError: the wait was cancelled; told when the work is over.
    """
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait((running,))
        except asyncio.CancelledError as error:
            cancelled = error
            give_up()
    if cancelled is not None:
        running.exception()  # seen, as nobody else will look at it
        raise cancelled
