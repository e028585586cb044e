"""`hubproxy recall`: who loaded what must be taken back."""

from dataclasses import asdict

import click

from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.config import Config
from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record
from hubproxy.service.recall import Loads


class _SubjectType(HandleType):
    """A digest as `sha256:<hex>`, or a handle."""

    name = "digest|handle"

    def convert(  # type: ignore[override]  # it takes more than a handle
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Handle | Digest:
        if not value.startswith("sha256:"):
            return super().convert(value, param, ctx)
        try:
            return Digest.parse(value)
        except ValueError:
            self.fail(f"{value!r} is not sha256: and 64 hex digits in small letters", param, ctx)


@click.group("recall")
def command() -> None:
    """Find who has what the officers took back."""


@command.command("report")
@configured()
@click.argument("wanted", metavar="DIGEST|HANDLE", type=_SubjectType())
@json_option
def report(config: Config, wanted: Digest | Handle, as_json: bool) -> None:
    """Print what is listed under DIGEST or HANDLE now, and every caller that loaded it.

    DIGEST is that of an archive, of a record, or of a tree of files, however it was packed. All
    of it works beside a running daemon. A job with the hook asks each time that it uses its own
    copy: that is counted as asked. Times are UTC; bytes are those that the answers announced.
    """
    from hubproxy import wiring

    found, out = wiring.recalls(config, told=note).report(wanted), Output(as_json)
    for record in found.listed:
        _print_listed(record, out)
    if not found.listed:
        note("nothing of it is on the trust list now")
    for loads in found.loads:
        _print_loads(loads, out)
    if not found.loads:
        note("the audit log names nobody who loaded it")


def _print_listed(record: Record, out: Output) -> None:
    by = ", ".join(record.reviewers) or "nobody"
    text = f"{record.handle}  {record.format}  {record.status} {record.decided_at[:10]} by {by}"
    out.result(
        {
            "listed": record.handle,
            "format": record.format,
            "status": record.status,
            "reason": record.reason,
            "decided_at": record.decided_at,
            "reviewers": list(record.reviewers),
            "record": str(record.descriptor.digest),
            "archive": record.archive.digest,
            "tree": record.tree,
        },
        text=[
            text + (f": {record.reason}" if record.reason else ""),
            f"  archive {record.archive.digest}",
        ],
    )


def _print_loads(loads: Loads, out: Output) -> None:
    broken = f" ({loads.broken} broken off)" if loads.broken else ""
    line = f"{loads.caller:<15}  {loads.first} to {loads.last}  {loads.loads} loads{broken}"
    lines = [f"{line}, asked {loads.asked} times, {loads.bytes:,} bytes"]
    lines += [f"  of {', '.join(sorted(loads.handles))}"]
    lines += [f"  archive {digest}" for digest in sorted(loads.archives)]
    fields = asdict(loads)
    fields |= {name: sorted(fields[name]) for name in ("archives", "handles")}
    out.result(fields, text=lines)
