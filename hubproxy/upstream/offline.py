"""An upstream for a host without a network."""

from contextlib import AbstractAsyncContextManager

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import NotMirroredError


class Offline:
    """Every miss is final."""

    def open(
        self,
        exact: Handle,
        *,
        resume: Resume | None = None,  # noqa: ARG002  # the port's shape
    ) -> AbstractAsyncContextManager[Incoming]:
        """Refuse.

        Raises:
            NotMirroredError: always.
        """
        raise NotMirroredError(
            f"{exact} is not in this mirror, and the mirror is offline",
            remedy=f"Run `hubproxy bundle create {exact}` on a connected host and import it here.",
        )
