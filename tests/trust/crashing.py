"""A disk that fails at one file."""

from pathlib import Path

from hubproxy.files import write_whole


class CrashError(Exception):
    pass


class CrashingWrite:
    """Writes files until the one that the power goes at, before it or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left, self.after, self.written = at, after, 0

    def __call__(self, path: Path, data: bytes) -> None:
        self.left -= 1
        if self.left < 0 and not self.after:
            raise CrashError
        write_whole(path, data)
        self.written += 1
        if self.left < 0:
            raise CrashError
