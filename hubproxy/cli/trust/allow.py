"""What the gate finds, and officers allow all the same: a part of their policy."""

import click

from hubproxy.cli.keys import Hand, key_options
from hubproxy.cli.options import Output, configured, json_option
from hubproxy.cli.trust.decide import decide, draft_option, note_option
from hubproxy.config import Config
from hubproxy.core.handle import Handle
from hubproxy.core.policy import Policy


@click.command("allow")
@configured()
@click.argument("pattern", metavar="HANDLE|PATTERN")
@click.argument("findings", metavar="FINDING...", nargs=-1, required=True)
@click.option("--why", required=True, metavar="REASON", help="Why; it stands in the policy.")
@click.option(
    "--review-by", default="", metavar="DAY", help="Until when, 2027-03-01. [default: a year]"
)
@key_options
@draft_option
@note_option
@json_option
def allow(
    config: Config,
    pattern: str,
    findings: tuple[str, ...],
    why: str,
    review_by: str,
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Allow modules of HANDLE, or of handles like PATTERN, to have each FINDING.

    A finding is what `hubproxy inspect`, `quarantine show` and a refusal name, such as
    op:ReadFile. The officers sign this as they sign the policy, a team cannot; after the last day
    it allows nothing any more.

    \b
      hubproxy trust policy allow tfhub.dev/google/nnlm-en-dim50/2 op:ReadFile \\
          --why "reads the host's locale, seen with Google" --review-by 2027-03-01

    Exit status: 0 published, or drafted; 2 used wrongly, or a key that may not sign.
    """
    from hubproxy import wiring
    from hubproxy.trust.allowing import allowances, with_allowances

    patterns = [_pattern(pattern)]
    more = allowances(patterns, findings, reason=why, review_by=review_by, at=wiring.now())
    policy = with_allowances(wiring.repository(config).policy(), more)
    _set(config, policy, hand, Output(as_json), remark or why, only_draft=only_draft)


@click.command("disallow")
@configured()
@click.argument("pattern", metavar="HANDLE|PATTERN")
@click.argument("findings", metavar="FINDING...", nargs=-1)
@key_options
@draft_option
@note_option
@json_option
def disallow(
    config: Config,
    pattern: str,
    findings: tuple[str, ...],
    hand: Hand,
    only_draft: bool,
    remark: str,
    as_json: bool,
) -> None:
    """Allow modules of HANDLE, or of handles like PATTERN, a FINDING no longer; or none at all.

    Exit status: 0 published, or drafted; 2 it was not allowed, or a key that may not sign.
    """
    from hubproxy import wiring
    from hubproxy.trust.allowing import without_allowances

    before = wiring.repository(config).policy()
    policy = without_allowances(before, _pattern(pattern), findings)
    _set(config, policy, hand, Output(as_json), remark, only_draft=only_draft)


def _pattern(text: str) -> str:
    """A handle in any spelling becomes the canonical one; a pattern stays as it is."""
    if "*" in text or "?" in text:
        return text
    try:
        return str(Handle.parse(text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="HANDLE|PATTERN") from error


def _set(
    config: Config, policy: Policy, hand: Hand, out: Output, remark: str, *, only_draft: bool
) -> None:
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.proposing import set_policy

    contents = Contents()
    change = set_policy(policy, contents)
    decide(
        config,
        [change],
        contents,
        [] if only_draft else hand.signers(config),
        out,
        fields={"policy": change.digest, "allow": [_fields(one) for one in policy.allow]},
        done=f"the policy allows {len(policy.allow)} findings",
        remark=remark,
    )


def _fields(one: object) -> object:
    import msgspec

    return msgspec.to_builtins(one)
