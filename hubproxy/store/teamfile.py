"""The file of the teams: changed by people at a terminal, read again by the daemon.

It is no part of the data folder: a cluster admin may write it by hand, or have it laid down by
what manages the host's settings.
"""

import errno
import fcntl
import logging
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from hubproxy.core.access import Team, Teams, leading_comments
from hubproxy.errors import ConfigError, UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.logs import event

_LARGEST_FILE = 1024 * 1024
# For the daemon, whoever it runs as: the hashes of 256 random bits tell nobody anything.
_MODE = 0o644
_LOOK_EVERY = 1.0
_MEND = "Mend it, or put the file back from a copy: `hubproxy team list` says whether it is good."

_Seen = tuple[int, ...]


def new_token() -> str:
    """A token that nobody guesses: 256 random bits, safe in a URL and in a header."""
    return "hp_" + secrets.token_urlsafe(32)


class TeamFile:
    """The teams in one file.

    `current` is for the daemon: it never raises and looks at the disk once a second at most.
    `read`, `add` and `revoke` are for commands. `error` is what `current` last found wrong.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = monotonic) -> None:
        self.path = path
        self.error: ConfigError | None = None
        self._clock = clock
        self._teams = Teams()
        self._seen: _Seen | None = None
        self._look_at = float("-inf")

    def current(self) -> Teams:
        """The teams as the file has them, or had them while it was last good.

        A file that is not there has no teams. One small file is read, and only when it has
        changed, so this is done where it is asked for and not in a thread.
        """
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._look()
        return self._teams

    def read(self) -> Teams:
        """The teams as the file has them now; none where there is no file.

        Raises:
            ConfigError: it cannot be read, or is no list of teams.
        """
        return _parse(self.path, _read(self.path))

    def add(self, team: Team) -> None:
        """Write one more team.

        Raises:
            UsageError: there is a team of that name.
            ConfigError: the file cannot be read or written; it is as it was.
        """
        with self._changing() as (teams, write):
            try:
                more = teams.with_team(team)
            except ValueError as error:
                there = teams.find(team.name) or team
                raise UsageError(
                    f"{error} in {self.path}",
                    remedy=f"For a new token, run `hubproxy team revoke {there.name}` first.",
                ) from None
            write(more)

    def revoke(self, name: str) -> None:
        """Write the file without a team: its token is refused a second later.

        Raises:
            UsageError: there is no team of that name.
            ConfigError: the file cannot be read or written; it is as it was.
        """
        with self._changing() as (teams, write):
            try:
                fewer = teams.without(name)
            except ValueError as error:
                raise UsageError(
                    f"{error} in {self.path}", remedy="`hubproxy team list` names those there are."
                ) from None
            write(fewer)

    def _look(self) -> None:
        seen: _Seen | None
        try:
            found = self.path.stat()
            # The time of the last change of owner or mode too: they decide what can be read.
            seen = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        except FileNotFoundError:
            seen = ()
        except OSError as error:
            seen = (error.errno or 0,)
        if seen == self._seen:
            return
        try:
            self._teams = self.read()
        except ConfigError as error:
            if str(error) != str(self.error):
                event("access.teams_rejected", logging.ERROR, path=self.path, error=error)
            self.error = ConfigError(str(error), remedy=error.remedy)
            # What the disk said may be otherwise in a second; what is wrong in the file is not.
            self._seen = None if isinstance(error.__cause__, OSError) else seen
            return
        self._seen = seen
        self.error = None
        event("access.teams_loaded", path=self.path, teams=len(self._teams.teams))

    @contextmanager
    def _changing(self) -> Iterator[tuple[Teams, Callable[[Teams], None]]]:
        """The teams, and what writes others in their place, while nobody else changes them."""
        path = Path(os.path.realpath(self.path))  # a link stays one
        with _explained(self.path, "written"):
            make_folder(path.parent)
            lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with _explained(self.path, "written"):
                fcntl.flock(lock, fcntl.LOCK_EX)
            content = _read(path)

            def write(teams: Teams) -> None:
                head = leading_comments(content.decode()) if content else ""
                with _explained(self.path, "written"):
                    _write(path, teams.render(head) if head else teams.render())

            yield _parse(path, content), write
        finally:
            os.close(lock)


def _read(path: Path) -> bytes:
    """The bytes of the file; none where it is not there.

    Raises:
        ConfigError: it cannot be read, or is nothing to be read.
    """
    with _explained(path, "read"):
        try:
            # Not to wait for a writer, should it be a pipe.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "not a file")
            if found.st_size > _LARGEST_FILE:
                raise OSError(errno.EFBIG, f"larger than {_LARGEST_FILE:,} bytes")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(_LARGEST_FILE)
        finally:
            os.close(descriptor)


def _parse(path: Path, content: bytes) -> Teams:
    try:
        return Teams.parse(content.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", remedy=_MEND) from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}", remedy=_MEND) from None


def _write(path: Path, text: str) -> None:
    """Write the file as its owner would: with the owner, group and mode that it has."""
    mode, owner = _MODE, (-1, -1)
    try:
        found = path.stat()
        mode, owner = stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)
    except FileNotFoundError:
        if os.geteuid() == 0:  # whose group may look into the folder may read the file
            owner = (-1, path.parent.stat().st_gid)
    write_whole(path, text.encode(), mode=mode, owner=owner)


@contextmanager
def _explained(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the teams cannot be {done}: {path}: {error.strerror}",
            remedy="Run `hubproxy team` as root or as the file's owner, let the daemon's user "
            "read it, or set `access.teams` to another file.",
        ) from error
