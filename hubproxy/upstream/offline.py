"""An upstream for a host without a network."""

from contextlib import AbstractAsyncContextManager

from hubproxy.core.fetching import Incoming, Resume
from hubproxy.core.handle import Handle
from hubproxy.errors import NotMirroredError


class Offline:
    """Every miss is final."""

    def check(self, exact: Handle) -> None:
        """Refuse.

        Raises:
            NotMirroredError: always.
        """
        raise _absent(exact)

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
        raise _absent(exact)


def _absent(exact: Handle) -> NotMirroredError:
    return NotMirroredError(
        f"{exact} is not in this mirror, and the mirror is offline",
        remedy=f"Where the network is: `hubproxy mirror sync {exact}`, then "
        f"`hubproxy bundle create DIR {exact}`; here: `hubproxy bundle import DIR`.",
    )
