"""From signed roles to the files of a published folder, in the order in which they are written.

A reader asks for the next root first and for `timestamp.json` second, and either may change
between the two. So before a new root there is a list that stands under the old root and the
new one alike: where the list in force is not, a bridge is published first, with the same
contents and the signatures of both. After the root comes the list that the draft is about, and
that one demands the new root. A crash between any two writes leaves a list that every reader
takes. The one exception is an online key that was lost: without its signature there is no
bridge, and readers keep the list that they have until the last file is there.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TOP
from hubproxy.errors import UsageError
from hubproxy.trust.applying import SPEC_VERSION
from hubproxy.trust.build import Built
from hubproxy.trust.inforce import InForce
from hubproxy.trust.lifetimes import Lifetimes, own_contents
from hubproxy.trust.signing import meta_file, sign_online, to_file
from hubproxy.trust.thresholds import AnyFile, check_signed

_TIMESTAMP = "timestamp.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """What the officers' own log is told before a change is published."""

    draft: str
    """Its name; empty for a change that was signed and published at once."""
    versions: Versions
    """Of the list as it will be."""
    changes: tuple[str, ...]
    """One line each."""
    signed: tuple[str, ...]
    """`targets 5: ada, bob`, one of each new file."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Metadata files by name, in the order in which they must be written, and what it comes to."""

    files: tuple[tuple[str, bytes], ...]
    versions: Versions


class Closing:
    """The next snapshot and timestamp, as often as a change needs them.

    Args:
        ahead: by how much their numbers go up at first.
        contents: digest of what the timestamp is carried with; empty for none.
    """

    def __init__(
        self,
        held: InForce | None,
        days: Lifetimes,
        online: Sequence[Signer],
        at: datetime,
        *,
        ahead: int = 1,
        contents: str = "",
    ) -> None:
        self._days, self._online, self._at = days, online, at
        self._snapshot, self._timestamp = _first() if held is None else _copies(held)
        if held is not None:
            self._snapshot.version += ahead
            self._timestamp.version += ahead
        self._timestamp.unrecognized_fields = own_contents(contents) if contents else {}

    @property
    def versions(self) -> tuple[int, int]:
        """Of timestamp and snapshot, as they are next."""
        return self._timestamp.version, self._snapshot.version

    def over(
        self, roles: Mapping[str, tuple[Targets, bytes]], roots: Sequence[Root]
    ) -> tuple[tuple[str, bytes], ...]:
        """Both files over some roles' new files, signed as each of the roots demands.

        Raises:
            UsageError: the keys at hand do not suffice.
        """
        snapshot, timestamp = copy(self._snapshot), copy(self._timestamp)
        snapshot.meta = dict(snapshot.meta)
        for name, (role, data) in roles.items():
            snapshot.meta[f"{name}.json"] = meta_file(role, data)
        snapshot.expires = self._at + timedelta(days=self._days.snapshot)
        snapshot_file = sign_online(snapshot, roots, self._online)
        timestamp.snapshot_meta = meta_file(snapshot, snapshot_file)
        timestamp.expires = self._at + timedelta(days=self._days.timestamp)
        timestamp_file = sign_online(timestamp, roots, self._online)
        self._snapshot, self._timestamp = copy(snapshot), copy(timestamp)
        self._snapshot.version += 1
        self._timestamp.version += 1
        return ((f"{snapshot.version}.snapshot.json", snapshot_file), (_TIMESTAMP, timestamp_file))


