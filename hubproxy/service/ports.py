"""What the use cases ask for. `wiring` decides what stands behind each port.

Values that cross a port live in the core; implementations do not import this module.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle


class Upstream(Protocol):
    """Where misses go."""

    def open(
        self, exact: Handle, *, resume: Resume | None = None
    ) -> AbstractAsyncContextManager[Incoming]:
        """Ask for a module's archive.

        Args:
            exact: a handle with a version.
            resume: where a broken transfer stopped, and the validator it had.

        Raises:
            UpstreamError: it was not delivered; also while `Incoming.body` is read.
            NotMirroredError: the network may not be used.
        """
        ...
