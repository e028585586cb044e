"""The hostile requests, as the reader of heads meets them: in pieces, and against the clock."""

from time import thread_time

import pytest

from hubproxy.errors import HubproxyError
from hubproxy.protocols.head import find_end, read_head
from tests.server.ambiguous import ACCEPTED, DOORS, REFUSED, Door

ROWS = REFUSED | ACCEPTED
_LONGEST = 2000
_CPU_SECONDS = 0.2
at_each_door = pytest.mark.parametrize(
    "door", [pytest.param(door, id=name) for name, door in DOORS.items()]
)


def end_of(request: bytes, step: int) -> int | str | None:
    """Where the reader finds the head's end when so many bytes come at a time, or its error."""
    received = bytearray()
    for at in range(0, len(request), step):
        received += request[at : at + step]
        try:
            end = find_end(received, at)
        except HubproxyError as error:
            return error.code
        if end is not None:
            return end
    return None


@at_each_door
@pytest.mark.parametrize("step", [1, 3])
def test_however_a_request_is_cut_the_same_is_read(door: Door, step: int) -> None:
    for name, row in ROWS.items():
        request = door.fill(row.template)
        if door.name in row.doors and len(request) < _LONGEST:
            assert end_of(request, step) == end_of(request, len(request)), name


@at_each_door
def test_no_request_takes_long_to_read(door: Door) -> None:
    """A pattern that goes back over what it has seen makes 8 kB cost half a second."""
    for name, row in ROWS.items():
        if door.name not in row.doors:
            continue
        request = door.fill(row.template)
        begun = thread_time()
        try:
            if (end := find_end(request, 0)) is not None:
                read_head(request[:end])
        except HubproxyError:
            pass
        assert thread_time() - begun < _CPU_SECONDS, name
