"""Drafts: changes on their way to signatures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.cli.trust.decide import as_fields, publish_draft, state
from hubproxy.config import Config

_DRAFT = click.argument("draft")
_KNOWN = (
    click.option(
        "--root",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="A root of the list, as an officer gave it to you. [default: the one of this host]",
    ),
    click.option(
        "--fingerprint",
        metavar="HEX",
        help="Of the list's first root, as an officer told it to you: where you hold no root.",
    ),
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What whoever reads or signs a draft knows the list by."""

    root: bytes | None
    fingerprint: str | None


def _knowing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--root` and `--fingerprint`, as `known`."""

    @wraps(function)
    def wrapped(
        config: Config, *args: Any, root: Path | None, fingerprint: str | None, **given: Any
    ) -> Any:
        from hubproxy import wiring

        held = root.read_bytes() if root is not None else wiring.held_root(config)
        return function(config, *args, known=_Known(held, fingerprint), **given)

    decorated: Callable[..., Any] = wrapped
    for option in reversed(_KNOWN):
        decorated = option(decorated)
    return decorated


@click.command("drafts")
@configured()
@json_option
def drafts(config: Config, as_json: bool) -> None:
    """List the drafts that lie here, what each changes, and whose signatures it waits for.

    Exit status: 0 listed, 1 one is damaged.
    """
    from hubproxy import wiring
    from hubproxy.errors import HubproxyError
    from hubproxy.trust.draft import drafts_in

    out, damaged = Output(as_json), False
    for name in drafts_in(wiring.places(config).drafts):
        try:
            found = wiring.open_draft(config, name)
            requirements = found.missing()
            told = list(found.told)
        except HubproxyError as error:
            note(f"{name}: {error}")
            damaged = True
            continue
        ready = all(one.met for one in requirements)
        waits = f"signed: hubproxy trust publish {name}" if ready else state(requirements)
        out.result(
            {
                "draft": name,
                "changes": told,
                "requirements": [as_fields(one) for one in requirements],
            },
            text=[f"{name}  {'; '.join(told)}", f"      {waits}"],
        )
    if damaged:
        raise click.exceptions.Exit(1)


@click.command("review")
@configured()
@_DRAFT
@_knowing
@json_option
def review(config: Config, draft: str, known: _Known, as_json: bool) -> None:
    """Show what DRAFT (D3, or the path of its folder) would change, and who must still sign it.

    It is verified first, from the root that this host holds, so that what is shown is what a
    signature will be for. Where no root is held yet, its fingerprint is shown: compare it, by
    another way than the draft came. The digest is that of what is to be signed: `trust sign
    --digest` signs that and nothing else.

    \b
      hubproxy trust review D3
      hubproxy trust review /media/stick/D3

    Exit status: 0 shown, 1 what it builds on does not verify, 2 no draft, or it was altered.
    """
    from hubproxy import wiring
    from hubproxy.cli.trust.page import print_review
    from hubproxy.trust.standing import check_fingerprint

    found = wiring.open_draft(config, draft).review(known.root)
    if known.fingerprint is not None:
        check_fingerprint(found.fingerprint, known.fingerprint)
    refused = wiring.refused_by_draft(config, found)
    print_review(found, Output(as_json), known.fingerprint, refused)


@click.command("sign")
@configured()
@_DRAFT
@_knowing
@click.option("--digest", metavar="SHA256", help="Of what you have read, as `trust review` told.")
@key_options
@json_option
def sign(
    config: Config, draft: str, known: _Known, digest: str | None, hand: Hand, as_json: bool
) -> None:
    """Sign DRAFT (D3, or the path of its folder), on whatever machine the key is.

    Everything in it that the key has a part in is signed, and it is verified before. Read it with
    `hubproxy trust review` first: what is signed is said in one line, and its digest. Then carry
    the folder on, or back; signing needs no network.

    A review shows what changes, and not what stays: so the list must be known, by its root or
    its fingerprint, unless the key has signed one of its roots itself.

    \b
      hubproxy trust sign D3
      hubproxy trust sign /media/stick/D3 --key bob.pem
      hubproxy trust sign /media/stick/D3 --key mia.pem --fingerprint 3f5a9c...
      hubproxy trust sign D3 --key 'hsm:2?label=officer-cy'

    Exit status: 0 signed, 1 what it builds on does not verify, or is another list; 2 no draft,
    altered, not what was read, a list that is not known, or a key that has no part in it; 3 a
    publisher's signature in it is not.
    """
    from hubproxy import wiring
    from hubproxy.cli.trust.page import title
    from hubproxy.errors import UsageError

    found, out = wiring.open_draft(config, draft), Output(as_json)
    signers = hand.signers(config)
    if not signers:
        raise UsageError("no key is named, and none lies here", remedy="Say `--key FILE`.")
    reviewed = found.review(known.root)
    digest = digest or reviewed.digest
    note(f"{title(reviewed)}; to be signed: {digest}")
    for signer in signers:
        done = found.sign(signer, known.root, known.fingerprint, digest)
        out.result(
            {
                "draft": found.name,
                "signed_by": done.by,
                "fingerprint": done.fingerprint,
                "digest": done.digest,
                "unproven": list(done.unproven),
                "requirements": [as_fields(one) for one in done.requirements],
            },
            text=f"{found.name}: signed as {done.by}; {state(done.requirements)}",
        )
        for line in done.unproven:
            note(f"  {line}")
        if known.root is None and known.fingerprint is None:
            note(f"  no root is held here: compare {done.fingerprint} with the other officers")
    if all(one.met for one in found.missing()):
        note(f"  publish it where the online key is: hubproxy trust publish {draft}")


@click.command("merge")
@configured()
@_DRAFT
@click.argument("copies", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def merge(config: Config, draft: str, copies: Sequence[Path], as_json: bool) -> None:
    """Take into DRAFT the signatures of COPIES of it, that others have signed meanwhile.

    \b
      hubproxy trust merge D3 /media/stick/D3

    Exit status: 0 merged, 2 one is no copy of that draft, or was altered.
    """
    from hubproxy import wiring

    found = wiring.open_draft(config, draft)
    for copy in copies:
        requirements = found.merge(copy, wiring.held_root(config))
    Output(as_json).result(
        {"draft": found.name, "requirements": [as_fields(one) for one in requirements]},
        text=f"{found.name}: {state(requirements)}",
    )
    if all(one.met for one in requirements):
        note(f"  publish it where the online key is: hubproxy trust publish {draft}")


@click.command("publish")
@configured()
@_DRAFT
@json_option
def publish(config: Config, draft: str, as_json: bool) -> None:
    """Put DRAFT in force, whole or not at all, where the list and its online key are.

    Daemons see it at their next refresh. The officers' log (`hubproxy trust log`) has it before.

    \b
      hubproxy trust publish D3

    Exit status: 0 published, 1 the list in force does not verify, 2 signatures are missing, or the
    list has moved on (`hubproxy trust rebase DRAFT`).
    """
    from hubproxy import wiring

    found = wiring.open_draft(config, draft)
    told = "; ".join(found.told)
    versions = publish_draft(config, found)
    Output(as_json).result(
        {"draft": found.name, "published": str(versions)},
        text=f"published {found.name}: {told} ({versions})",
    )


@click.command("rebase")
@configured()
@_DRAFT
@json_option
def rebase(config: Config, draft: str, as_json: bool) -> None:
    """Build DRAFT anew on the list that is in force now; it must be signed again.

    \b
      hubproxy trust rebase D3

    Exit status: 0 built anew, 2 it makes no sense any more, or no draft.
    """
    from hubproxy import wiring

    found = wiring.open_draft(config, draft)
    dropped = found.rebase(wiring.repository(config))
    requirements = found.missing()
    again = f"; dropped the signatures of {', '.join(dropped)}" if dropped else ""
    Output(as_json).result(
        {
            "draft": found.name,
            "dropped": list(dropped),
            "requirements": [as_fields(one) for one in requirements],
        },
        text=f"{found.name}: {state(requirements)}{again}",
    )


@click.command("abandon")
@configured()
@_DRAFT
@json_option
def abandon(config: Config, draft: str, as_json: bool) -> None:
    """Remove DRAFT. Nothing of it was ever in force.

    Exit status: 0 removed, 2 no draft.
    """
    from hubproxy import wiring

    found = wiring.open_draft(config, draft)
    found.abandon()
    Output(as_json).result({"abandoned": found.name}, text=f"abandoned {found.name}")
