"""The forward port on uvloop, whose transports are others than asyncio's own."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from tests.server import test_forward as forward
from tests.site import SPICE, Site, large

# A signal does not interrupt uvloop.
pytestmark = pytest.mark.timeout(60, method="thread")

ALONE = (
    forward.test_a_cold_module_comes_through_a_tunnel_while_it_is_fetched,
    forward.test_wrong_bytes_do_not_look_complete_in_a_tunnel,
    forward.test_a_listed_host_is_tunnelled_to_untouched_and_on_record,
    forward.test_a_far_end_that_speaks_first_is_heard,
    forward.test_what_is_not_listed_is_not_dialled,
    forward.test_a_silent_connect_is_ended,
)
WARM = (
    forward.test_many_requests_follow_each_other_in_one_tunnel,
    forward.test_twenty_clients_at_once_each_get_their_own,
    forward.test_a_refusal_inside_a_tunnel_says_why,
    forward.test_another_name_in_the_tls_hello_ends_the_tunnel,
    forward.test_garbage_in_a_tunnel_leaves_nothing_open,
    forward.test_a_hello_in_the_segment_of_the_connect_is_not_lost,
    forward.test_a_url_of_a_hub_is_answered_without_a_tunnel,
)


@pytest.mark.parametrize("story", ALONE, ids=lambda story: story.__name__)
def test_on_uvloop(story: Callable[[Path], Awaitable[None]], tmp_path: Path) -> None:
    async def tell() -> None:
        await story(tmp_path)

    uvloop.run(tell())


def test_on_uvloop_with_a_module_in_the_store(tmp_path: Path) -> None:
    async def tell() -> None:
        async with Site(tmp_path) as site:
            wanted = site.put(SPICE, large(2.2))
            await site.approve(SPICE)
            await site.get(SPICE)
            await site.settled()
            for story in WARM:
                await story((site, wanted))

    uvloop.run(tell())
