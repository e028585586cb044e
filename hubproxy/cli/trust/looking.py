"""Looking at the list: what it names, who may sign, what is wrong, what was done."""

import click

from hubproxy.cli.options import Output, configured, json_option, note, printable
from hubproxy.cli.trust.page import named
from hubproxy.config import Config


@click.command("list")
@configured()
@json_option
def list_modules(config: Config, as_json: bool) -> None:
    """List the modules that the trust list names, as a daemon here sees them."""
    from hubproxy import wiring
    from hubproxy.core.record import target_path

    snapshot, out = wiring.whole_list(wiring.trust_client(config)), Output(as_json)
    for exact, form in snapshot.listing():
        listed = snapshot.find(exact, (form,))
        revoked = listed is not None and (
            target_path(exact, form) in snapshot.roles[listed.role].revoked
        )
        status = "revoked" if revoked else "approved"
        out.result(
            {"handle": str(exact), "format": form, "status": status},
            text=f"{exact}  {form}" + ("  revoked" if revoked else ""),
        )


@click.command("status")
@configured()
@json_option
def status(config: Config, as_json: bool) -> None:
    """Show each role of the list: version, expiry, who may sign it, who has and who has not.

    Exit status: 0 in force, 1 expired or unusable.
    """
    from hubproxy import wiring
    from hubproxy.trust.draft import drafts_in

    out = Output(as_json)
    if wiring.places(config).repository.exists():
        for role in wiring.repository(config).status():
            left = (role.expires - wiring.now()).days
            signed, missing = map(named, role.signed), map(named, role.missing)
            more = f"; also {', '.join(missing)}" if role.missing else ""
            out.result(
                {
                    "role": role.name,
                    "version": role.version,
                    "expires": role.expires.isoformat(),
                    "threshold": role.threshold,
                    "keys": role.keys,
                    "signed": role.signed,
                    "missing": role.missing,
                },
                text=f"{role.name:<10} version {role.version:<4} expires "
                f"{role.expires:%Y-%m-%d} ({left} days)  signed by {', '.join(signed)} "
                f"({len(role.signed)} of {role.threshold} needed{more})",
            )
    for name in drafts_in(wiring.places(config).drafts):
        note(f"the draft {name} waits: `hubproxy trust drafts` shows for whom")
    snapshot = wiring.whole_list(wiring.trust_client(config))
    out.result(
        {"versions": str(snapshot.versions), "expires": snapshot.expires.isoformat(),
         "modules": len(snapshot.listing())},
        text=f"in force: {snapshot.versions}, {len(snapshot.listing())} modules, "
        f"until {snapshot.expires:%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip


@click.command("lint")
@configured()
@json_option
def lint(config: Config, as_json: bool) -> None:
    """Look for what is wrong, or soon will be, with the list that this host publishes.

    One key under two names, one officer who suffices, patterns that match nothing, too much, or
    what two teams share, roles and allowances near their end, modules refused for what is in them,
    records and their files that are lost or altered: each with the command that mends it.

    Exit status: 0 nothing, or warnings alone; 1 an error.
    """
    from hubproxy import wiring
    from hubproxy.trust.lint import lint as find
    from hubproxy.trust.lintfiles import lint_files
    from hubproxy.trust.lintgate import lint_gate

    out = Output(as_json)
    repository = wiring.repository(config)
    held = repository.in_force()
    contents, at = repository.contents(), wiring.now()
    found = [*find(held, at), *lint_files(held, contents), *lint_gate(held, contents, at)]
    findings = sorted(found, key=lambda one: one.level != "error")
    for one in findings:
        out.result(
            {"level": one.level, "what": one.what, "remedy": one.remedy},
            text=[f"{one.level:<7}  {one.what}", f"         {one.remedy}"],
        )
    if not findings:
        note("nothing was found")
    if any(one.level == "error" for one in findings):
        raise click.exceptions.Exit(1)


@click.command("log")
@configured()
@click.option("-n", "--lines", type=click.IntRange(min=0), help="Only so many from the end.")
@json_option
def log(config: Config, lines: int | None, as_json: bool) -> None:
    """Print the officers' log of this host: what was published, when, signed by whom.

    Exit status: 0 printed.
    """
    from hubproxy import wiring
    from hubproxy.store.auditread import read

    for event in read(wiring.places(config).trust_log, last=lines):
        if as_json:
            print(event.encode().decode(), end="")
        else:
            print(printable(f"{event.time}  {event.trust}  {event.reason}  [{event.caller}]"))
