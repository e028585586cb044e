"""`hubproxy inspect`: what is in a module, and whether anybody should load it."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubproxy.cli.options import config_option, json_option, note

if TYPE_CHECKING:
    from hubproxy.cli.inspecting import Looked
    from hubproxy.config import Config
    from hubproxy.core.handle import Handle
    from hubproxy.errors import HubproxyError

_STATUS = {"pass": 0, "hold": 3, "refuse": 4}
_URLS = ("http://", "https://")


@click.command("inspect")
@click.argument("targets", metavar="PATH|URL|HANDLE...", nargs=-1, required=True)
@config_option
@json_option
def command(targets: tuple[str, ...], config_file: Path | None, as_json: bool) -> None:
    """Look into modules without loading them, and say whether they can be trusted to be loaded.

    \b
      PATH    an archive (tar, tar.gz, tar.bz2, tar.xz, zip); a folder, such as a SavedModel or
              a client's copy of a module; or one file: .keras, .h5, .tflite, saved_model.pb
      URL     of one of these, by http or https; one that lies below a hub is a HANDLE
      HANDLE  a module of a hub, with its version: tfhub.dev/google/nnlm-en-dim50/2
      -       an archive, or one file, on standard input

    Works alone: it needs no daemon, no settings, no TensorFlow, and no network for a PATH. Nothing
    is kept. What is unpacked lies in a temporary folder while it is looked at. The settings only
    say where the modules of a hub lie.

    \b
      PASS    all that is in it is understood, and can do nothing but compute
      HOLD    a person should look at what was found, each with what it is, where, and why
      REFUSE  damaged, or made in a way that no honest module is: never accepted

    \b
      hubproxy inspect nnlm.tar.gz
      hubproxy inspect ~/models/efficientnet tfhub.dev/google/nnlm-en-dim50/2
      curl -sL https://example.org/model.tar.gz | hubproxy inspect --json - | jq .verdict

    --json prints an object per module: name, verdict, findings (name, verdict, where, why,
    remedy), formats, facts (graphs with their signatures, parameters, trainable, vocabularies,
    ops), ops (by class), files (path, size, sha256), archive (digest, size, tree) as a daemon would
    keep it, origin (digest, size, media_type) of the archive that was read, and gate (version,
    ops). What is not known is null; in an archive that was refused, nothing was looked at.

    Exit status: 0 pass, 3 hold, 4 refuse; 2 used wrongly; 1 it cannot be had, or is no model. Of
    several modules, the highest.
    """
    import asyncio
    import tempfile

    from hubproxy.cli.inspectpage import as_object, print_page
    from hubproxy.errors import HubproxyError

    _end_as_by_hand()
    status = 0
    for number, target in enumerate(targets):
        try:
            with tempfile.TemporaryDirectory(prefix="hubproxy-inspect-") as folder:
                here = _here(target, Path(folder))
                found = asyncio.run(_look(target, here, config_file, Path(folder)))
        except HubproxyError as error:
            status = max(status, _tell(error))
            continue
        except OSError as error:
            note(f"hubproxy: {target}: {error.strerror or error}")
            status = max(status, 1)
            continue
        if as_json:
            print(as_object(found))
        else:
            print_page(found, first=number == 0)
        sys.stdout.flush()
        status = max(status, _STATUS[found.inspected.verdict])
    raise click.exceptions.Exit(status)


def _here(target: str, folder: Path) -> tuple[Path, str] | None:
    """Where a module lies on this machine, and what it is called there; None for another's.

    A pipe is read to its end first, outside of the event loop: Ctrl-C ends it.
    """
    from hubproxy.cli.inspecting import spool

    if target == "-":
        return spool(sys.stdin.fileno(), folder), "input"
    path = Path(target)
    if not os.path.lexists(path):
        return None
    if path.is_fifo():
        with path.open("rb") as pipe:
            return spool(pipe.fileno(), folder), path.name
    return path, path.name


async def _look(
    target: str, here: tuple[Path, str] | None, config_file: Path | None, folder: Path
) -> "Looked":
    from hubproxy.cli.inspecting import look

    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) is signal.default_int_handler:
            signal.signal(told, signal.getsignal(signal.SIGINT))  # the loop's own
    path, called = here or await _fetched(target, config_file, folder)
    return await look(path, target, called, folder)


async def _fetched(target: str, config_file: Path | None, folder: Path) -> tuple[Path, str]:
    """What does not lie here, as a file; and what it is called."""
    from urllib.parse import unquote, urlsplit

    from hubproxy.cli.progress import transfer_bars
    from hubproxy.config import load

    config, into = load(config_file, os.environ), folder / "fetched"
    handle = _handle(target, config)
    from hubproxy.wiring.inspecting import fetch_handle, fetch_url

    with transfer_bars() as moved:
        if handle is None:
            await fetch_url(config, target, into, moved)
            return into, unquote(urlsplit(target).path).rpartition("/")[2] or "input"
        await fetch_handle(config, handle, into, moved)
        return into, f"{handle.path.rpartition('/')[2]}.tar.gz"


def _handle(target: str, config: "Config") -> "Handle | None":
    """The module of a hub that is named; None for a URL of anything else.

    Raises:
        UsageError: it is nothing at all.
    """
    from hubproxy.core.handle import Handle
    from hubproxy.errors import UsageError

    hubs = {hub.host for hub in config.hubs}
    is_url = target.lower().startswith(_URLS)
    try:
        handle = Handle.parse(target)
    except ValueError as error:
        if is_url:
            return None
        raise UsageError(
            f"there is no file or folder {target!r} here, and it is no URL; {error}",
            remedy="Name a file, a folder, an http(s) URL, or HUB/PUBLISHER/MODEL/VERSION.",
        ) from None
    if handle.hub in hubs:
        return handle
    if is_url:
        return None
    raise UsageError(
        f"there is no file or folder {target!r} here, and {handle.hub} is no hub that is known",
        remedy=f"The hubs are {', '.join(sorted(hubs))}; a [[hub]] of the settings adds one.",
    )


def _tell(error: "HubproxyError") -> int:
    """Say what is wrong; the exit status that it amounts to."""
    from hubproxy.errors import UsageError

    note(f"hubproxy: {error.code}: {error}")
    if error.remedy:
        note(f"  {error.remedy}")
    return 2 if isinstance(error, UsageError) else 1


def _end_as_by_hand() -> None:
    """Let every polite request to end clean up, as Ctrl-C does."""
    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) is signal.SIG_DFL:
            signal.signal(told, signal.default_int_handler)
