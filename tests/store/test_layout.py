"""A module's files, laid out from its archive."""

from pathlib import Path

import msgspec
import pytest

from hubproxy.core.record import tree_digest
from hubproxy.errors import MismatchError
from hubproxy.store.layout import is_laid_out, lay_out
from tests.made import Made, make
from tests.stores import names_in


@pytest.fixture
def made() -> Made:
    return make(files={"saved_model.pb": b"graph", "assets/words.txt": b"words"})


@pytest.fixture
def archive(tmp_path: Path, made: Made) -> Path:
    path = tmp_path / "archive"
    path.write_bytes(made.plain)
    (tmp_path / "work").mkdir()
    return path


def test_a_module_lies_there_whole(tmp_path: Path, made: Made, archive: Path) -> None:
    place = tmp_path / "place"
    lay_out(made.record, archive, place, tmp_path / "work")
    assert (place / "assets" / "words.txt").read_bytes() == b"words"
    assert is_laid_out(made.record, place)
    assert names_in(tmp_path / "work") == []


def test_what_lay_there_is_replaced(tmp_path: Path, made: Made, archive: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "more").write_text("x")
    assert not is_laid_out(made.record, place)
    lay_out(made.record, archive, place, tmp_path / "work")
    assert names_in(place) == ["assets", "saved_model.pb"]


@pytest.mark.parametrize("name", ["../escaped", "assets/../../escaped", "/tmp/hubproxy-escaped"])
def test_no_file_leads_out_of_the_folder(
    tmp_path: Path, made: Made, archive: Path, name: str
) -> None:
    first, *others = made.record.files
    files = (msgspec.structs.replace(first, path=name), *others)
    record = msgspec.structs.replace(made.record, files=files, tree=str(tree_digest(files)))
    with pytest.raises(MismatchError, match="leads out of it"):
        lay_out(record, archive, tmp_path / "place", tmp_path / "work")
    assert names_in(tmp_path) == ["archive", "work"]
    assert names_in(tmp_path / "work") == []


def test_a_damaged_archive_leaves_what_lay_there(tmp_path: Path, made: Made, archive: Path) -> None:
    place = tmp_path / "place"
    lay_out(made.record, archive, place, tmp_path / "work")
    archive.write_bytes(made.plain.replace(b"words", b"sword"))
    with pytest.raises(MismatchError, match="as it is stored"):
        lay_out(made.record, archive, place, tmp_path / "work")
    assert (place / "assets" / "words.txt").read_bytes() == b"words"
    archive.write_bytes(made.plain[:1024])
    with pytest.raises(MismatchError):
        lay_out(made.record, archive, place, tmp_path / "work")
