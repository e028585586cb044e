"""Room on the disk for what is being written, and no more than it can need."""

from hubproxy.core.record import Record
from hubproxy.errors import MismatchError
from hubproxy.store.budget import Reservation

_STEP = 64 * 1024 * 1024


def zip_room(record: Record, reservation: Reservation, size: int) -> None:
    """Room for `size` bytes of a zip beside the module itself, and no more than it can need."""
    if size > record.archive.size + _STEP:
        raise MismatchError(f"upstream sends a zip larger than {record.handle} can be")
    reservation.grow(record.archive.size + size)


class SteppedRoom:
    """Reserves in steps of 64 MiB for a module of unknown size, and its zip if it is one."""

    def __init__(self, reservation: Reservation) -> None:
        self._reservation = reservation
        self._part = self._spool = self._granted = 0

    def part(self, size: int) -> None:
        self._part = size
        self._reserve()

    def spool(self, size: int) -> None:
        self._spool = size
        self._reserve()

    def _reserve(self) -> None:
        size = self._part + self._spool
        if size > self._granted:
            self._granted = -(-size // _STEP) * _STEP
            self._reservation.grow(self._granted)
