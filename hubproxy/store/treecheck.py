"""What lies in a cache folder of tensorflow_hub: modules, locks, and what was left behind."""

import os
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from hubproxy.core.cachetree import KEY, LEFTOVER, LOCK, described, lock_owner

_LARGEST_TEXT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock of a download.

    Args:
        state: `dead` where no such process runs on this host; `alive`; or `elsewhere`, of a host
            that cannot be asked.
        owner: the host and process, as the lock names them.
        seconds: since it was written.
    """

    key: str
    path: Path
    state: str
    owner: str
    seconds: float


@dataclass(slots=True)
class Contents:
    """What was found.

    Args:
        modules: place of a module's folder -> the keys that lead to it.
        broken: keys of links that lead nowhere.
        spelled: key -> the handle as typed, where a descriptor tells it.
        leftovers: folders of downloads that nobody goes on with.
    """

    modules: dict[Path, list[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)
    locks: list[Lock] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)


def look(folder: Path) -> Contents:
    """See what lies in a cache folder; nothing in it is opened but descriptors and locks.

    Raises:
        OSError: the folder cannot be read.
    """
    found = Contents()
    unpacking: list[tuple[str, Path]] = []
    for path in sorted(folder.iterdir()):
        if KEY.fullmatch(path.name):
            if not path.is_dir():
                found.broken.append(path.name)
                continue
            found.modules.setdefault(path.resolve(), []).append(path.name)
            text = _read(folder / f"{path.name}.descriptor.txt")
            spelling = described(text, path.name)
            if spelling is not None:
                found.spelled[path.name] = spelling
        elif match := LOCK.fullmatch(path.name):
            found.locks.append(_lock(match[1], path))
        elif match := LEFTOVER.fullmatch(path.name):
            unpacking.append((match[2], path))
    going_on = {one.owner.rpartition(".")[2] for one in found.locks if one.state != "dead"}
    found.leftovers = [path for unique, path in unpacking if unique not in going_on]
    return found


def remove(path: Path) -> None:
    """Remove a lock, or a folder that was left behind."""
    if path.is_dir() and not path.is_symlink():
        moved = path.with_name(f"{path.name}.{token_hex(4)}")
        path.rename(moved)
        shutil.rmtree(moved, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _lock(key: str, path: Path) -> Lock:
    text = _read(path)
    owner = lock_owner(text)
    age = max(0.0, time.time() - path.lstat().st_mtime)
    if owner is None:
        return Lock(key, path, "elsewhere", text.strip()[:80], age)
    host, pid = owner
    if host != socket.gethostname():
        return Lock(key, path, "elsewhere", text.strip(), age)
    return Lock(key, path, "alive" if _runs(pid) else "dead", text.strip(), age)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _read(path: Path) -> str:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST_TEXT:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
