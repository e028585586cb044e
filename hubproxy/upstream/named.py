"""A URL that a person has named, in the place of a hub."""

from dataclasses import dataclass

from hubproxy.core.handle import Handle
from hubproxy.upstream.origin import Origin
from hubproxy.upstream.redirects import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedUrl(Origin):
    """Gives one URL, whatever is asked for. It may have a query.

    Raises:
        ValueError: the URL cannot be used.
    """

    def __post_init__(self) -> None:
        Target.parse(self.url)

    def target(self, exact: Handle) -> Target:  # noqa: ARG002  # there is but one
        return Target.parse(self.url)
