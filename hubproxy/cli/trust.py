"""`hubproxy trust`: what officers do."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from hubproxy.cli.card import command as card
from hubproxy.cli.keys import key_options, load_keys, load_officer, new_passphrase
from hubproxy.cli.options import HandleType, Output, configured, json_option, note
from hubproxy.cli.policy import command as policy
from hubproxy.cli.progress import Moved, transfer_bars
from hubproxy.cli.show import show
from hubproxy.config import Config
from hubproxy.core.handle import Handle

_WARN_DAYS = 30


@click.group("trust")
def command() -> None:
    """Keep the trust list: what may be served, signed by those who decided it."""


command.add_command(policy)
command.add_command(card)


@command.command("init")
@configured()
@click.option(
    "--officer", default="officer", show_default=True, help="Your name, as others see it."
)
@key_options
@click.option("--insecure-plain-keys", is_flag=True, help="No passphrase: for a trial only.")
def init(
    config: Config,
    officer: str,
    key: Path | None,
    passphrase_file: Path | None,
    insecure_plain_keys: bool,
) -> None:
    """Begin a trust list with one officer, on this host.

    Keys that lie there already are used: an interrupted `init` can be run again.
    """
    from hubproxy import wiring
    from hubproxy.errors import UsageError
    from hubproxy.files import write_whole
    from hubproxy.trust.keys import create_officer_key, create_online_key, load_signer
    from hubproxy.trust.officer import Repository

    where = wiring.places(config)
    keys = wiring.keys(config, key)
    keys.check_outside(where.repository)
    if (where.repository / "metadata" / "1.root.json").exists():
        raise UsageError(
            f"there is a trust list in {where.repository} already",
            remedy="Add to it with `hubproxy trust approve HANDLE`.",
        )
    if keys.officer_pem.exists():
        signer = load_officer(keys.officer_pem, passphrase_file)
    else:
        passphrase = None if insecure_plain_keys else new_passphrase(passphrase_file)
        signer = create_officer_key(keys.officer_pem, passphrase, insecure=insecure_plain_keys)
    online = keys.online_pem
    repository = Repository.init(
        where.repository,
        officer_name=officer,
        officer=signer,
        online=load_signer(online) if online.exists() else create_online_key(online),
        clock=wiring.now,
    )
    write_whole(where.root, repository.root_file())
    print(f"trust list   {where.repository}")
    print(f"root         {where.root}   (give it to every host that reads the list)")
    print(f"officer key  {keys.officer_pem}   (keep it away from the servers)")
    print(f"online key   {keys.online_pem}   (renews the list: `hubproxy trust renew`)")


@command.command("approve")
@configured()
@click.argument("handles", nargs=-1, required=True, type=HandleType())
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the module from this archive, not from its hub.",
)
@click.option("--licence", default="", help="The module's licence, as an SPDX expression.")
@key_options
@json_option
def approve(
    config: Config,
    handles: Sequence[Handle],
    file: Path | None,
    licence: str,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Read HANDLES, print what is in them, sign, and publish: in one step."""
    from hubproxy import wiring
    from hubproxy.cli.report import print_report
    from hubproxy.errors import UsageError
    from hubproxy.service.approve import Approvals, exact_only

    if file is not None and len(handles) > 1:
        raise UsageError("--from takes one HANDLE: one archive is one module")
    for handle in handles:
        exact_only(handle)
    signers = load_keys(config, key, passphrase_file)
    out = Output(as_json)

    async def work() -> None:
        with transfer_bars() as moved:
            await approve_all(moved)

    async def approve_all(moved: Moved) -> None:
        async with wiring.open_transfers(config, file=file, moved=moved) as transfers:
            approvals = Approvals(
                transfers=transfers,
                drafts=wiring.drafts(config),
                repository=wiring.repository(config),
                clock=wiring.now,
            )
            proposals = []
            for handle in handles:
                note(f"reading {handle} …")
                proposals.append(await approvals.examine(handle, licence=licence))
                print_report(proposals[-1], out)
            versions = await approvals.publish([found.record for found in proposals], signers)
            note(f"signed by {signers.name}, and published: {versions}")

    asyncio.run(work())


