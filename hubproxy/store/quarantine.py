"""What waits for officers: modules that were fetched and are held, each in a folder of its own.

`quarantine/Q17/` has `held.json` and `archive.tar`. It appears whole, by a rename, so commands look
at it, and drop it, beside a daemon that owns the data folder. They note the draft that would
release it in `draft`, apart from what the daemon writes. Nothing is ever served from here.
"""

import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec

from hubproxy.core.finding import Finding
from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask, HeldModule, is_number
from hubproxy.core.record import LARGEST_RECORD, Record
from hubproxy.errors import StorageFullError, UsageError
from hubproxy.files import fsync_folder, make_folder, write_whole
from hubproxy.logs import event
from hubproxy.store.discovery import Discovery
from hubproxy.store.folder import Part, disk_errors
from hubproxy.store.requests import Requests
from hubproxy.store.threads import in_thread

HELD, ARCHIVE, _DRAFT = "held.json", "archive.tar", "draft"
_LAST = "last"
_MOST_ASKS = 20
_LARGEST = LARGEST_RECORD + 1024 * 1024


class HeldModules:
    """The modules of a quarantine folder. All methods block.

    Args:
        folder: made when the first module is held.
        most: modules that may wait at a time.
        most_bytes: bytes that they may have, all together.
    """

    def __init__(self, folder: Path, *, most: int = 1000, most_bytes: int = 2**62) -> None:
        self._folder, self._most, self._most_bytes = folder, most, most_bytes
        self._numbers: dict[str, str] | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._index())

    def sweep(self) -> None:
        """Remove what a crash has left unfinished; for the owner of the data folder."""
        for path in self._folder.glob(".Q*"):
            shutil.rmtree(path)
        for path in self._folder.glob(f"Q*/.{HELD}.*"):
            path.unlink(missing_ok=True)

    def all(self) -> list[HeldModule]:
        """Every module that waits, the oldest first; what cannot be read is told and left out."""
        found = [self._read(number) for number in self._listed()]
        return [held for held in found if held is not None]

    def find(self, exact: Handle) -> HeldModule | None:
        """The module that waits under a handle."""
        number = self._index().get(str(exact))
        held = self._read(number) if number else None
        if number and held is None:
            self._index().pop(str(exact), None)  # a command has dropped it
        return held

    def get(self, number: str) -> HeldModule:
        """The module of a number, such as `Q17`.

        Raises:
            UsageError: there is none.
        """
        held = self._read(number) if is_number(number) else None
        if held is None:
            raise UsageError(f"{number} is not held here", remedy="See `hubproxy quarantine list`.")
        return held

    def archive(self, number: str) -> Path:
        """Where the archive of a held module lies."""
        return self._folder / number / ARCHIVE

    def hold(self, record: Record, findings: Iterable[Finding], part: Part, ask: Ask) -> HeldModule:
        """Keep a module until somebody decides. On return, that survives a power cut.

        One that is held already under its handle stays as it is.

        Args:
            part: its archive; taken.

        Raises:
            StorageFullError: too many wait already, or too many bytes.
        """
        with self._lock, disk_errors():
            there = self.find(record.exact)
            if there is not None:
                return there
            self._check_room(record)
            number = self._next()
            held = HeldModule(
                number=number, since=ask.time, record=record, findings=tuple(findings), asks=(ask,)
            )
            unfinished = self._folder / f".{number}"
            try:
                make_folder(unfinished, mode=0o700)
                part.become(unfinished / ARCHIVE)
                write_whole(unfinished / HELD, held.encode())
                unfinished.rename(self._folder / number)
                fsync_folder(self._folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                self._numbers = None  # it may have its name, and not have been flushed
                raise
            self._index()[record.handle] = number
            return held

    def update(self, held: HeldModule) -> None:
        """Write what is known of a held module anew; the note of its draft stands apart."""
        with disk_errors():
            write_whole(self._folder / held.number / HELD, held.encode())

    def drafted(self, number: str, draft: str) -> None:
        """Note the draft that would release a held module; fine if it has gone."""
        with disk_errors(), suppress(FileNotFoundError):
            write_whole(self._folder / number / _DRAFT, f"{draft}\n".encode())

    def asked(self, held: HeldModule, ask: Ask) -> HeldModule:
        """Note who wants a held module; of each caller, the last reason that he gave."""
        known = {one.caller: one for one in held.asks}
        before = known.get(ask.caller)
        if before is not None and (not ask.why or before.why == ask.why):
            return held
        if before is None and len(known) >= _MOST_ASKS:
            return held
        known[ask.caller] = ask
        held = msgspec.structs.replace(held, asks=tuple(known.values()))
        self.update(held)
        return held

    def drop(self, number: str) -> None:
        """Remove a held module; fine if it has gone."""
        with self._lock, disk_errors():
            path, away = self._folder / number, self._folder / f".{number}.dropped"
            if not path.is_dir():
                return
            path.rename(away)
            fsync_folder(self._folder)
            shutil.rmtree(away)
            self._numbers = None

    def _check_room(self, record: Record) -> None:
        waiting = self.all()
        size = sum(held.record.archive.size for held in waiting) + record.archive.size
        if len(waiting) >= self._most or size > self._most_bytes:
            raise StorageFullError(
                f"the quarantine is full: {len(waiting)} modules wait for officers",
                remedy="Officers decide on them with `hubproxy quarantine list`; "
                "`store.quarantine` says how much may wait.",
            )

    def _next(self) -> str:
        """A number that was never given; it stays taken whatever becomes of the module."""
        make_folder(self._folder, mode=0o700)
        path = self._folder / _LAST
        last = path.read_text().strip() if path.exists() else "0"
        numbers = [int(number[1:]) for number in self._listed()]
        number = max([*numbers, int(last) if last.isdigit() else 0]) + 1
        write_whole(path, f"{number}\n".encode())
        return f"Q{number}"

    def _index(self) -> dict[str, str]:
        if self._numbers is None:
            self._numbers = {held.record.handle: held.number for held in self.all()}
        return self._numbers

    def _listed(self) -> list[str]:
        try:
            names = [path.name for path in self._folder.iterdir() if is_number(path.name)]
        except FileNotFoundError:
            return []
        return sorted(names, key=lambda name: int(name[1:]))

    def _read(self, number: str) -> HeldModule | None:
        return read_held(self._folder / number)


class Quarantine:
    """The held modules, as the daemon asks for them: none of its methods blocks the loop.

    Args:
        requests: what people ask for, to be forgotten when it is released.
    """

    def __init__(self, held: HeldModules, requests: Requests) -> None:
        self._held, self._requests = held, requests

    def __len__(self) -> int:
        return len(self._held)

    async def find(self, exact: Handle) -> HeldModule | None:
        return await in_thread(lambda: self._held.find(exact))

    async def hold(
        self, discovery: Discovery, record: Record, findings: Sequence[Finding], ask: Ask
    ) -> HeldModule:
        held = await in_thread(lambda: self._held.hold(record, findings, discovery.part, ask))
        event("quarantine.held", handle=record.handle, number=held.number)
        return held

    async def asked(self, held: HeldModule, ask: Ask) -> HeldModule:
        return await in_thread(lambda: self._held.asked(held, ask))

    async def released(self, exact: Handle) -> None:
        await self._requests.listed(exact)
        held = await self.find(exact) if len(self._held) else None
        if held is not None:
            await in_thread(lambda: self._held.drop(held.number))
            event("quarantine.released", handle=exact, number=held.number)


def read_held(folder: Path) -> HeldModule | None:
    """A held module by its folder; None when it is not there, or cannot be read."""
    path = folder / HELD
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is larger than any record")
        held = HeldModule.decode(path.read_bytes())
        return msgspec.structs.replace(held, draft=_draft(folder))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        event("quarantine.unreadable", level=logging.WARNING, path=path, reason=error)
        return None


def _draft(folder: Path) -> str:
    try:
        with (folder / _DRAFT).open(encoding="ascii", errors="replace") as file:
            name = file.read(20).strip()
    except FileNotFoundError:
        return ""
    return name if name.isalnum() else ""
