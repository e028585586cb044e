"""kill -9 at any moment: what was acknowledged is there, and nothing is there by half.

HUBPROXY_TEST_KILLS sets the number of kills.
"""

import os
from functools import cache
from pathlib import Path
from random import Random

import pytest

from hubproxy.core.record import CHUNK_SIZE
from tests.durability.place import Place
from tests.made import Made, make

KILLS = int(os.environ.get("HUBPROXY_TEST_KILLS", "5"))
FETCHES = 20


@cache
def modules() -> list[Made]:
    """Of three chunks each, the last one a short one."""
    return [
        make(f"tfhub.dev/google/module-{number}/1", size=2 * CHUNK_SIZE + 512 * number + 4096)
        for number in range(FETCHES)
    ]


@pytest.mark.parametrize("seed", range(KILLS))
async def test_a_kill_amid_many_cold_fetches_breaks_no_promise(tmp_path: Path, seed: int) -> None:
    total = sum(len(made.plain) for made in modules())
    # By turns anywhere, and close to the end, where most of the committing is.
    kill_at = Random(seed).randrange(total // 2 if seed % 2 else 1, total)
    received = 0

    async with Place(tmp_path, modules(), rate=150_000_000) as place:
        async with place.serving() as daemon:

            def took(size: int) -> None:
                nonlocal received
                received += size
                if received >= kill_at:
                    daemon.kill()

            got = await place.get_all(daemon, took=took)

        for made, answer in zip(modules(), got, strict=True):
            if answer.status == 200 and answer.error is None:
                assert answer.body == made.plain
            assert made.plain.startswith(answer.body)
        recorded = {event.handle for event in place.events() if event.status == 200}
        heard = {
            str(made.handle) for made, answer in zip(modules(), got, strict=True) if answer.body
        }
        assert heard
        assert heard <= recorded

        place.origin.rate = None
        if seed % 2:
            assert await place.fsck() == []
        async with place.serving() as daemon:
            assert place.leftovers() == []
            again = await place.get_all(daemon)
            assert [
                answer.body == made.plain for made, answer in zip(modules(), again, strict=True)
            ] == [True] * FETCHES
            assert await daemon.stop() == 0
        assert await place.fsck() == []
        assert place.leftovers() == []
