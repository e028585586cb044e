"""What a mirror knows of upstream, from one run to the next: `mirror/state.json`.

It saves requests, and feeds the metrics. Losing it loses no module: upstream is asked again.
"""

from pathlib import Path
from typing import Literal

import msgspec

from hubproxy.core.record import Record, target_path
from hubproxy.files import make_folder, write_whole


class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Upstream's archive of one module.

    Args:
        archive: digest of the archive that was made of it.
        validator: what upstream knew its own by when the two were compared last.
        state: what came of the last run.
    """

    archive: str
    validator: str = ""
    state: str = ""


class MirrorState(msgspec.Struct, kw_only=True):
    """Of the last run, and of every module that any run has looked after.

    Args:
        synced_at: when the last run ended, UTC, RFC 3339; empty before there was one.
        counts: state -> how many modules the last run found in it.
    """

    v: Literal[1] = 1
    synced_at: str = ""
    counts: dict[str, int] = {}
    modules: dict[str, Seen] = {}

    @classmethod
    def load(cls, data: Path) -> "MirrorState":
        """Read it; a new one where there is none that can be read."""
        try:
            return msgspec.json.decode(_path(data).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return cls()

    def save(self, data: Path) -> None:
        """Keep it.

        Raises:
            OSError: it is as it was.
        """
        make_folder(_path(data).parent, mode=0o700)
        write_whole(_path(data), msgspec.json.encode(self), mode=0o600)

    def validator(self, record: Record) -> str:
        """What upstream's archive of a module was known by; empty if unknown."""
        seen = self.modules.get(_key(record))
        return seen.validator if seen and seen.archive == record.archive.digest else ""

    def remember(self, record: Record, validator: str) -> None:
        """Note what upstream's archive is known by, now that it was compared."""
        self.modules[_key(record)] = Seen(archive=record.archive.digest, validator=validator)

    def note(self, record: Record, state: str) -> None:
        """Note what came of a module."""
        seen = self.modules.get(_key(record)) or Seen(archive=record.archive.digest)
        self.modules[_key(record)] = msgspec.structs.replace(seen, state=state)


def _key(record: Record) -> str:
    return target_path(record.exact, record.format)


def _path(data: Path) -> Path:
    return data / "mirror" / "state.json"
