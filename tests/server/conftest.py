from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.site import SPICE, Site, large


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def warm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Site, bytes]]:
    """A site that many tests share, and the tar of `SPICE`, which it has in its store."""
    async with Site(tmp_path_factory.mktemp("warm")) as site:
        wanted = site.put(SPICE, large(2.2))
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        yield site, wanted