@command.command("revoke")
@configured()
@click.argument("handle", type=HandleType())
@click.option("--reason", required=True, help="Why: clients are told.")
@key_options
@json_option
def revoke(
    config: Config,
    handle: Handle,
    reason: str,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Take back an approval: the module is refused from the daemon's next refresh on."""
    from hubproxy import wiring
    from hubproxy.service.approve import revoked

    repository = wiring.repository(config)
    signers = load_keys(config, key, passphrase_file)
    records = revoked(repository, handle, reason=reason, at=wiring.now(), by=signers.name)
    versions = repository.publish(records, officer=signers.officer, online=signers.online)
    Output(as_json).result(
        {"revoked": str(handle), "versions": str(versions)}, text=f"revoked {handle} ({versions})"
    )


@command.command("renew")
@configured()
@click.option("--all", "every", is_flag=True, help="Targets and root too: the officer's key signs.")
@key_options
@json_option
def renew(
    config: Config, every: bool, key: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    """Sign the list anew, so that it does not expire.

    The online key renews snapshot and timestamp, for a timer. Approvals renew the rest; where
    none is made for half a year, an officer does it with --all.
    """
    from hubproxy import wiring
    from hubproxy.trust.keys import load_signer

    repository = wiring.repository(config)
    if every:
        signers = load_keys(config, key, passphrase_file)
        versions = repository.publish([], officer=signers.officer, online=signers.online)
    else:
        online = load_signer(wiring.keys(config, None).online_pem, None)
        versions = repository.renew(online=online)
    Output(as_json).result({"renewed": str(versions)}, text=f"renewed ({versions})")
    for role in repository.status():
        left = (role.expires - wiring.now()).days
        if role.name in ("root", "targets") and left < _WARN_DAYS:
            note(f"{role.name} expires in {left} days: `hubproxy trust renew --all` renews it")


@command.command("list")
@configured()
@json_option
def list_modules(config: Config, as_json: bool) -> None:
    """List the modules that the trust list names, as a daemon here sees them."""
    from hubproxy import wiring

    snapshot, out = wiring.trust_client(config).refresh(), Output(as_json)
    for exact, form in snapshot.listing():
        out.result({"handle": str(exact), "format": form}, text=f"{exact}  {form}")


command.add_command(show)


@command.command("status")
@configured()
@json_option
def status(config: Config, as_json: bool) -> None:
    """Show each role of the list: version, expiry, who may sign it and who has.

    Exit status: 0 in force, 1 expired or unusable.
    """
    from hubproxy import wiring

    out = Output(as_json)
    if wiring.places(config).repository.exists():
        for role in wiring.repository(config).status():
            left = (role.expires - wiring.now()).days
            signed = ", ".join(map(_signer, role.signed))
            out.result(
                {
                    "role": role.name,
                    "version": role.version,
                    "expires": role.expires.isoformat(),
                    "threshold": role.threshold,
                    "keys": role.keys,
                    "signed": role.signed,
                },
                text=f"{role.name:<10} version {role.version:<4} expires "
                f"{role.expires:%Y-%m-%d} ({left} days)  signed by {signed} "
                f"({len(role.signed)} of {role.threshold} needed)",
            )
    snapshot = wiring.trust_client(config).refresh()
    out.result(
        {"versions": str(snapshot.versions), "expires": snapshot.expires.isoformat(),
         "modules": len(snapshot.listing())},
        text=f"in force: {snapshot.versions}, {len(snapshot.listing())} modules, "
        f"until {snapshot.expires:%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip


def _signer(name: str) -> str:
    """An officer's name; of a key without one, the beginning of its id."""
    return f"key {name[:8]}" if len(name) == 64 else name
