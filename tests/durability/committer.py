"""Commits modules one after the other, and says so: a process to be killed or cut off.

    python -m tests.durability.committer FOLDER COUNT [--audit] [--no-flush]

Prints `committed N` when module N is acknowledged, `refused N CODE` when the store refused it
(which then has one more try), `recorded N` when its audit event is accepted.
"""

import asyncio
import os
import sys
from pathlib import Path

from hubproxy.core.audit import AuditEvent
from hubproxy.errors import HubproxyError
from hubproxy.store.auditlog import AuditLog
from tests.made import NOON, Made, make
from tests.stores import Store, open_store


def module(number: int) -> Made:
    """Module N of all that are ever committed."""
    return make(f"tfhub.dev/google/module-{number}/1", size=100 * 1024 + 512 * (number % 400))


async def main(folder: Path, count: int, *, audit: bool) -> None:
    with open_store(folder) as store:
        say("open")
        if not audit:
            for number in range(count):
                await bring(store, number)
            return
        async with AuditLog(folder / "audit", ballast_bytes=1024) as log:
            for number in range(count):
                await bring(store, number)
                await log.append(AuditEvent(id=str(number), time=NOON, event="answer"))
                say(f"recorded {number}")


async def bring(store: Store, number: int) -> None:
    for _ in range(2):
        try:
            await store.bring(module(number))
        except HubproxyError as error:
            say(f"refused {number} {error.code}")
        else:
            say(f"committed {number}")
            return


def say(text: str) -> None:
    # One system call, and no buffer that a kill would lose.
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    if "--no-flush" in sys.argv:
        os.fsync = lambda fd: None
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), audit="--audit" in sys.argv))
