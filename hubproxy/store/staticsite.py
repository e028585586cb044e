"""A static mirror on disk: archives, links that lead to them, and the list beside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubproxy.core.record import Record
from hubproxy.core.staticsite import TRUST, blob, up_to
from hubproxy.errors import UsageError
from hubproxy.files import fsync_folder
from hubproxy.store.clone import take
from hubproxy.store.exportfolder import OWN, ExportFolder
from hubproxy.store.folder import disk_errors


class StaticSite:
    """A static mirror that is written. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self._export = ExportFolder(folder)
        self.folder = folder

    @contextmanager
    def writing(self, *, update: bool) -> Iterator[None]:
        """Write here alone.

        Args:
            update: whether what lies there is to be brought up to date.

        Raises:
            UsageError: something else lies there; or an export, and it is not to be updated.
            BusyError: somebody else writes here.
        """
        if self.folder.exists() and any(self.folder.iterdir()) and not self._export.is_export:
            raise UsageError(
                f"{self.folder} holds something that no export has written",
                remedy="Name a folder that is not there, or is empty.",
            )
        self._export.check_new(update=update)
        with self._export.locked():
            yield

    def archive(self, record: Record, source: Path) -> bool:
        """See that an archive is there; whether it was taken now, checked.

        Raises:
            MismatchError: the store's own copy is damaged.
        """
        place = self.folder / blob(record.archive_digest)
        with disk_errors():
            if place.exists() and place.stat().st_size == record.archive.size:
                return False
            self._export.make(place.parent)
            part = self._export.part()
            take(source, part, record, link=False, mode=0o644)
            part.chmod(0o644)
            part.rename(place)
            fsync_folder(place.parent)
        return True

    def link(self, name: str, target: str) -> None:
        """Let a name lead to a place of the site.

        Raises:
            UsageError: another module's name is a part of it, or the other way round.
        """
        place = self.folder / name
        clash = UsageError(
            f"{name} cannot lie beside another module whose name is a part of it",
            remedy="Leave one of the two out, with --list.",
        )
        with disk_errors():
            try:
                self._export.make(place.parent)
            except (FileExistsError, NotADirectoryError) as error:
                raise clash from error
        if place.is_dir() and not place.is_symlink():
            raise clash
        self._export.link(place, up_to(name, target))

    def put(self, name: str, data: bytes) -> None:
        """Write a file of the site, whole, if it is another than the one there."""
        self._export.put(self.folder / name, data)

    def prune(self, keep: set[str]) -> tuple[int, int]:
        """Remove links that are not to be kept, then archives that none leads to.

        Returns:
            How many links, and how many archives.
        """
        used, gone = set(), []
        for path in self._links():
            if str(path.relative_to(self.folder)) in keep:
                used.add(path.resolve())
            else:
                gone.append(path)
        archives = [path for path in (self.folder / "blobs").rglob("*") if path.is_file()]
        unused = [path for path in archives if path.resolve() not in used]
        with disk_errors():
            for path in (*gone, *unused):
                path.unlink()
                fsync_folder(path.parent)
        return len(gone), len(unused)

    def _links(self) -> list[Path]:
        tops = [path for path in self.folder.iterdir() if path.name not in (OWN, "blobs", "-")]
        return [path for top in tops for path in top.rglob("*") if path.is_symlink()]


def list_path(name: str) -> str:
    """Where a file of the list lies, by its published name."""
    return f"{TRUST}/{name}"
