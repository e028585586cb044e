"""`hubproxy request`: asking trust officers for a module, and seeing what became of that."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hubproxy.cli.options import HandleType, Output, json_option
from hubproxy.cli.pointing import Asked, asking

if TYPE_CHECKING:
    from hubproxy.core.handle import Handle
    from hubproxy.core.wanted import Standing

_STATUS = {"listed": 0, "held": 1, "waiting": 1, "unasked": 1, "declined": 3}


@click.command("request")
@asking()
@click.argument("handle", type=HandleType())
@click.option("--why", metavar="REASON", help="Ask for it, and say why; officers decide by that.")
@json_option
def command(asked: Asked, handle: "Handle", why: str | None, as_json: bool) -> None:
    """Ask the trust officers for a module, or see what became of that.

    \b
      hubproxy request tfhub.dev/google/nnlm-en-dim50/2 --why "baseline of our paper"
      hubproxy request tfhub.dev/google/nnlm-en-dim50/2

    The daemon keeps the request, under your team's name or your address, until officers list the
    module or decline it. Asked again, the new reason takes the place of the old one.

    Exit status: 0 the module is listed, or was asked for; 1 it waits, or nobody has asked for it;
    3 officers declined it.
    """
    from hubproxy.core.wanted import check_why
    from hubproxy.errors import UsageError
    from hubproxy.pointing import requesting

    if why is None:
        found = requesting.standing(asked.place, asked.credentials, handle)
    else:
        try:
            why = check_why(why)
        except ValueError as error:
            raise UsageError(str(error)) from error
        found = requesting.request(asked.place, asked.credentials, handle, why)
    import msgspec

    Output(as_json).result(msgspec.to_builtins(found), text=_lines(found, asked.place.flag))
    raise click.exceptions.Exit(_STATUS[found.state] if why is None else 0)


def _lines(found: "Standing", flag: str) -> Iterator[str]:
    handle, answer = found.handle, found.answer
    if found.state == "listed":
        yield f"{handle} is on the trust list: load it"
        return
    if found.state == "held":
        draft = f" (draft {found.draft})" if found.draft else ""
        yield f"{handle} is held for the trust officers as {found.number}{draft}"
    elif found.state == "waiting":
        yield f"{handle} waits for the trust officers"
    elif found.state == "declined":
        yield f"{handle} is not on the trust list: the trust officers declined it"
    else:
        yield f"{handle} is not on the trust list, and nobody has asked for it"
    if answer is not None:
        yield f"  declined {answer.time[:16]}Z: {answer.why}"
    if found.asked is not None:
        yield f"  you asked {found.asked.time[:16]}Z: {found.asked.why}"
    if found.others:
        yield f"  asked for by {found.others} more"
    again = "" if found.asked and found.state != "declined" else " --why REASON"
    yield f"  next: hubproxy request {handle}{flag}{again}"
