"""A draft on paper: what its signers read, one page for each record."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from hubproxy.cli.options import Output, printable
from hubproxy.core.record import Record

if TYPE_CHECKING:
    from hubproxy.core.policy import Policy
    from hubproxy.trust.review import Entry, Review, RoleReview

_MOST_FILES = 12
_ID = re.compile("^[0-9a-f]{64} ")


def print_review(review: "Review", out: Output) -> None:
    """Print what a draft would change, and who must still sign it."""
    if out.as_json:
        print(_as_json(review))
        return
    for line in _lines(review):
        print(printable(line))


def named(name: str) -> str:
    """A holder's name; of a key without one, the beginning of its id."""
    return f"key {name[:8]}" if len(name) == 64 else name


def _lines(review: "Review") -> Iterator[str]:
    from hubproxy.cli.trust.decide import described, state

    yield f"{review.name}: {_summary(review)}: {state(review.requirements)}"
    yield (
        "verified from the root that this host holds"
        if review.pinned
        else f"NOT verified from a root of yours: compare {review.fingerprint} with the others"
    )
    if review.note:
        yield f"note: {review.note}"
    yield from _roles(review.roles)
    if review.policy is not None:
        yield from _policy(*review.policy)
    for entry in review.entries:
        yield from _entry(entry)
    yield ""
    yield from described(review.requirements)


def _summary(review: "Review") -> str:
    counts = {"new": 0, "changed": 0, "revoked": 0, "removed": 0}
    for entry in review.entries:
        counts[_kind(entry)] += 1
    parts = [f"{number} {kind}" for kind, number in counts.items() if number]
    parts += ["the policy"] if review.policy is not None else []
    others = [one.role for one in review.roles if _signers_change(one)]
    if review.begins:
        return "a new list"
    parts += [f"who signs {' and '.join(others)}"] if others else []
    return ", ".join(parts) or "a longer life for " + ", ".join(one.role for one in review.roles)


def _kind(entry: "Entry") -> str:
    if entry.after is None:
        return "removed"
    if entry.after.status == "revoked":
        return "revoked"
    return "new" if entry.before is None else "changed"


def _signers_change(role: "RoleReview") -> bool:
    return any(_of_signers(role)) or role.threshold != role.was_threshold


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
        labels = ("new key", "key gone", "may list", "no longer")
        for label, texts in zip(labels, _of_signers(group[0]), strict=True):
            yield from _rows(label, map(_nameless, texts))


def _common(role: "RoleReview") -> tuple[tuple[tuple[str, ...], ...], int | None, int | None]:
    return (_of_signers(role), role.was_threshold, role.threshold)


def _role(role: "RoleReview") -> str:
    if role.threshold is None:
        return f"{role.role}: trusted no longer, and nothing that it lists"
    if role.expires is None:
        return f"{role.role}: signed unattended"
    was = f"until now {role.was_expires:%Y-%m-%d}" if role.was_expires else "new"
    return f"{role.role} version {role.version}, until {role.expires:%Y-%m-%d} ({was})"


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


def _entry(entry: "Entry") -> Iterator[str]:
    yield ""
    record = entry.after or entry.before
    assert record is not None
    yield f"{_kind(entry):<8} {record.handle}  {record.format}, listed by {entry.role}"
    if entry.after is None:
        return
    if record.status == "revoked":
        yield f"  reason     {record.reason}"
    size = f"{record.archive.size:,} bytes in {len(record.files)} files"
    before = entry.before
    if before is not None and before.archive.size != record.archive.size:
        size += f" (until now {before.archive.size:,} bytes in {len(before.files)})"
    yield f"  archive    {record.archive.digest}"
    yield f"  size       {size}"
    yield f"  origin     {record.origin.url or 'a file that was handed over'}"
    licence = _changed(record.licence, before.licence if before else None)
    yield f"  licence    {licence or 'not stated'}"
    yield f"  reviewed   {record.decided_at} by {', '.join(record.reviewers) or 'nobody yet'}"
    if record.review_by:
        yield f"  again by   {record.review_by}"
    yield from _support(record)
    yield from _rows("new file", entry.new, _MOST_FILES)
    yield from _rows("changed", entry.changed, _MOST_FILES)
    yield from _rows("removed", entry.removed, _MOST_FILES)
    yield from _rows("new op", entry.new_ops)
    yield from _rows("op gone", entry.removed_ops)
    yield from _rows("repacked", record.changes)
    yield from _rows("finding", record.findings)


def _support(record: Record) -> Iterator[str]:
    """The publisher's signature, the card and the kinds of op."""
    evidence = () if record.evidence is msgspec.UNSET else record.evidence
    for one in evidence:
        issuer = f", vouched for by {one.issuer}" if one.issuer else ""
        yield f"  signer     {one.identity} ({one.kind}{issuer}), verified {one.verified_at}"
    if not evidence:
        yield "  signer     no publisher's signature"
    if record.card is msgspec.UNSET:
        yield "  card       none"
    else:
        yield f"  card       {', '.join(record.card.fields) or 'says nothing'}"
        yield from _rows("unknown", record.card.unknown)
    if record.ops is not msgspec.UNSET:
        yield f"  ops        {len(record.ops)} kinds"


def _changed(now: str, before: str | None) -> str:
    return now if before is None or before == now else f"{before or 'not stated'} -> {now}"


def _rows(label: str, texts: Iterable[str], most: int = 1000) -> Iterator[str]:
    found = list(texts)
    for text in found[:most]:
        yield f"  {label:<10} {text}"
    if len(found) > most:
        yield f"  {'':<10} … and {len(found) - most} more"


def _as_json(review: "Review") -> str:
    return msgspec.json.encode(
        {
            "draft": review.name,
            "fingerprint": review.fingerprint,
            "pinned": review.pinned,
            "roles": review.roles,
            "policy": review.policy,
            "entries": [
                {
                    "change": _kind(entry),
                    "role": entry.role,
                    "path": entry.path,
                    "before": entry.before,
                    "after": entry.after,
                    "new": entry.new,
                    "changed": entry.changed,
                    "removed": entry.removed,
                    "new_ops": entry.new_ops,
                    "removed_ops": entry.removed_ops,
                }
                for entry in review.entries
            ],
            "requirements": review.requirements,
        }
    ).decode()
