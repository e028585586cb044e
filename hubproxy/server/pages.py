"""The proxy's own small pages: health, metrics, and the client hook as a wheel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hubproxy.errors import HubproxyError


class NoSuchPageError(HubproxyError):
    """The proxy has no such page of its own."""

    code = "NOT_FOUND"
    status = 404


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer, kept in memory."""

    body: bytes
    media_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pages:
    """Path -> what makes the page. No file is read by a name from outside."""

    makers: Mapping[str, Callable[[], Page]]

    def find(self, path: str) -> Page:
        """The page at a path.

        Raises:
            NoSuchPageError: there is none.
        """
        maker = self.makers.get(path)
        if maker is None:
            raise NoSuchPageError(
                f"{path[:80]} is not a page of this proxy",
                remedy=f"Its own pages are {', '.join(sorted(self.makers))}.",
            )
        return maker()
