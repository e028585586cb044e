"""From what an officer wants, to the changes that a draft is made of."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.policy import Policy
from hubproxy.core.record import Record
from hubproxy.trust.changes import Put, Renew, SetPolicy
from hubproxy.trust.contents import Contents

if TYPE_CHECKING:
    from hubproxy.trust.officer import Repository


def put(
    repository: "Repository", records: Sequence[Record], contents: Contents, *, role: str = ""
) -> tuple[Put, ...]:
    """List records; `contents` takes them in.

    Args:
        role: that lists them; by default the team whose patterns cover the path, or else the
            officers. `targets`, the officers' own, comes before every team.

    Raises:
        UsageError: no record, two of one module, or a team that its paths are not delegated to.
    """
    raise NotImplementedError


def revoke(
    repository: "Repository",
    wanted: Handle | Digest,
    contents: Contents,
    *,
    reason: str,
    by: Sequence[str],
    at: datetime,
    role: str = "targets",
) -> tuple[Put, ...]:
    """Take back every record of a handle, or with this digest (its own, its archive's, its tree's).

    Args:
        role: `targets`: whatever role lists them, and it overrides all of them. A team's: what
            that team lists.

    Raises:
        UsageError: no reason, nothing found, or the officers list it where a team revokes.
    """
    raise NotImplementedError


def set_policy(policy: Policy, contents: Contents) -> SetPolicy:
    """Let this be the officers' policy; `contents` takes its text in."""
    raise NotImplementedError


def due(repository: "Repository") -> tuple[Renew, ...]:
    """Of root, targets and teams, those that have lived half their life."""
    raise NotImplementedError
