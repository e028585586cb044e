"""`hubproxy quarantine`: what was fetched, is held, and waits for officers."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.cli.trust.decide import drafted, note_option, publish_draft, tell_waiting
from hubproxy.cli.trust.reading import Given, Source, describing, read_sources
from hubproxy.config import Config
from hubproxy.core.finding import gate_verdict
from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask, HeldModule
from hubproxy.core.wanted import Wanted, all_asks

_NUMBER = click.argument("number", metavar="Q1")
_WHY = click.option("--why", required=True, metavar="REASON", help="Why; it is on record.")


@click.group("quarantine")
def command() -> None:
    """Decide on modules that were fetched and are held, and on what people ask for.

    \b
      hubproxy quarantine list
      hubproxy quarantine show Q3          what was found in it, and who wants it
      hubproxy quarantine release Q3 --why "the asset is a word list, read by a person"
      hubproxy quarantine drop Q3 --why "reads /etc/passwd"

    What is held is served to nobody, in no mode. A release is a draft like any other: the officers
    sign the record, and with it the policy that allows what was found.
    """


@command.command("list")
@configured()
@json_option
def list_held(config: Config, as_json: bool) -> None:
    """List what waits: number, since when, what was found, who asked, and the draft.

    What people ask for and nobody has fetched stands below, without a number.

    Exit status: 0 listed.
    """
    from hubproxy import wiring

    out, here = Output(as_json), wiring.request_folder(config)
    found = wiring.held_modules(config).all()
    wanted = {one.handle: one for one in here.all() if one.open}
    for held in found:
        asks = all_asks(held.asks, wanted.pop(held.record.handle, None))
        out.result(_fields(held, asks), text=_line(held, asks))
    for one in wanted.values():
        out.result(
            {"number": "", "handle": one.handle, "asks": msgspec.to_builtins(one.open)},
            text=f"-   {one.handle}  not fetched  asked for by {len(one.open)}",
        )
    if not found and not wanted:
        note("nothing is held, and nothing is asked for")


@command.command("show")
@configured()
@_NUMBER
@json_option
def show(config: Config, number: str, as_json: bool) -> None:
    """Show what is held as a number: its record, what was found, and who wants it.

    Of a handle that people ask for and nobody has fetched, it shows who asks and why.

    Exit status: 0 shown, 2 there is no such number or request.
    """
    from hubproxy import wiring
    from hubproxy.cli.inspectpage import finding_lines
    from hubproxy.cli.report import print_record

    out, wanted = Output(as_json), _wanted(config, number)
    if wanted is not None:
        out.result(msgspec.to_builtins(wanted), text=_wanted_lines(wanted))
        return
    held = _open(config, number)[0]
    asks = all_asks(held.asks, wiring.request_folder(config).find(held.exact))
    if as_json:
        out.result(_fields(held, asks), text="")
        return
    print("\n".join(_heading(held, asks)))
    print_record(held.record, out)
    for finding in held.findings:
        print("\n".join(finding_lines(finding, 100, lambda text, _: text)))
    print(f"\n  next: hubproxy quarantine release {held.number} --why REASON")


@command.command("release")
@configured()
@_NUMBER
@_WHY
@describing
@key_options
@note_option
@json_option
def release(
    config: Config, number: str, why: str, given: Given, hand: Hand, remark: str, as_json: bool
) -> None:
    """Draft that what is held as a number be listed, and that what was found in it be allowed.

    Its archive is read and looked into again, by this host. Number is Q3, or the path of a folder
    that was carried from the host that holds it. One draft has both, the record and the policy;
    it is signed and published at once where the keys at hand suffice. What is found in it is
    allowed until --review-by, or for a year.

    Exit status: 0 published, or drafted; 1 it is damaged; 2 no such number, or a key that may not
    sign; 3 not what the officers' policy demands.
    """
    from hubproxy import wiring
    from hubproxy.errors import UsageError
    from hubproxy.trust.allowing import allowances

    if given.file or given.evidence:
        raise UsageError(
            "what is held is read from where it lies: --from and --evidence have no place here",
            remedy="`hubproxy trust propose HANDLE` takes them, and fetches the module again.",
        )
    held, archive = _open(config, number)
    allow = allowances(
        [held.record.handle],
        [finding.name for finding in held.findings],
        reason=why,
        review_by=given.review_by,
        at=wiring.now(),
    )
    out = Output(as_json)
    read = read_sources(config, [Source(held.exact, archive, held, allow)], given, hand, out)
    draft, left = drafted(config, read.changes, read.contents, read.signers, remark=remark or why)
    read.waits_as(config, draft.name)
    if not left or not all(one.met for one in left):
        tell_waiting(draft, out, read.fields)
        return
    versions = publish_draft(config, draft)
    out.result(
        {**read.fields, "signed_by": list(read.reviewers), "versions": str(versions)},
        text=f"signed by {' and '.join(read.reviewers)}, and published: {versions}",
    )


@command.command("drop")
@configured()
@_NUMBER
@_WHY
@json_option
def drop(config: Config, number: str, why: str, as_json: bool) -> None:
    """Remove what is held as a number, or decline a handle that people ask for.

    Whoever asked is told why: by `hubproxy request`, and at /-/why/HANDLE. Asked for again, it is
    fetched and looked into again.

    Exit status: 0 removed or declined, 2 there is no such number or request.
    """
    from hubproxy import wiring
    from hubproxy.core.audit import timestamp

    wanted, here = _wanted(config, number), wiring.held_modules(config)
    exact = wanted.handle if wanted else here.get(number).record.handle
    wiring.append_decision(config, f"dropped {'' if wanted else f'{number}, '}{exact}: {why}")
    requests = wiring.request_folder(config)
    requests.decline(Handle.parse(exact), time=timestamp(wiring.now()), why=why)
    here.drop(number)
    Output(as_json).result(
        {"dropped": "" if wanted else number, "handle": exact, "why": why},
        text=f"{exact} declined" if wanted else f"{number}  {exact} dropped",
    )


def _wanted(config: Config, text: str) -> Wanted | None:
    """What people ask for under a handle, where nothing is held under it; None if it is none.

    Raises:
        UsageError: it is a handle that nobody asks for.
    """
    from hubproxy import wiring
    from hubproxy.core.quarantine import is_number
    from hubproxy.errors import UsageError

    if is_number(text) or Path(text).exists():
        return None
    try:
        handle = Handle.parse(text)
    except ValueError:
        return None
    found = wiring.request_folder(config).find(handle)
    if found is None or not found.asks:
        raise UsageError(
            f"nobody asks for {handle}, and what is held is named by its number",
            remedy="See `hubproxy quarantine list`.",
        )
    return found


def _open(config: Config, text: str) -> tuple[HeldModule, Path]:
    """A held module by its number here, or by the path of its folder; and its archive.

    Raises:
        UsageError: there is none.
    """
    from hubproxy import wiring
    from hubproxy.core.quarantine import is_number
    from hubproxy.errors import UsageError
    from hubproxy.store.quarantine import ARCHIVE, read_held

    if is_number(text):
        here = wiring.held_modules(config)
        return here.get(text), here.archive(text)
    held = read_held(Path(text))
    if held is None:
        raise UsageError(
            f"{text} is no number such as Q3, and no folder of a held module",
            remedy="See `hubproxy quarantine list`.",
        )
    return held, Path(text) / ARCHIVE


def _fields(held: HeldModule, asks: Iterable[Ask]) -> dict[str, object]:
    return {
        "number": held.number,
        "handle": held.record.handle,
        "since": held.since,
        "verdict": gate_verdict(held.findings),
        "findings": [msgspec.to_builtins(finding) for finding in held.findings],
        "asks": [msgspec.to_builtins(ask) for ask in asks],
        "draft": held.draft,
        "archive": msgspec.to_builtins(held.record.archive),
    }


def _line(held: HeldModule, asks: Sequence[Ask]) -> Iterator[str]:
    draft = f"  draft {held.draft}" if held.draft else ""
    yield (
        f"{held.number}  {held.record.handle}  {gate_verdict(held.findings)}  since "
        f"{held.since[:16]}Z  {held.record.archive.size:,} bytes  wanted by {len(asks)}{draft}"
    )
    for finding in held.findings:
        yield f"      {finding}"


def _heading(held: HeldModule, asks: Iterable[Ask]) -> Iterator[str]:
    from hubproxy.cli.options import printable

    yield f"{held.number}  held since {held.since[:16]}Z" + (
        f", draft {held.draft}" if held.draft else ""
    )
    for ask in asks:
        yield printable(f"  wanted by {ask.caller}, {ask.time[:16]}Z  {ask.why}")


def _wanted_lines(wanted: Wanted) -> Iterator[str]:
    yield f"{wanted.handle}  not fetched"
    for ask in wanted.asks:
        yield f"  wanted by {ask.caller}, {ask.time[:16]}Z  {ask.why}"
    if wanted.answer is not None:
        yield f"  declined {wanted.answer.time[:16]}Z  {wanted.answer.why}"
    yield f"  next: hubproxy trust propose {wanted.handle}"
