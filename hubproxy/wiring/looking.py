"""The content gate, as the daemon asks for it."""

from functools import partial

from hubproxy.core.record import Record
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.reader import inspect
from hubproxy.store.threads import in_thread


async def look_into(archive: int, record: Record) -> Inspected:
    """Look into a module, in a child of its own.

    Args:
        archive: descriptor of the plain tar that the record describes.
    """
    return await in_thread(partial(inspect, archive, record))
