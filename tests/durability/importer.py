"""Imports a bundle, and says so: a process to be killed or cut off.

    python -m tests.durability.importer SETTINGS BUNDLE ROOT [ACK]

Prints `imported` when that is acknowledged, or `refused CODE`; and appends a line to the file ACK.
"""

import asyncio
import os
import sys
from pathlib import Path

from hubproxy.config import load
from hubproxy.errors import HubproxyError
from hubproxy.wiring.importing import import_bundle


async def main(settings: Path, bundle: Path, root: Path, ack: Path | None) -> None:
    try:
        await import_bundle(load(settings, {}), [bundle], root, told=print)
    except HubproxyError as error:
        os.write(1, f"refused {error.code}\n".encode())
        return
    os.write(1, b"imported\n")
    if ack is not None:
        descriptor = os.open(ack, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b"imported\n")


if __name__ == "__main__":
    settings, bundle, root, *ack = map(Path, sys.argv[1:])
    asyncio.run(main(settings, bundle, root, ack[0] if ack else None))
