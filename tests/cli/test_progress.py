"""Bars for transfers, as a person at a terminal sees them."""

import asyncio
import os
import pty
import sys
from pathlib import Path

from tests.cli.place import SPICE, Place
from tests.cli.test_mirror import NNLM, forget_drafts
from tests.site import large


async def at_a_terminal(place: Place, *words: str) -> str:
    """What a command writes to standard error, where that is a terminal."""
    ours, theirs = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hubproxy", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=theirs,
        cwd=place.folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path.cwd()),
            "HUBPROXY_CONFIG": str(place.settings),
            "TERM": "xterm",
            "COLUMNS": "120",
        },
    )
    os.close(theirs)

    def read() -> bytes:
        whole = b""
        try:
            while piece := os.read(ours, 65536):
                whole += piece
        except OSError:  # the terminal is closed at its other end
            pass
        return whole

    text = await asyncio.to_thread(read)
    os.close(ours)
    assert await child.wait() == 0, text.decode()
    return text.decode()


async def test_a_mirror_shows_a_bar_for_each_transfer_and_one_for_all(place: Place) -> None:
    await place.begin()
    place.put(NNLM, large(6))
    for handle in (SPICE, NNLM):
        await place.good("trust", "approve", handle)
    forget_drafts(place)
    place.origin.rate = 20_000_000
    shown = await at_a_terminal(place, "mirror", "sync", SPICE, NNLM)
    assert "total" in shown
    assert NNLM in shown
    assert "MiB" in shown
    assert "/s" in shown
    assert "0:00:0" in shown


async def test_a_pipe_gets_no_bar(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    assert (await place.good("mirror", "sync", SPICE)).errors == ""
