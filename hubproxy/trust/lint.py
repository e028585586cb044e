"""What is wrong, or soon will be, with a list that verifies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Literal

from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.policy import POLICY_PATH
from hubproxy.core.trustlist import TOP
from hubproxy.errors import HubproxyError
from hubproxy.trust.inforce import InForce, covers
from hubproxy.trust.patterns import overlap, pattern_fault
from hubproxy.trust.thresholds import (
    Delegator,
    has_own_id,
    identity,
    keys_of,
    name_of,
    role_of,
)

Level = Literal["error", "warning"]
_ONLINE = ("snapshot", "timestamp")
_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: how bad, what, and the command that mends it."""

    level: Level
    what: str
    remedy: str


def lint(held: InForce, at: datetime) -> tuple[Finding, ...]:
    """Every finding, errors first. `at` is now, timezone-aware UTC.

    What cannot be signed at all, such as a float, is found before: `InForce` refuses it by name.
    """
    found = [*_keys(held), *_patterns(held), *_overlaps(held), *_expiries(held, at)]
    for name in (TOP, *held.delegated):
        try:
            targets = held.role(name).signed.targets
        except HubproxyError as error:
            found.append(Finding("error", str(error), error.remedy))
        else:
            found += _entries(held, name, targets)
    return tuple(sorted(found, key=lambda one: one.level != "error"))


def _delegators(held: InForce) -> Iterator[tuple[str, Delegator]]:
    for name in ("root", TOP, *_ONLINE):
        yield name, held.root.signed
    for name in held.delegated:
        yield name, held.targets.signed


def _keys(held: InForce) -> Iterator[Finding]:
    """Thresholds that cannot be met, and public keys that stand where they must not."""
    online = {identity(key): role for role in _ONLINE for key in keys_of(held.root.signed, role)}
    for name, delegator in _delegators(held):
        keys, needed = keys_of(delegator, name), role_of(delegator, name).threshold
        distinct = {identity(key) for key in keys}
        if needed > len(distinct):
            yield Finding(
                "error",
                f"{name} needs {needed} signatures and has {len(distinct)} keys: nobody can "
                "change it any more once it has expired",
                _threshold(name, len(distinct)),
            )
        if name in ("root", TOP) and needed == 1 < len(distinct):
            yield Finding(
                "warning",
                f"one of the {len(distinct)} officers alone can sign {name}: who takes one key "
                "can list modules",
                _threshold(name, len(distinct) // 2 + 1),
            )
        for one, other in combinations(keys, 2):
            if identity(one) == identity(other):
                yield Finding(
                    "error",
                    f"{name_of(one)} and {name_of(other)} have the same public key in {name}: "
                    "one person counts as two to other readers of the list",
                    _rotation(name, name_of(other)),
                )
        for key in keys:
            if not has_own_id(key):
                yield Finding(
                    "error",
                    f"the key of {name_of(key)} in {name} goes by the id {key.keyid[:16]}, which "
                    "is not its own: roles name keys by id alone",
                    _rotation(name, name_of(key)),
                )
            if name not in _ONLINE and identity(key) in online:
                yield Finding(
                    "error",
                    f"the key of {name_of(key)} in {name} is the online key of "
                    f"{online[identity(key)]}: who takes the server can list modules",
                    "hubproxy trust rotate online",
                )


def _rotation(role: str, holder: str) -> str:
    if role in ("root", TOP):
        return f"hubproxy trust rotate officer {holder} --new KEY"
    if role in _ONLINE:
        return "hubproxy trust rotate online"
    return f"hubproxy trust rotate team {role} --new {holder}=KEY"


def _threshold(role: str, number: int) -> str:
    of = "" if role in ("root", TOP) else f" --role {role}"
    return f"hubproxy trust threshold {number}{of}"


def _patterns(held: InForce) -> Iterator[Finding]:
    for name, role in held.delegated.items():
        remedy = f"hubproxy trust delegate {name} --path PATTERN"
        for pattern in role.paths or ():
            if fault := pattern_fault(pattern):
                yield Finding(
                    "error", f"the pattern {pattern!r} of the team {name} {fault}", remedy
                )
            elif set(pattern.split("/")[1:-2]) == {"*"}:
                yield Finding(
                    "warning",
                    f"the pattern {pattern} of the team {name} covers whatever anybody publishes",
                    remedy,
                )
        if not role.paths:
            yield Finding("error", f"the team {name} has no path that it may list", remedy)
        if not role.terminating:
            yield Finding(
                "warning",
                f"the delegation to the team {name} does not terminate: what it does not list, "
                "the teams after it may",
                remedy,
            )


def _overlaps(held: InForce) -> Iterator[Finding]:
    for (one, first), (other, second) in combinations(held.delegated.items(), 2):
        for mine in first.paths or ():
            for theirs in second.paths or ():
                if overlap(mine, theirs):
                    yield Finding(
                        "warning",
                        f"{mine} of the team {one} and {theirs} of the team {other} overlap: "
                        f"{one} wins, and what {other} lists there is not seen",
                        f"hubproxy trust delegate {other} --path PATTERN",
                    )


def _expiries(held: InForce, at: datetime) -> Iterator[Finding]:
    expiries = {
        "root": held.root.signed.expires,
        "snapshot": held.snapshot.signed.expires,
        "timestamp": held.timestamp.signed.expires,
    }
    for name in (TOP, *held.delegated):
        try:
            expiries[name] = held.role(name).signed.expires
        except HubproxyError:
            continue  # told elsewhere
    for name, expires in expiries.items():
        life = timedelta(days=held.days.of(name))
        remedy = "hubproxy trust renew" + ("" if name in _ONLINE else " --all")
        if at >= expires:
            yield Finding("error", f"{name} expired on {expires:%Y-%m-%d %H:%M} UTC", remedy)
        elif expires - at < max(life / 10, min(_SOON, life / 2)):
            left = (expires - at).days
            yield Finding("warning", f"{name} expires in {left} days", remedy)


def _entries(held: InForce, name: str, targets: Mapping[str, TargetFile]) -> Iterator[Finding]:
    """What a role lists in vain."""
    for path in targets if name != TOP else ():
        remedy = f"hubproxy trust remove {path} --role {name}"
        if path == POLICY_PATH or not covers(held.delegated[name], path):
            yield Finding(
                "error",
                f"{name} lists {path}, which is not among its paths: nobody sees it",
                remedy,
            )
        elif (by := _shadowing(held, name, path)) is not None:
            yield Finding(
                "warning",
                f"{name} lists {path}, but {by} comes first: its entry is not seen",
                remedy,
            )


def _shadowing(held: InForce, name: str, path: str) -> str | None:
    """The role that a look-up of the path ends in, where it is not this one."""
    if (ours := held.targets.signed.targets.get(path)) is not None:
        revoked = isinstance(ours.custom, dict) and ours.custom.get("status") == "revoked"
        return None if revoked else "the officers' entry"
    for other in held.covering(path)[1:]:
        if other == name:
            return None
        if held.delegated[other].terminating:
            return f"the team {other}"
    return None
