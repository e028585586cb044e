"""A draft on paper: what its signers read before the pages of its records."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from hubproxy.cli.options import Output, printable
from hubproxy.cli.trust.entrypage import MOST, entry_lines, rows

if TYPE_CHECKING:
    from hubproxy.core.policy import Policy
    from hubproxy.trust.changes import Change
    from hubproxy.trust.review import Review, RoleReview
    from hubproxy.wiring.demands import Refusals

_KINDS = ("new", "changed", "approved again", "revoked", "removed", "revocation removed")
_ID = re.compile("^[0-9a-f]{64} ")


def print_review(
    review: "Review",
    out: Output,
    fingerprint: str | None = None,
    refused: "Refusals | None" = None,
) -> None:
    """Print what a draft would change, and who must still sign it.

    Args:
        fingerprint: the list's, where it was told by another officer, and is right.
        refused: of a draft that changes the policy.
    """
    if out.as_json:
        print(_as_json(review, refused))
        return
    for line in _lines(review, fingerprint, refused):
        print(printable(line))


def title(review: "Review") -> str:
    """A draft in one line: what it changes, and who must still sign it."""
    from hubproxy.cli.trust.decide import state

    return f"{review.name}: {_summary(review)}: {state(review.requirements)}"


def named(name: str) -> str:
    """A holder's name; of a key without one, the beginning of its id."""
    return f"key {name[:8]}" if len(name) == 64 else name


def _lines(review: "Review", fingerprint: str | None, refused: "Refusals | None") -> Iterator[str]:
    from hubproxy.cli.trust.decide import described

    yield title(review)
    yield _verified(review, fingerprint)
    yield f"to be signed: {review.digest}"
    if review.note:
        yield f"note: {review.note}"
    yield from _roles(review.roles)
    if review.begins:
        yield from _lives(review.changes)
    if review.order is not None:
        before, after = map(", ".join, review.order)
        yield ""
        yield f"teams are asked in another order: {before} -> {after}"
        yield "  of two that may list a module, the first wins"
    if review.policy is not None:
        yield from _policy(*review.policy)
        yield from (f"  {line}" for line in told_refused(refused))
    for entry in review.entries:
        yield from entry_lines(entry)
    yield ""
    yield from described(review.requirements)


def _summary(review: "Review") -> str:
    counts: Counter[str] = Counter(entry.kind for entry in review.entries)
    parts = [f"{counts[kind]} {kind}" for kind in _KINDS if counts[kind]]
    parts += ["the policy"] if review.policy is not None else []
    others = [one.role for one in review.roles if _signers_change(one)]
    if review.begins:
        return "a new list"
    parts += [f"who signs {' and '.join(others)}"] if others else []
    parts += ["the order of teams"] if review.order is not None else []
    return ", ".join(parts) or "a longer life for " + ", ".join(one.role for one in review.roles)


def _verified(review: "Review", fingerprint: str | None) -> str:
    if review.pinned:
        return f"verified from the root that this host holds (fingerprint {review.fingerprint})"
    if fingerprint is not None:
        return f"verified: its first root has the fingerprint {review.fingerprint}"
    return f"NOT verified from a root of yours: compare {review.fingerprint} with the others"


def _signers_change(role: "RoleReview") -> bool:
    changed = role.threshold != role.was_threshold or _passes_on(role) is not None
    return changed or any(_of_signers(role))


def _passes_on(role: "RoleReview") -> str | None:
    """Whether a team's patterns end a look-up, where that is other than it was."""
    was, now = role.was_terminating, role.terminating
    if now is None or now == (True if was is None else was):
        return None
    return "ends a look-up" if now else "what it does not list, the teams after it may"


def _of_signers(role: "RoleReview") -> tuple[tuple[str, ...], ...]:
    return (role.new_keys, role.removed_keys, role.new_patterns, role.removed_patterns)


def _roles(roles: "Sequence[RoleReview]") -> Iterator[str]:
    """Each role; what several have in common, as root and targets do, once below them."""
    for (_, was, now), several in groupby(roles, _common):
        yield ""
        group = list(several)
        for role in group:
            yield _role(role)
        if was != now and now is not None:
            yield f"  threshold  {was or 'none'} -> {now}"
        if (passes_on := _passes_on(group[0])) is not None:
            yield f"  patterns   {passes_on}"
        labels = ("new key", "key gone", "may list", "no longer")
        for label, texts in zip(labels, _of_signers(group[0]), strict=True):
            yield from rows(label, map(_nameless, texts))


def _common(role: "RoleReview") -> tuple[tuple[tuple[str, ...], ...], int | None, int | None]:
    return (_of_signers(role), role.was_threshold, role.threshold)


def _role(role: "RoleReview") -> str:
    if role.threshold is None:
        return f"{role.role}: trusted no longer, and nothing that it lists"
    if role.expires is None:
        return f"{role.role}: signed unattended"
    was = f"until now {role.was_expires:%Y-%m-%d}" if role.was_expires else "new"
    return f"{role.role} version {role.version}, until {role.expires:%Y-%m-%d} ({was})"


def _lives(changes: "Sequence[Change]") -> Iterator[str]:
    """How long each role of a new list lasts; nobody is asked again before it has passed."""
    from hubproxy.trust.changes import Begin

    for change in changes:
        if isinstance(change, Begin):
            yield ""
            yield from (f"{role} lasts {days} days" for role, days in change.days.items())


def _nameless(text: str) -> str:
    """A key that has no holder's name, without its long id."""
    return _ID.sub("", text)


def _policy(before: "Policy", after: "Policy") -> Iterator[str]:
    yield ""
    yield "policy"
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    for name in new:
        if old.get(name) != new[name]:
            yield f"  {name:<15} {old.get(name)} -> {new[name]}"


def told_refused(refused: "Refusals | None") -> Iterator[str]:
    """What a policy would refuse of what is listed."""
    if refused is None:
        yield "what it would refuse is not counted: the list is not here"
        return
    count = f"{len(refused.modules)} of {refused.listed}"
    if not refused.modules:
        yield f"{count} listed modules would be refused"
        return
    yield f"{count} would be refused: {', '.join(path for path, _ in refused.modules[:MOST])}"
    for path, verdict in refused.modules[:MOST]:
        yield f"  {path}: {verdict.code}: {verdict.message}"
    if (more := len(refused.modules) - MOST) > 0:
        yield f"  … and {more} more"


def _as_json(review: "Review", refused: "Refusals | None") -> str:
    return msgspec.json.encode(
        {
            "draft": review.name,
            "fingerprint": review.fingerprint,
            "pinned": review.pinned,
            "digest": review.digest,
            "note": review.note,
            "changes": [str(change) for change in review.changes],
            "order": review.order,
            "refused": None if refused is None else [path for path, _ in refused.modules],
            "roles": review.roles,
            "policy": review.policy,
            "entries": [
                {
                    "change": entry.kind,
                    "role": entry.role,
                    "path": entry.path,
                    "before": entry.before,
                    "after": entry.after,
                    "new": entry.new,
                    "changed": entry.changed,
                    "removed": entry.removed,
                    "new_ops": entry.new_ops,
                    "removed_ops": entry.removed_ops,
                    "status_before": entry.status_before,
                    "status_then": entry.status_then,
                    "then_role": entry.then_role,
                    "unproven": entry.unproven,
                }
                for entry in review.entries
            ],
            "requirements": review.requirements,
        }
    ).decode()
