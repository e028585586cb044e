"""What people ask officers for: one folder for each handle.

`requests/<digest of the handle>/` has `asked.json`, which the daemon alone writes, and
`answer.json`, which officers' commands write beside it: neither can undo what the other wrote.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Lock

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask
from hubproxy.core.wanted import Answer, Wanted
from hubproxy.errors import TooManyAsksError
from hubproxy.files import make_folder, write_whole
from hubproxy.logs import event
from hubproxy.store.folder import disk_errors
from hubproxy.store.threads import in_thread

_ASKED, _ANSWER = "asked.json", "answer.json"
_LARGEST = 1024 * 1024


class RequestFolder:
    """The requests of a data folder. All methods block.

    Args:
        folder: made when the first is asked for.
        most: handles that may be asked for at a time.
        most_of_one: of these, by one caller.
        most_asks: callers that may ask for one handle.
    """

    def __init__(
        self, folder: Path, *, most: int = 1000, most_of_one: int = 100, most_asks: int = 100
    ) -> None:
        self._folder, self._most = folder, most
        self._most_of_one, self._most_asks = most_of_one, most_asks
        self._callers: dict[str, frozenset[str]] | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._index())

    def sweep(self) -> None:
        """Remove what a crash has left unfinished; for the owner of the data folder."""
        for path in self._folder.glob(f"*/.{_ASKED}.*"):
            path.unlink(missing_ok=True)

    def __contains__(self, handle: str) -> bool:
        return handle in self._index()

    def all(self) -> list[Wanted]:
        """Every handle that somebody asks for, by name; what cannot be read is told of."""
        try:
            names = [path.name for path in self._folder.iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        found = [self._read(self._folder / name) for name in names]
        return sorted((one for one in found if one is not None), key=lambda one: one.handle)

    def find(self, handle: Handle) -> Wanted | None:
        """Who asks for a handle, and what officers answered; None where nobody did either."""
        return self._read(self._place(handle))

    def ask(self, handle: Handle, ask: Ask) -> Wanted:
        """Note who wants a module, and why. On return, that survives a power cut.

        Raises:
            TooManyAsksError: too many ask already, or the caller asks for too much.
        """
        with self._lock, disk_errors():
            wanted = (self.find(handle) or Wanted(handle=str(handle))).asked(ask)
            self._check_room(wanted, ask.caller)
            path = self._place(handle)
            make_folder(path, mode=0o700)
            write_whole(path / _ASKED, msgspec.structs.replace(wanted, answer=None).encode())
            self._index()[wanted.handle] = _callers(wanted)
            return wanted

    def decline(self, handle: Handle, *, time: str, why: str) -> None:
        """Note an officer's no. On return, that survives a power cut."""
        with disk_errors():
            path = self._place(handle)
            for folder in (self._folder, path):
                _make_like(folder, folder.parent)
            answer = Answer(handle=str(handle), time=time, why=why)
            write_whole(path / _ANSWER, msgspec.json.encode(answer, order="sorted"))

    def forget(self, handle: Handle) -> None:
        """Remove what was asked and answered; fine if nothing was."""
        with self._lock, disk_errors():
            path = self._place(handle)
            # An officer's command may write an answer in there at this very moment.
            shutil.rmtree(path, ignore_errors=True)
            self._index().pop(str(handle), None)

    def _check_room(self, wanted: Wanted, caller: str) -> None:
        if self._is_much(caller):
            self._callers = None  # officers may have answered some meanwhile
        index = self._index()
        if len(wanted.asks) > self._most_asks:
            raise TooManyAsksError(
                f"{self._most_asks} others ask for {wanted.handle} already",
                remedy=f"See what becomes of it with `hubproxy request {wanted.handle}`.",
            )
        if caller in index.get(wanted.handle, ()):
            return
        if _count(index, caller) >= self._most_of_one:
            raise TooManyAsksError(
                f"{caller} asks for {self._most_of_one} modules already",
                remedy="Wait until trust officers have decided on some of them.",
            )
        if wanted.handle not in index and len(index) >= self._most:
            raise TooManyAsksError(
                f"{self._most} modules are asked for already",
                remedy="Trust officers decide on them with `hubproxy quarantine list`.",
            )

    def _is_much(self, caller: str) -> bool:
        index = self._index()
        return len(index) >= self._most or _count(index, caller) >= self._most_of_one

    def _index(self) -> dict[str, frozenset[str]]:
        """Who asks for what and was not answered, of what is on disk."""
        if self._callers is None:
            self._callers = {one.handle: _callers(one) for one in self.all() if one.open}
        return self._callers

    def _place(self, handle: Handle) -> Path:
        return self._folder / hashlib.sha256(str(handle).encode()).hexdigest()[:32]

    def _read(self, path: Path) -> Wanted | None:
        try:
            asked = _content(path / _ASKED)
            wanted = Wanted.decode(asked) if asked is not None else None
            said = _content(path / _ANSWER)
            answer = msgspec.json.decode(said, type=Answer) if said is not None else None
        except (OSError, ValueError) as error:
            event("requests.unreadable", level=logging.WARNING, path=path, reason=error)
            return None
        if answer is None:
            return wanted
        return msgspec.structs.replace(wanted or Wanted(handle=answer.handle), answer=answer)


class Requests:
    """The same, as the daemon asks: none of its methods blocks the loop."""

    def __init__(self, folder: RequestFolder) -> None:
        self._requests = folder

    async def find(self, handle: Handle) -> Wanted | None:
        return await in_thread(partial(self._requests.find, handle))

    async def ask(self, handle: Handle, ask: Ask) -> Wanted:
        wanted = await in_thread(partial(self._requests.ask, handle, ask))
        event("requests.asked", handle=handle, caller=ask.caller)
        return wanted

    async def listed(self, exact: Handle) -> None:
        """Forget what is asked for: officers have listed it."""
        for handle in (exact, exact.unversioned):
            if str(handle) in self._requests:
                await in_thread(partial(self._requests.forget, handle))
                event("requests.listed", handle=handle)


def _callers(wanted: Wanted) -> frozenset[str]:
    return frozenset(ask.caller for ask in wanted.open)


def _count(index: Mapping[str, frozenset[str]], caller: str) -> int:
    return sum(caller in names for names in index.values())


def _make_like(path: Path, above: Path) -> None:
    """Make a folder that belongs to whom the one above belongs: a command may be root's."""
    if path.is_dir():
        return
    make_folder(path, mode=0o700)
    owner = above.stat()
    if owner.st_uid != os.geteuid():
        os.chown(path, owner.st_uid, owner.st_gid)


def _content(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is larger than any request")
        return path.read_bytes()
    except FileNotFoundError:
        return None
