from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.place import SPICE, Place
from tests.origin import Origin
from tests.site import SMALL


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A folder with settings; the hub has `SPICE`."""
    async with Origin() as origin:
        place = Place(tmp_path, origin)
        place.put(SPICE, SMALL)
        yield place
