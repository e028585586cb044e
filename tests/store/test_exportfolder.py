"""A folder that is laid out for others to read."""

from pathlib import Path

import pytest

from hubproxy.errors import BusyError, UsageError
from hubproxy.store.exportfolder import ExportFolder
from hubproxy.store.staticsite import StaticSite


def test_only_one_writes_at_a_time(tmp_path: Path) -> None:
    export, other = ExportFolder(tmp_path / "export"), ExportFolder(tmp_path / "export")
    with export.locked():
        second = other.locked()
        with pytest.raises(BusyError, match="another process writes"):
            second.__enter__()
    with other.locked():
        pass


def test_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    export = ExportFolder(tmp_path)
    export.own.mkdir()
    (export.own / "tmp-1").mkdir()
    (export.own / "tmp-1" / "file").write_text("x")
    (export.own / "tmp-2").write_text("x")
    with export.locked():
        assert not list(export.own.glob("tmp-*"))


def test_two_modules_of_which_one_is_a_part_of_the_others_name_cannot_lie_there(
    tmp_path: Path,
) -> None:
    site = StaticSite(tmp_path / "www")
    with site.writing(update=False):
        site.link("tfhub.dev/a/1", "blobs/x")
        with pytest.raises(UsageError, match="cannot lie beside"):
            site.link("tfhub.dev/a/1/b/2", "blobs/y")
        site.link("tfhub.dev/c/1/b/2", "blobs/y")
        with pytest.raises(UsageError, match="cannot lie beside"):
            site.link("tfhub.dev/c/1", "blobs/x")
