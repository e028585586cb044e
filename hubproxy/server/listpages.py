"""The trust list as this site has verified it, for TUF clients; and for people what it says.

So one hubproxy can be the source of another, `trust.source = "http://HOST:8440/-/trust"`. The
list is public, as its whole worth is in its signatures: these pages ask nobody who he is.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.server.pages import NoSuchPageError, Page
from hubproxy.service.explain import Explaining
from hubproxy.service.publishing import TIMESTAMP, Publishing
from hubproxy.service.wanting import Wanting

CARD = "application/vnd.cyclonedx+json; version=1.6"
_CARDS = "/-/card/"
_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {"evidence": "application/octet-stream", "boms": CARD}


def list_pages(
    publishing: Publishing, explaining: Explaining, wanting: Wanting, hubs: Iterable[str]
) -> dict[str, Callable[[str], Awaitable[Page]]]:
    """`/-/trust/...`; and of each module its card and why it is served or not.

    A card has the same path on each hub, since that is where a client behind the forward proxy
    finds it: there the target of a link begins with the hub's own address.
    """

    async def card(text: str) -> Page:
        return await _card(publishing, text)

    async def why(text: str) -> Page:
        return await _why(explaining, wanting, text)

    async def file(name: str) -> Page:
        return await _file(publishing, name)

    on_hubs = {f"/{hub}{_CARDS}": card for hub in hubs}
    return {"/-/trust/": file, _CARDS: card, **on_hubs, "/-/why/": why}


def card_link(record: Record) -> str:
    """The Link header (RFC 8288) of a module that has a card."""
    return f'<{_CARDS}{record.handle}>; rel="describedby"'


async def _file(publishing: Publishing, name: str) -> Page:
    content = await publishing.file(name)
    if content is None:
        raise NoSuchPageError(
            f"the trust list has no {name[:200]}",
            remedy=f"Begin with {TIMESTAMP}: it leads to all that is in force.",
        )
    kind = _TYPES.get(name.partition("/")[0], "application/json")
    # Its name says for ever what it holds, but for the file that is looked at for changes.
    cache = "no-cache" if name == TIMESTAMP else _FOREVER
    return Page(content, kind, etag=await _etag(content), cache=cache)


async def _card(publishing: Publishing, text: str) -> Page:
    content = await publishing.card(_handle(text))
    return Page(content, CARD, etag=await _etag(content))


async def _why(explaining: Explaining, wanting: Wanting, text: str) -> Page:
    """The explanation in JSON. Files and chunks of a record are counted, not listed."""
    found = msgspec.to_builtins(await explaining.of(_handle(text)))
    found |= await wanting.told(_handle(text))
    for listed in found["listed"]:
        record = listed["record"]
        del record["chunks"]
        record["files"] = len(record["files"])
    return Page(msgspec.json.format(msgspec.json.encode(found)) + b"\n", "application/json")


def _handle(text: str) -> Handle:
    try:
        return Handle.parse(text)
    except ValueError as error:
        raise NoSuchPageError(
            str(error), remedy="Put a handle there, as `hubproxy trust list` prints it."
        ) from error


async def _etag(content: bytes) -> str:
    return f'"sha256:{(await asyncio.to_thread(hashlib.sha256, content)).hexdigest()}"'
