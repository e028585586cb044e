"""The lock: one set of modules, pinned to the bytes that they had when somebody looked at them.

It is a TOML file with a table for each module, sorted, a line for each key: so a change to the set
is a change of few lines, that a person can read. What it holds is held to everywhere: by the hook
of a job, by a daemon, by a mirror.

The archive decides. When officers approve the same bytes again, the record is another one, and the
lock goes on holding: the record's digest says who had decided on these bytes when they were locked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Format, Record
from hubproxy.core.trust import Verdict

MARK = "lock"
"""The key by which a lock is told from a mirror list."""
_HEAD = """\
# One set of modules, pinned to their bytes. `hubproxy lock` writes it, `hubproxy lock --check`
# compares it with what is approved now; do not edit it by hand.
lock = 1
"""


class Locked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One module.

    Args:
        handle: exact and canonical.
        asked: the canonical handle without a version under which it was asked for, if it was.
        format: of the module.
        record: digest of the record that was in force.
        archive: digest of the archive.
        size: bytes of the archive.
    """

    handle: str
    asked: tuple[str, ...] = ()
    format: Format
    record: str
    archive: str
    size: int

    @classmethod
    def of(cls, record: Record, asked: Iterable[Handle] = ()) -> Self:
        """The module that a record describes."""
        return cls(
            handle=record.handle,
            asked=tuple(sorted(map(str, asked))),
            format=record.format,
            record=str(record.descriptor.digest),
            archive=record.archive.digest,
            size=record.archive.size,
        )

    @property
    def exact(self) -> Handle:
        return Handle.parse(self.handle)

    def check(self) -> None:
        """See that it makes sense.

        Raises:
            ValueError: it does not.
        """
        exact = self.exact
        if str(exact) != self.handle or exact.version is None:
            raise ValueError(f"{self.handle!r} is not a canonical handle with a version")
        for text in self.asked:
            if text != str(exact.unversioned):
                raise ValueError(f"{text!r} is not {self.handle} without its version")
        Digest.parse(self.record)
        Digest.parse(self.archive)
        if self.size <= 0:
            raise ValueError(f"size {self.size}")


@dataclass(frozen=True, slots=True)
class Lock:
    """A set of modules.

    Args:
        modules: sorted by handle and format.
        said: what the file is called in refusals.
    """

    modules: tuple[Locked, ...]
    said: str = "the lock"
    _exact: Mapping[Handle, Handle] = field(init=False, repr=False, compare=False)
    _locked: Mapping[tuple[str, Format], Locked] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = {one.exact: one.exact for one in self.modules}
        exact |= {Handle.parse(text): one.exact for one in self.modules for text in one.asked}
        locked = {(one.handle, one.format): one for one in self.modules}
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "_locked", locked)

    @classmethod
    def of(cls, modules: Iterable[Locked], said: str = "the lock") -> Self:
        """A lock of some modules, in any order.

        Raises:
            ValueError: one stands there twice, or a name without a version means two versions.
        """
        found = tuple(sorted(modules, key=_key))
        keys = [_key(one) for one in found]
        if len(set(keys)) != len(keys):
            raise ValueError("a module stands there twice")
        asked: dict[str, str] = {}
        for one in found:
            for text in one.asked:
                if asked.setdefault(text, one.handle) != one.handle:
                    raise ValueError(f"{text} is to mean both {asked[text]} and {one.handle}")
        return cls(found, said)

    @classmethod
    def parse(cls, document: Mapping[str, Any], said: str) -> Self:
        """Read a file that was parsed as TOML.

        Raises:
            ValueError: it is no lock; the message names the table.
        """
        if document.get(MARK) != 1 or document.keys() - {MARK, "module"}:
            raise ValueError("it does not begin with lock = 1, or has more than [[module]]")
        tables = document.get("module", [])
        if not isinstance(tables, list):
            raise ValueError("module is no table, [[module]]")
        found = []
        for number, table in enumerate(tables, 1):
            try:
                one = msgspec.convert(table, Locked)
                one.check()
            except ValueError as error:  # msgspec.ValidationError is one
                raise ValueError(f"[[module]] {number}: {error}") from error
            found.append(one)
        return cls.of(found, said)

    def encode(self) -> str:
        """The file's text."""
        return _HEAD + "".join(map(_table, self.modules))

    def exact(self, handle: Handle) -> Handle | None:
        """The version that a handle means here; None where it is not in the lock."""
        return self._exact.get(handle)

    def judge(self, record: Record) -> Verdict | None:
        """Whether a module is the one that is locked; None stands for yes."""
        one = self._locked.get((record.handle, record.format))
        if one is None:
            return self.missing(record.exact)
        return None if one.archive == record.archive.digest else self._differs(one, record)

    def missing(self, handle: Handle) -> Verdict:
        """The refusal of a module that is not in the lock."""
        return Verdict(
            "NOT_LOCKED",
            403,
            f"{handle} is not in the lock {self.said}",
            remedy=f"Add it, and have that reviewed: `hubproxy lock -o FILE ... {handle}`.",
        )

    def _differs(self, one: Locked, record: Record) -> Verdict:
        return Verdict(
            "LOCK_DIFFERS",
            403,
            f"{one.handle} is locked to {one.archive}, and {record.archive.digest} is approved now",
            remedy="Look at what has changed, and lock it anew: `hubproxy lock`.",
        )


def _key(one: Locked) -> tuple[Handle, int]:
    return one.exact, FORMATS.index(one.format)


def _table(one: Locked) -> str:
    asked = ", ".join(f'"{text}"' for text in one.asked)
    lines = [
        "",
        "[[module]]",
        f'handle = "{one.handle}"',
        *([f"asked = [{asked}]"] if asked else []),
        f'format = "{one.format}"',
        f'record = "{one.record}"',
        f'archive = "{one.archive}"',
        f"size = {one.size}",
    ]
    return "\n".join(lines) + "\n"
