"""How many bytes of pages may wait for their clients."""

from contextlib import ExitStack

import pytest

from hubproxy.errors import BusyError
from hubproxy.server.room import Room


def test_a_caller_has_his_share_and_all_have_the_room() -> None:
    room = Room(size=100, share=30)
    with ExitStack() as held:
        for caller in ("a", "b", "c"):
            held.enter_context(room.taken(caller, 30))
            with pytest.raises(BusyError, match="30 of them for you"), room.taken(caller, 1):
                pass
        with pytest.raises(BusyError, match="90 bytes"), room.taken("d", 11):
            pass
        held.enter_context(room.taken("d", 10))
    with room.taken("a", 30), room.taken("d", 30):
        pass


def test_one_page_is_let_in_however_large() -> None:
    room = Room(size=100, share=30)
    with room.taken("a", 1000), pytest.raises(BusyError), room.taken("b", 1):
        pass
    with room.taken("b", 1000):
        pass
