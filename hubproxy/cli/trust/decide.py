"""From a change to a published list: at once where the keys at hand suffice, else as a draft."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from hubproxy.cli.options import Output, note
from hubproxy.config import Config
from hubproxy.core.trust import Versions
from hubproxy.errors import HubproxyError

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__

    from hubproxy.trust.changes import Change
    from hubproxy.trust.contents import Contents
    from hubproxy.trust.draft import Draft
    from hubproxy.trust.officer import Repository
    from hubproxy.trust.review import Requirement

draft_option = click.option(
    "--draft", "only_draft", is_flag=True, help="Sign and publish nothing: only make the draft."
)
note_option = click.option("--note", "remark", default="", help="A line for those who review it.")


def decide(
    config: Config,
    changes: "Sequence[Change]",
    contents: "Contents",
    signers: "Sequence[Signer]",
    out: Output,
    *,
    fields: dict[str, object],
    done: str,
    remark: str = "",
) -> None:
    """Settle changes, and tell what came of it.

    Args:
        fields: what a program is told of the change.
        done: what a person is told when it is published, before the list's versions.

    Raises:
        HubproxyError: as `settle`.
    """
    versions = settle(config, changes, contents, signers, out, fields=fields, remark=remark)
    if versions is not None:
        out.result({**fields, "versions": str(versions)}, text=f"{done} ({versions})")


def settle(
    config: Config,
    changes: "Sequence[Change]",
    contents: "Contents",
    signers: "Sequence[Signer]",
    out: Output,
    *,
    fields: dict[str, object],
    remark: str = "",
) -> Versions | None:
    """Draft changes, sign with what is at hand, and publish if that suffices.

    Returns:
        The versions published; None where a draft waits, which is told.

    Raises:
        HubproxyError: nothing was published; a draft is left only where it has its signatures.
    """
    draft, requirements = drafted(config, changes, contents, signers, remark=remark)
    if not requirements or not all(one.met for one in requirements):
        tell_waiting(draft, out, fields)
        return None
    return publish_draft(config, draft)


def drafted(
    config: Config,
    changes: "Sequence[Change]",
    contents: "Contents",
    signers: "Sequence[Signer]",
    *,
    remark: str = "",
) -> "tuple[Draft, Sequence[Requirement]]":
    """Draft changes, and sign with what is at hand; what the last signature left to be met.

    Raises:
        HubproxyError: no draft is left.
    """
    from hubproxy import wiring
    from hubproxy.trust.draft import Draft

    repository = wiring.repository(config)
    draft = Draft.create(wiring.places(config).drafts, repository, changes, contents, note=remark)
    requirements: Sequence[Requirement] = ()
    try:
        for signer in signers:
            requirements = draft.sign(signer, wiring.held_root(config)).requirements
    except HubproxyError:
        draft.abandon()
        raise
    return draft, requirements


def publish_draft(config: Config, draft: "Draft") -> Versions:
    """Put a draft in force, with the online keys of this host.

    What follows it fails nothing any more: it is told where it could not be done.

    Raises:
        UsageError: signatures or the online key are missing, or it must be rebased.
        TrustListError: HP-T09 the list in force does not verify.
    """
    from hubproxy import wiring

    repository = wiring.repository(config)
    versions = draft.publish(repository, wiring.online_signers(config))
    if (draft.folder / "draft.json").exists():
        note(f"{draft.folder} cannot be removed, though it is in force: remove it by hand")
    for follow in (_keep_root, _drop_keys):
        try:
            follow(config, repository)
        except (HubproxyError, OSError) as error:
            note(f"published, but: {error}")
    return versions


def _keep_root(config: Config, repository: "Repository") -> None:
    from hubproxy import wiring
    from hubproxy.files import write_whole

    where = wiring.places(config)
    if not where.root.exists() and not config.trust.root:
        write_whole(where.root, repository.root_file())


def _drop_keys(config: Config, repository: "Repository") -> None:
    from hubproxy import wiring

    for path in wiring.drop_retired_keys(config, repository):
        note(f"removed {path}: the list names it no longer")


def tell_waiting(draft: "Draft", out: Output, fields: dict[str, object]) -> None:
    """Say which signatures a draft waits for, and what to do."""
    requirements = draft.missing()
    out.result(
        {**fields, "draft": draft.name, "folder": str(draft.folder),
         "requirements": [as_fields(one) for one in requirements]},
        text=f"{draft.name}: {state(requirements)}",
    )  # fmt: skip
    if all(one.met for one in requirements):
        note(f"  publish it: hubproxy trust publish {draft.name}")
    else:
        note(f"  read it: hubproxy trust review {draft.name}")
        note(f"  sign it: hubproxy trust sign {draft.name} --key KEY, or carry {draft.folder}")


def state(requirements: "Sequence[Requirement]") -> str:
    """What a draft's signatures still lack, in one line."""
    lacking = [one for one in requirements if not one.met]
    return "; ".join(described(lacking)) or "; ".join(described(requirements))


def described(requirements: "Iterable[Requirement]") -> list[str]:
    """`root and targets signed by 1 of 2 (ada), bob or cy must sign`, one for each demand."""
    roles: dict[tuple[int, tuple[str, ...], tuple[str, ...]], dict[str, None]] = {}
    for one in requirements:
        roles.setdefault((one.threshold, one.signed, one.missing), {})[one.role] = None
    return [_described(" and ".join(names), *demand) for demand, names in roles.items()]


def _described(
    roles: str, threshold: int, signed: tuple[str, ...], missing: tuple[str, ...]
) -> str:
    from hubproxy.cli.trust.page import named

    who = f" ({', '.join(map(named, signed))})" if signed else ""
    text = f"{roles} signed by {len(signed)} of {threshold}{who}"
    if len(signed) >= threshold:
        return text
    lack = threshold - len(signed)
    names = [named(one) for one in missing] or ["nobody who is left"]
    if lack >= len(names):
        return f"{text}, {' and '.join(names)} must sign"
    which = f"{lack} of {', '.join(names)}" if lack > 1 else " or ".join(names)
    return f"{text}, {which} must sign"


def as_fields(one: "Requirement") -> dict[str, object]:
    """A requirement for programs."""
    return {
        "role": one.role,
        "version": one.version,
        "by": one.by,
        "threshold": one.threshold,
        "signed": list(one.signed),
        "missing": list(one.missing),
        "met": one.met,
    }
