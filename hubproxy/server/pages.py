"""The proxy's own small pages: health, metrics, the client hook, and the trust list."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hubproxy.errors import HubproxyError


class NoSuchPageError(HubproxyError):
    """The proxy has no such page of its own."""

    code = "NOT_FOUND"
    status = 404


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer, kept in memory.

    Args:
        etag: with its quotes; empty for a page that no cache is asked to compare.
        cache: the Cache-Control header.
    """

    body: bytes
    media_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    cache: str = "no-cache"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks for a page, and how.

    Args:
        caller: as the audit log names him.
        method: GET, HEAD, or POST where the page takes one.
        headers: of the request.
    """

    caller: str
    method: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pages:
    """Path -> what makes the page. No file is read by a name from outside that was not checked.

    Args:
        makers: by whole paths.
        below: by what a path begins with, up to a slash; the maker is given the rest, as it came.
        personal: likewise, and the maker is told who asks.
    """

    makers: Mapping[str, Callable[[], Page]]
    below: Mapping[str, Callable[[str], Awaitable[Page]]] = field(default_factory=dict)
    personal: Mapping[str, Callable[[str, Visit], Awaitable[Page]]] = field(default_factory=dict)

    async def find(self, path: str, visit: Visit) -> Page:
        """The page at a path.

        Raises:
            NoSuchPageError: there is none.
            HubproxyError: it cannot be had.
        """
        maker = self.makers.get(path)
        if maker is not None:
            return maker()
        for start, below in self.below.items():
            if path.startswith(start):
                return await below(path.removeprefix(start))
        for start, personal in self.personal.items():
            if path.startswith(start):
                return await personal(path.removeprefix(start), visit)
        folders = [f"{start}…" for start in (*self.below, *self.personal)]
        named = sorted([*self.makers, *folders])
        raise NoSuchPageError(
            f"{path[:80]} is not a page of this proxy",
            remedy=f"Its own pages are {', '.join(named)}.",
        )
