"""Keys, and the beginning of a list."""

from collections.abc import Sequence
from pathlib import Path

import click

from hubproxy.cli.keys import Secrets, secret_options
from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.cli.trust.named import Holders, add_holder, checked_name
from hubproxy.config import Config
from hubproxy.errors import UsageError


@click.command("keygen")
@configured()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@secret_options
@json_option
def keygen(config: Config, file: Path, secrets: Secrets, as_json: bool) -> None:
    """Make a key of your own: FILE under a passphrase, and beside it FILE.pub for the others.

    Give the .pub file to whoever begins the list (`hubproxy trust init --officer NAME=ada.pub`),
    adds your team (`hubproxy trust delegate`), or puts your new key in place of your old one
    (`hubproxy trust rotate`). The key itself goes nowhere.

    \b
      hubproxy trust keygen ada.pem

    Keys made elsewhere do as well: Ed25519, ECDSA P-256 or P-384, RSA from 3072 bits, ML-DSA.

    Exit status: 0 made, 2 there is such a file already, or no passphrase.
    """
    from hubproxy import wiring
    from hubproxy.trust.keys import check_outside, create_key, public_path

    check_outside(file, wiring.places(config).repository)
    public = public_path(file)
    made = create_key(file, secrets.new(file), insecure=secrets.plain)
    keyid = made.public_key.keyid
    Output(as_json).result(
        {"key": str(file), "public": str(public), "id": keyid},
        text=[
            f"key     {file}   (keep it, away from the servers)",
            f"public  {public}   (for the others)",
            f"id      {keyid}",
        ],
    )


@click.command("public")
@configured()
@click.argument("key")
@secret_options
def public(config: Config, key: str, secrets: Secrets) -> None:
    """Print the public half of KEY: what the others need of a key on a token.

    \b
      hubproxy trust public 'hsm:2?label=officer-cy' > cy.pub

    Exit status: 0 printed, 2 no such key.
    """
    from hubproxy.trust.keys import parse_spec, public_pem

    del config
    print(public_pem(secrets.public(parse_spec(key))).decode(), end="")


@click.command("init")
@configured()
@click.option(
    "--officer",
    "officers",
    multiple=True,
    metavar="NAME[=KEY]",
    help="An officer, and the key that he signs with: a private one signs at once, of a .pub file "
    "he signs later. NAME alone: a key of this host, made if it is not there. [default: officer]",
)
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    help="How many officers must sign. [default: more than half of them]",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="This host's officer's key. [default: DATA/trust/keys/officer.pem]",
)
@secret_options
@json_option
def init(
    config: Config,
    officers: Sequence[str],
    threshold: int | None,
    key: Path | None,
    secrets: Secrets,
    as_json: bool,
) -> None:
    """Begin a trust list, on the host that will publish it.

    With one officer that is all:

    \b
      hubproxy trust init --officer ada

    With several, each makes a key (`hubproxy trust keygen`) and hands over its .pub file. The
    list begins as draft D1, which each signs in turn, and which is then published here:

    \b
      hubproxy trust init --officer ada=ada.pem --officer bob=bob.pub \\
          --officer cy='hsm:2?label=officer-cy' --threshold 2
      hubproxy trust sign D1 --key bob.pem         bob, on his own machine
      hubproxy trust publish D1

    Keys that lie there already are used: an interrupted `init` can be run again.

    Exit status: 0 begun, or drafted; 2 there is a list, or a key cannot be used.
    """
    from hubproxy import wiring
    from hubproxy.cli.trust.decide import tell_waiting
    from hubproxy.files import make_folder, write_whole
    from hubproxy.trust.beginning import begin
    from hubproxy.trust.keys import create_online_key, load_signer
    from hubproxy.trust.thresholds import fingerprint as fingerprint_of

    where, out = wiring.places(config), Output(as_json)
    keys = wiring.keys(config, key)
    keys.check_outside(where.repository)
    if (where.repository / "metadata" / "1.root.json").exists():
        raise UsageError(
            f"there is a trust list in {where.repository} already",
            remedy="Add to it with `hubproxy trust approve HANDLE`.",
        )
    _check_none_is_trusted(config)
    _check_none_waits(where.drafts)
    found = _officers(officers or ("officer",), config, keys.officer_pem, secrets)
    if secrets.plain:
        make_folder(where.keys, mode=0o700)
        write_whole(where.plain_keys, b"")
    number = threshold or len(found.keys) // 2 + 1
    online_pem = keys.online_pem
    online = load_signer(online_pem) if online_pem.exists() else create_online_key(online_pem)
    draft = begin(
        where.drafts,
        wiring.repository(config),
        officers=found.keys,
        threshold=number,
        signers=found.signers,
        snapshot=online,
        timestamp=online,
    )
    fields: dict[str, object] = {
        "repository": str(where.repository),
        "online_key": str(online_pem),
        "officers": sorted(found.keys),
        "threshold": number,
    }
    if draft is not None:
        fingerprint = draft.review().fingerprint
        tell_waiting(draft, out, {**fields, "fingerprint": fingerprint})
        note(f"  fingerprint, for those who sign it to compare: {fingerprint}")
        return
    root_file = wiring.repository(config).root_file()
    write_whole(where.root, root_file)
    fingerprint = fingerprint_of(wiring.repository(config).in_force().roots[0])
    lines = [
        f"trust list   {where.repository}",
        f"root         {where.root}   (give it to every host that reads the list)",
        f"fingerprint  {fingerprint}   (tell it whoever signs without the root)",
        f"online key   {online_pem}   (renews the list: `hubproxy trust renew`)",
    ]
    if keys.officer_pem.exists():
        lines.insert(2, f"officer key  {keys.officer_pem}   (keep it away from the servers)")
    out.result({**fields, "root": str(where.root), "fingerprint": fingerprint}, text=lines)


def _check_none_is_trusted(config: Config) -> None:
    """See that no root was given to this host: it would be another list's."""
    from hubproxy import wiring
    from hubproxy.errors import UsageError

    if wiring.held_root(config) is not None:
        root = config.trust.root or wiring.places(config).root
        raise UsageError(
            f"this host trusts another list already: its root is {root}",
            remedy="Begin the list on another host, or in another data folder (--data); or take "
            "that root away, if nothing here shall read its list any more.",
        )


def _check_none_waits(drafts: Path) -> None:
    """See that no list was begun here that only waits for its signatures."""
    from hubproxy.errors import UsageError
    from hubproxy.trust.changes import Begin
    from hubproxy.trust.draft import Draft, drafts_in

    for name in drafts_in(drafts):
        if any(isinstance(change, Begin) for change in Draft.load(drafts / name).changes):
            raise UsageError(
                f"the draft {name} begins a list already, and waits for signatures",
                remedy=f"`hubproxy trust review {name}` shows whose; "
                f"`hubproxy trust abandon {name}` lets another be begun.",
            )


def _officers(given: Sequence[str], config: Config, own: Path, secrets: Secrets) -> Holders:
    """The officers; one without a key has this host's own, made if it is not there."""
    from hubproxy.trust.keys import create_key

    found = Holders()
    for number, text in enumerate(given):
        name, _, spec = text.partition("=")
        if not spec and not own.exists():
            create_key(own, secrets.new(own), insecure=secrets.plain)
        add_holder(found, checked_name(name), spec or str(own), config, secrets, number)
    return found
