"""`hubproxy trust`: what officers and their teams do. One file for each kind of command."""

import click

from hubproxy.cli.card import command as card
from hubproxy.cli.policy import command as policy
from hubproxy.cli.show import show
from hubproxy.cli.trust.allow import allow, disallow
from hubproxy.cli.trust.begin import init, keygen, public
from hubproxy.cli.trust.drafts import abandon, drafts, merge, publish, rebase, review, sign
from hubproxy.cli.trust.export import export
from hubproxy.cli.trust.groups import InOrder
from hubproxy.cli.trust.looking import lint, list_modules, log, status
from hubproxy.cli.trust.propose import approve, propose
from hubproxy.cli.trust.remove import remove
from hubproxy.cli.trust.renew import renew
from hubproxy.cli.trust.revoke import revoke
from hubproxy.cli.trust.rotate import rotate, threshold
from hubproxy.cli.trust.setpolicy import set_policy
from hubproxy.cli.trust.teams import delegate, undelegate

_COMMANDS = (
    keygen, public, init, delegate, undelegate,
    propose, approve, drafts, review, sign, merge, publish, rebase, abandon,
    revoke, remove, rotate, threshold, policy, renew,
    card, status, lint, log, list_modules, show, export,
)  # fmt: skip


@click.group("trust", cls=InOrder)
def command() -> None:
    """Keep the trust list: what may be served, signed by those who decided it.

    A change is signed and published at once where the keys at hand suffice. Otherwise it waits
    as a draft, D1, D2, ..., a folder in DATA/drafts that can be carried to whoever must sign too:

    \b
      hubproxy trust init --officer ada            one officer, one command
      hubproxy trust approve HANDLE                read, sign and publish
    \b
      hubproxy trust propose HANDLE                several: makes draft D2
      hubproxy trust review D2                     what it changes, and who must sign
      hubproxy trust sign D2 --key ada.pem         each officer, on whatever machine
      hubproxy trust publish D2                    where the online key is

    Exit status: 0 done, also where a draft waits for more signatures; 1 failed; 2 used wrongly,
    also a key that may not sign; 3 denied by the trust list or the officers' policy.
    """


for _command in (set_policy, allow, disallow):
    policy.add_command(_command)
for _command in _COMMANDS:
    command.add_command(_command)