def plan(
    held: InForce | None, built: Built, days: Lifetimes, online: Sequence[Signer], at: datetime
) -> Plan:
    """The files of a change whose signatures suffice.

    Args:
        held: the list in force; None where the change begins one.
        at: now, timezone-aware UTC.

    Raises:
        UsageError: the online keys at hand do not suffice.
    """
    closing = Closing(held, days, online, at)
    root = built.last_root.signed
    files: list[tuple[str, bytes]] = []
    if held is not None and built.root is not None and not _stands_under(held, root):
        files += _bridge(held, built, closing)
    written = {
        part.name: to_file(part.file) for part in built.parts() if part.file is not built.bridge
    }
    if built.root is not None:
        name = f"{root.version}.root.json"
        root_file = (name, written.pop(name))
        if held is not None and held.root.signed.version < root.version:
            files.append(root_file)
    files += written.items()
    timestamp, snapshot = closing.versions
    files += closing.over(dict(_roles(built, written)), [root])
    if held is None:
        files.append(root_file)  # last: without a root there is no list yet, and it may begin anew
    return Plan(
        tuple(files),
        Versions(
            root=root.version,
            timestamp=timestamp,
            snapshot=snapshot,
            targets=built.last_targets.signed.version,
        ),
    )


def signed_by(built: Built) -> tuple[str, ...]:
    """Who has signed each new file, as the officers' log is told."""
    return tuple(
        f"{one.role} {one.version}: {', '.join(one.signed)}" for one in built.requirements()
    )


def renewal(held: InForce, online: Sequence[Signer], at: datetime) -> Plan:
    """The next snapshot and timestamp over the same roles.

    Raises:
        UsageError: the keys at hand may not sign them.
    """
    return _again(held, Closing(held, held.days, online, at))


def carriage(
    held: InForce, online: Sequence[Signer], at: datetime, days: int, contents: str
) -> tuple[Plan, Plan]:
    """The next snapshot and timestamp, to be carried away; and those after them, to be published.

    No number stands for two files: a reader keeps the first that it sees of a number.

    Args:
        days: that the carried ones live.
        contents: digest of what the timestamp is carried with.

    Raises:
        UsageError: the keys at hand may not sign them.
    """
    longer = replace(held.days, snapshot=max(days, held.days.snapshot), timestamp=days)
    carried = Closing(held, longer, online, at, contents=contents)
    return _again(held, carried), _again(held, Closing(held, held.days, online, at, ahead=2))


def _again(held: InForce, closing: Closing) -> Plan:
    timestamp, snapshot = closing.versions
    files = closing.over({}, [held.root.signed])
    return Plan(files, replace(held.versions, timestamp=timestamp, snapshot=snapshot))


def _bridge(held: InForce, built: Built, closing: Closing) -> Iterator[tuple[str, bytes]]:
    """The list in force once more, as both roots demand; nothing where the old key is gone."""
    roles = {}
    files = []
    if built.bridge is not None:
        data = to_file(built.bridge)
        roles[TOP] = built.bridge.signed, data
        files.append((f"{built.bridge.signed.version}.{TOP}.json", data))
    try:
        files += closing.over(roles, [held.root.signed, built.last_root.signed])
    except UsageError:
        return iter(())
    return iter(files)


def _stands_under(held: InForce, root: Root) -> bool:
    """Whether a reader that has a new root already takes the list in force."""
    parts: tuple[tuple[str, AnyFile], ...] = (
        ("timestamp", held.timestamp),
        ("snapshot", held.snapshot),
        (TOP, held.targets),
    )
    try:
        for name, file in parts:
            check_signed(root, name, file)
    except RepositoryError:
        return False
    return True


def _roles(built: Built, files: Mapping[str, bytes]) -> Iterator[tuple[str, tuple[Targets, bytes]]]:
    if built.targets is not None:
        role = built.targets.signed
        yield TOP, (role, files[f"{role.version}.{TOP}.json"])
    for name, team in built.teams.items():
        yield name, (team.signed, files[f"{team.signed.version}.{name}.json"])


def _first() -> tuple[Snapshot, Timestamp]:
    return Snapshot(spec_version=SPEC_VERSION, meta={}), Timestamp(spec_version=SPEC_VERSION)


def _copies(held: InForce) -> tuple[Snapshot, Timestamp]:
    return copy(held.snapshot.signed), copy(held.timestamp.signed)
