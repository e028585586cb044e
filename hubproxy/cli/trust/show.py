"""What the list says of one module."""

import click

from hubproxy.cli.options import HandleType, Output, configured, json_option
from hubproxy.config import Config
from hubproxy.core.handle import Handle


@click.command("show")
@configured()
@click.argument("handle", type=HandleType())
@json_option
def show(config: Config, handle: Handle, as_json: bool) -> None:
    """Show the record of HANDLE: what was approved, by whom, when, and from where."""
    from hubproxy import wiring
    from hubproxy.cli.report import print_record
    from hubproxy.core.record import FORMATS, Record
    from hubproxy.core.trust import unlisted
    from hubproxy.errors import DeniedError

    client = wiring.trust_client(config)
    snapshot = wiring.list_naming(client, handle)
    exact = snapshot.exact(handle)
    found = [listed for form in FORMATS if (listed := snapshot.find(exact, (form,)))]
    if not found:
        no = unlisted(handle, snapshot.versions)
        raise DeniedError(no.code, no.status, no.message, remedy=no.remedy)
    for listed in found:
        print_record(Record.decode(client.fetch_record(listed.record)), Output(as_json))
