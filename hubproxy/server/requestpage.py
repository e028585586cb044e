"""`/-/request/HANDLE`: a module that a caller wants, and how that stands."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.wanted import check_why
from hubproxy.errors import UsageError
from hubproxy.protocols.destination import ASKS, REASON
from hubproxy.server.pages import Page, Visit
from hubproxy.service.wanting import Wanting


def request_pages(wanting: Wanting) -> dict[str, Callable[[str, Visit], Awaitable[Page]]]:
    """GET tells how it stands; POST asks for it. Both answer with a `Standing` in JSON."""

    async def page(text: str, visit: Visit) -> Page:
        try:
            handle = Handle.parse(text)
            why = check_why(_reason(visit)) if visit.method == "POST" else ""
        except ValueError as error:
            raise UsageError(
                str(error), remedy="Ask with `hubproxy request HANDLE --why REASON`."
            ) from error
        if why:
            standing = await wanting.ask(handle, visit.caller, why)
        else:
            standing = await wanting.standing(handle, visit.caller)
        body = msgspec.json.format(msgspec.json.encode(standing)) + b"\n"
        return Page(body, "application/json", cache="no-store")

    return {ASKS: page}


def _reason(visit: Visit) -> str:
    return unquote(visit.headers.get(REASON, ""), errors="strict")
