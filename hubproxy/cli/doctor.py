"""`hubproxy doctor`."""

import os
import sys
import tempfile
from pathlib import Path

import click

from hubproxy.cli.options import Output, json_option
from hubproxy.cli.pointing import Asked, asking
from hubproxy.pointing.ways import WAYS_IN, WayIn


@click.command("doctor")
@click.option(
    "--python",
    default=sys.executable,
    help="The interpreter that jobs have. [default: this one]",
)
@click.option(
    "--way", "ways", multiple=True, type=click.Choice(WAYS_IN), help="Only this way in; may repeat."
)
@asking(all_settings=True)
@json_option
def command(asked: Asked, python: str, ways: tuple[WayIn, ...], as_json: bool) -> None:
    """Check the daemon, and prove each way in with a real load of a tiny module.

    Works from any machine that has the daemon's URL, and looks at more on the daemon's own host.
    Each line is a check; below one that is not ok stands what to do.

    Exit status: 0 nothing failed, 1 something did.
    """
    from hubproxy import wiring
    from hubproxy.pointing.doctor import Doctor

    assert asked.config is not None
    out, failed = Output(as_json), False
    with tempfile.TemporaryDirectory(prefix="hubproxy-doctor-") as folder:
        doctor = Doctor(
            place=asked.place,
            config=asked.config,
            environ=os.environ,
            python=python,
            ways=ways,
            credentials=asked.credentials,
            bundle=Path(folder) / "ca-bundle.pem",
            clock=wiring.now,
        )
        for found in doctor.examine():
            failed |= found.state == "FAIL"
            text = [f"{found.state:<5} {found.check:<12} {found.text}"]
            text += [f"      fix: {found.fix}"] if found.fix else []
            fields = {"check": found.check, "state": found.state, "text": found.text}
            out.result({**fields, "fix": found.fix}, text=text)
            sys.stdout.flush()
    if failed:
        raise click.exceptions.Exit(1)
