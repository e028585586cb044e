"""`hubproxy ca`: what jobs have to trust to go through the forward proxy."""

from pathlib import Path

import click

from hubproxy.cli.options import Output, configured, json_option, note
from hubproxy.config import Config


@click.group("ca")
def command() -> None:
    """The forward proxy's certificate authority: it can vouch for the hubs' hosts alone.

    All of this works beside a running daemon.
    """


@command.command("show")
@configured()
@json_option
def show(config: Config, as_json: bool) -> None:
    """Print what the CA is and what it may vouch for. Makes none."""
    from hubproxy import wiring

    chain = wiring.ca_certificates(config)
    file = config.forward.ca_certificate or str(wiring.places(config).ca / "ca.pem")
    names = chain.hosts
    rows = [
        ("sha256", chain.fingerprint),
        ("valid until", f"{chain.expires:%Y-%m-%d %H:%M} UTC"),
        ("permits", "every host" if names is None else f"{', '.join(names)}, and names below"),
        ("file", file),
    ]
    Output(as_json).result(
        {
            "subject": chain.subject,
            "sha256": chain.fingerprint,
            "expires": chain.expires.isoformat(),
            "permits": None if names is None else list(names),
            "file": file,
        },
        text=[chain.subject, *(f"  {label:<12} {row}" for label, row in rows)],
    )
    if wiring.now() >= chain.expires:
        note("it has expired: `hubproxy ca rotate` makes a new one")
    for host in (hub.host for hub in config.hubs if not chain.permits(hub.host)):
        note(f"it does not permit {host}, which is a hub: `hubproxy ca rotate` makes one that does")


@command.command("export")
@configured()
@click.option("--merged", is_flag=True, help="The roots that this host trusts as well.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write it here. [default: standard output]",
)
def export(config: Config, merged: bool, output: Path | None) -> None:
    """Print the certificate that jobs have to trust, in PEM. The CA is made on first use.

    After a rotation the earlier certificate is printed too, while it is valid. SSL_CERT_FILE,
    REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE want --merged: what they name is all a job then trusts.
    """
    from hubproxy import wiring
    from hubproxy.ca.bundle import merged_bundle
    from hubproxy.errors import AuthorityMissingError

    try:
        pem = wiring.trusted_pem(config)
    except AuthorityMissingError:
        made = wiring.authority(config)
        note(f"made {made.subject} in {wiring.places(config).ca}")
        pem = wiring.trusted_pem(config)
    if merged:
        pem = merged_bundle(pem)
    if output is None or str(output) == "-":
        print(pem.decode("ascii"), end="")
    else:
        _write(output, pem)


@command.command("rotate")
@configured()
@click.option(
    "--distrust-previous",
    is_flag=True,
    help="Export the earlier certificate no longer: its key may be in other hands.",
)
def rotate(config: Config, distrust_previous: bool) -> None:
    """Make a new CA for the hubs in the settings; the old key is gone with that.

    A running daemon keeps to the old one until SIGHUP, so that jobs can be given both
    certificates first.
    """
    from hubproxy import wiring

    made = wiring.rotate_authority(config, keep_previous=not distrust_previous)
    print(f"{made.subject}, valid until {made.expires:%Y-%m-%d}")
    print(f"  sha256 {made.fingerprint}")
    note(
        "Now give jobs what `hubproxy ca export` prints, then send the daemon SIGHUP (or restart "
        "it): from then on it signs with the new key."
    )


def _write(path: Path, pem: bytes) -> None:
    from hubproxy.errors import UsageError
    from hubproxy.files import write_whole

    try:
        if path.exists() and not path.is_file():  # a pipe, or a terminal
            path.write_bytes(pem)
        else:
            write_whole(path.resolve(), pem)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
