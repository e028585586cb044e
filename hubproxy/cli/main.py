"""The entry point: the list of commands, and how an error ends one."""

import os
import sys
from importlib import import_module

import click

from hubproxy import __version__

_COMMANDS = {
    "serve": ("hubproxy.cli.serve", "Run the proxy."),
    "reload": ("hubproxy.cli.reload", "Have the daemon read the trust list again."),
    "demo": ("hubproxy.cli.demo", "Show the whole story on this machine, without a network."),
    "env": ("hubproxy.cli.env", "Print the variables that point a job at the daemon."),
    "run": ("hubproxy.cli.run", "Run a command pointed at the daemon."),
    "doctor": ("hubproxy.cli.doctor", "Check the daemon, and prove each way in to it."),
    "inspect": ("hubproxy.cli.inspect", "Look into a module, without a daemon or settings."),
    "trust": (
        "hubproxy.cli.trust",
        "Keep the trust list: init, approve, propose, sign, revoke, status.",
    ),
    "quarantine": (
        "hubproxy.cli.quarantine",
        "Decide on what is held: list, show, release, drop.",
    ),
    "request": ("hubproxy.cli.request", "Ask trust officers for a module, and see their answer."),
    "mirror": ("hubproxy.cli.mirror", "Keep a set of modules in step with upstream: sync."),
    "lock": ("hubproxy.cli.lock", "Pin a set of modules to their bytes."),
    "bundle": (
        "hubproxy.cli.bundle",
        "Carry modules over an air gap: inventory, create, verify, show, import.",
    ),
    "export": (
        "hubproxy.cli.export",
        "Lay the store out for those who run no daemon: tfhub-cache, static.",
    ),
    "bom": ("hubproxy.cli.bom", "Export the site's bill of materials, with its model cards."),
    "team": ("hubproxy.cli.team", "Say who may call, and by which tokens: add, list, revoke."),
    "ca": ("hubproxy.cli.ca", "The forward proxy's certificate authority: show, export, rotate."),
    "audit": ("hubproxy.cli.audit", "Read the audit log: tail, list, accept-clock."),
    "recall": ("hubproxy.cli.recall", "Find who loaded what must be taken back: report."),
    "verify-dir": ("hubproxy.cli.verifydir", "Compare a copy of a module with the trust list."),
    "fsck": ("hubproxy.cli.fsck", "Read the store through, and put aside what is damaged."),
    "rescan": ("hubproxy.cli.rescan", "Look again, with today's gate, into all that is here."),
    "config": ("hubproxy.cli.config", "Check and show the settings."),
}


class _Lazy(click.Group):
    """Knows the commands by name, and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        if cmd_name not in _COMMANDS:
            return None
        found = import_module(_COMMANDS[cmd_name][0]).command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hubproxy")
def cli() -> None:
    """A caching, verifying proxy and mirror for machine-learning modules.

    Every module is checked against a signed trust list before its first byte is served.
    """


def main() -> None:
    """Run the command line.

    Exit status: 0 done, 1 failed, 2 used wrongly, 3 denied by the trust list.
    """
    try:
        # What `ctx.exit` and `Exit` say comes back as a value; no command returns one itself.
        status = cli(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:  # as `| head` does; nothing may be flushed there at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except Exception as error:
        from hubproxy.cli.options import printable
        from hubproxy.errors import DeniedError, HubproxyError, UsageError

        if not isinstance(error, HubproxyError):
            raise
        click.echo(printable(f"hubproxy: {error.code}: {error}"), err=True)
        if error.remedy:
            click.echo(f"  {printable(error.remedy)}", err=True)
        sys.exit(3 if isinstance(error, DeniedError) else 2 if isinstance(error, UsageError) else 1)
    sys.exit(status)
