"""What a draft changes in what roles list, path by path, as values for a person to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.record import Record
from hubproxy.trust.build import Built
from hubproxy.trust.changes import Change, Put, Remove
from hubproxy.trust.contents import Contents

Kind = Literal["new", "changed", "revoked", "approved again", "removed", "revocation removed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of one role.

    Args:
        role: that lists it, or does so no longer.
        before: the record that a look-up ended in until now, in `before_role`; None for none.
        after: the record that is listed; None when the path goes.
        gone: the record that this role itself listed until now; None for none.
        then: the record that a look-up ends in from now on, in `then_role`. It is not `after`
            where another role comes first, and after a removal whatever comes next.
        new, changed, removed: files, by their paths.
        new_ops, removed_ops: kinds of op, where both records say which they have.
        unproven: what the record says on the proposer's word alone, a line each.
    """

    role: str
    path: str
    before: Record | None
    after: Record | None
    gone: Record | None = None
    then: Record | None = None
    before_role: str = ""
    then_role: str = ""
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    new_ops: tuple[str, ...] = ()
    removed_ops: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What it comes to. To take a revocation back is a kind of its own."""
        was_revoked = any(one is not None and one.status == "revoked" for one in self._earlier)
        if self.after is None:
            return "revocation removed" if was_revoked else "removed"
        if self.after.status == "revoked":
            return "revoked"
        if was_revoked:
            return "approved again"
        return "new" if self.before is None else "changed"

    @property
    def revocation(self) -> Record | None:
        """The revocation that is taken back: when and why it was made."""
        if self.after is not None and self.after.status == "revoked":
            return None
        return next((one for one in self._earlier if one and one.status == "revoked"), None)

    @property
    def status_before(self) -> str:
        """What a look-up found until now: `approved`, `revoked` or `not listed`."""
        return _status(self.before)

    @property
    def status_then(self) -> str:
        """What a look-up finds from now on."""
        return _status(self.then)

    @property
    def is_seen(self) -> bool:
        """Whether a look-up ends in what is listed."""
        return self.then_role == self.role

    @property
    def _earlier(self) -> tuple[Record | None, ...]:
        return (self.gone,) if self.after is None else (self.before, self.gone)


def entries(
    built: Built,
    changes: Sequence[Change],
    contents: Contents,
    base: Contents,
    unproven: Mapping[str, tuple[str, ...]],
) -> Iterator[Entry]:
    """What is listed anew, and what no longer, in the order of the changes.

    Args:
        contents: where the new records are.
        base: where those that they replace are.
        unproven: of new records, by their path.

    Raises:
        UsageError: a record is missing.
    """
    everywhere = contents.beside(base.elsewhere)
    for change in changes:
        if not isinstance(change, Put | Remove) or change.path == POLICY_PATH:
            continue
        after = contents.record(change.digest) if isinstance(change, Put) else None
        found = None if built.base is None else built.base.find(change.path)
        then = built.find(change.path)
        yield _compared(
            Entry(
                role=change.role,
                path=change.path,
                before=None if found is None else base.record(digest_of(found[1])),
                after=after,
                gone=_gone(built, change, base),
                then=None if then is None else everywhere.record(digest_of(then[1])),
                before_role="" if found is None else found[0],
                then_role="" if then is None else then[0],
                unproven=unproven.get(change.path, ()),
            )
        )


def earlier_targets(built: Built, change: Put | Remove) -> Iterator[TargetFile]:
    """What the roles in force list under a path, as far as a review of the change tells of it.

    Raises:
        TrustListError: HP-T09 one of these roles does not verify.
    """
    assert built.base is not None
    for name in asked(built, change):
        target = built.base.role(name).signed.targets.get(change.path)
        if target is not None:
            yield target


def asked(built: Built, change: Put | Remove) -> tuple[str, ...]:
    """The roles in force that a look-up asks before or after a change, and the change's own."""
    base = built.base
    assert base is not None
    names = dict.fromkeys((*base.covering(change.path), *built.covering(change.path), change.role))
    return tuple(name for name in names if base.lists(name))


def digest_of(target: TargetFile | None) -> str:
    """`sha256:<hex>` of what a role names; empty for nothing."""
    return "" if target is None else f"sha256:{target.hashes['sha256']}"


def _gone(built: Built, change: Put | Remove, base: Contents) -> Record | None:
    if built.base is None or not built.base.lists(change.role):
        return None
    target = built.base.role(change.role).signed.targets.get(change.path)
    return None if target is None else base.record(digest_of(target))


def _compared(entry: Entry) -> Entry:
    """The same, with what differs in it."""
    before, after = entry.before, entry.after
    old = {} if before is None else {one.path: one.sha256 for one in before.files}
    new = {} if after is None else {one.path: one.sha256 for one in after.files}
    old_ops, new_ops = _ops(before), _ops(after)
    known = old_ops is not None and new_ops is not None
    return replace(
        entry,
        new=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
        new_ops=tuple(sorted((new_ops or set()) - (old_ops or set()))) if known else (),
        removed_ops=tuple(sorted((old_ops or set()) - (new_ops or set()))) if known else (),
    )


def _ops(record: Record | None) -> set[str] | None:
    """The kinds of op of a record; of none, none; None where nobody has looked."""
    if record is None:
        return set()
    return None if record.ops is msgspec.UNSET else set(record.ops)


def _status(record: Record | None) -> str:
    return "not listed" if record is None else record.status
