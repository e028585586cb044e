"""The files that a list names and its published folder has lost, or holds with other bytes."""

from collections.abc import Iterator

from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.trustlist import TOP
from hubproxy.errors import HubproxyError, UsageError
from hubproxy.trust.contents import Contents, named_by
from hubproxy.trust.inforce import InForce
from hubproxy.trust.lint import Finding


def lint_files(held: InForce, published: Contents) -> Iterator[Finding]:
    """A finding for each path whose record, or a file that the record names, is not there whole.

    Args:
        published: reads the folder's files by their names.
    """
    for name in (TOP, *held.delegated):
        try:
            targets = held.role(name).signed.targets
        except HubproxyError:
            continue  # `lint` tells of it
        for path, target in targets.items():
            digest = f"sha256:{target.hashes['sha256']}"
            try:
                if path == POLICY_PATH:
                    published.policy(digest)
                    continue
                for kind, other in named_by(published.record(digest)):
                    published.read(kind, other)
            except UsageError as error:
                yield Finding(
                    "error",
                    f"{path}, listed by {name}, cannot be served: {error}",
                    "Put the file back from a copy of the published folder, or list it anew: "
                    + (
                        "hubproxy trust policy set FILE"
                        if path == POLICY_PATH
                        else f"hubproxy trust approve {path.rpartition('/')[0]}"
                    ),
                )
