"""Files appear whole: written beside their place, flushed, renamed, and the folder flushed."""

import os
from pathlib import Path
from secrets import token_hex


def write_whole(
    path: Path, content: bytes, *, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """Put `content` at `path` so that a reader, or a power cut, finds all of it or the old file.

    Args:
        mode: less what the umask takes, unless an `owner` is given.
        owner: user and group by number, -1 for what the system gives. The file has them, and
            exactly `mode`, before it has its name.

    Raises:
        OSError: nothing was changed at `path`.
    """
    part = path.with_name(f".{path.name}.{token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner is not None:
                now = os.fstat(descriptor)
                if owner not in ((now.st_uid, now.st_gid), (-1, -1)):  # some disks have no owners
                    os.fchown(descriptor, *owner)
                os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def make_folder(path: Path, *, mode: int = 0o755) -> None:
    """Make a folder and its parents so that they survive a power cut; fine if it exists."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=mode, exist_ok=True)
        fsync_folder(folder.parent)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
