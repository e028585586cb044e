"""What people ask officers for, on disk."""

import os
from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.quarantine import Ask
from hubproxy.errors import TooManyAsksError
from hubproxy.store.requests import RequestFolder, Requests

SPICE = Handle.parse("tfhub.dev/google/spice/2")
OTHER = Handle.parse("tfhub.dev/google/other")


def ask(caller: str, why: str = "x", minute: int = 1) -> Ask:
    return Ask(caller=caller, time=f"2026-11-26T10:{minute:02}:00.000Z", why=why)


def test_what_is_asked_is_found_by_whoever_looks(tmp_path: Path) -> None:
    folder = tmp_path / "requests"
    RequestFolder(folder).ask(SPICE, ask("nlp"))
    again = RequestFolder(folder)
    assert len(again) == 1
    assert str(SPICE) in again
    assert str(OTHER) not in again
    (found,) = again.all()
    assert found == again.find(SPICE)
    assert (found.handle, found.asks, found.answer) == (str(SPICE), (ask("nlp"),), None)
    assert again.find(OTHER) is None


def test_an_answer_and_a_new_question_do_not_undo_each_other(tmp_path: Path) -> None:
    daemon, officer = RequestFolder(tmp_path), RequestFolder(tmp_path)
    daemon.ask(SPICE, ask("nlp"))
    officer.decline(SPICE, time="2026-11-26T10:02:00.000Z", why="it leaks")
    found = daemon.find(SPICE)
    assert found is not None
    assert found.open == ()
    daemon.ask(SPICE, ask("cv", minute=3))
    found = officer.find(SPICE)
    assert found is not None
    assert found.answer is not None
    assert (found.answer.why, found.open) == ("it leaks", (ask("cv", minute=3),))


def test_officers_may_decline_what_nobody_asked_for(tmp_path: Path) -> None:
    RequestFolder(tmp_path).decline(SPICE, time="2026-11-26T10:02:00.000Z", why="it leaks")
    found = RequestFolder(tmp_path).find(SPICE)
    assert found is not None
    assert found.asks == ()
    assert len(RequestFolder(tmp_path)) == 0


def test_what_is_asked_is_bounded(tmp_path: Path) -> None:
    folder = RequestFolder(tmp_path, most=2, most_of_one=1, most_asks=2)
    folder.ask(SPICE, ask("nlp"))
    with pytest.raises(TooManyAsksError, match="nlp asks for 1 modules already"):
        folder.ask(OTHER, ask("nlp"))
    folder.ask(SPICE, ask("nlp", "another reason"))
    folder.ask(SPICE, ask("cv"))
    with pytest.raises(TooManyAsksError, match="2 others ask for"):
        folder.ask(SPICE, ask("audio"))
    folder.ask(OTHER, ask("audio"))
    with pytest.raises(TooManyAsksError, match="2 modules are asked for already"):
        folder.ask(OTHER.at(7), ask("video"))
    folder.forget(SPICE)
    folder.forget(SPICE)
    folder.ask(OTHER.at(7), ask("nlp"))
    assert len(RequestFolder(tmp_path)) == 2


def test_what_officers_have_answered_counts_no_more(tmp_path: Path) -> None:
    daemon = RequestFolder(tmp_path, most_of_one=1)
    daemon.ask(SPICE, ask("nlp"))
    RequestFolder(tmp_path).decline(SPICE, time="2026-11-26T10:02:00.000Z", why="it leaks")
    daemon.ask(OTHER, ask("nlp", minute=3))
    with pytest.raises(TooManyAsksError, match="nlp asks for 1 modules already"):
        daemon.ask(SPICE, ask("nlp", minute=4))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_officer_who_is_root_does_not_shut_the_daemon_out(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 12345, 12345)
    RequestFolder(tmp_path / "data/requests").decline(
        SPICE, time="2026-11-26T10:02:00.000Z", why="x"
    )
    folders = [path for path in (tmp_path / "data").rglob("*") if path.is_dir()]
    assert [path.stat().st_uid for path in folders] == [12345, 12345]
    (answer,) = (tmp_path / "data").rglob("answer.json")
    assert answer.stat().st_mode & 0o004


@pytest.mark.parametrize("name", ["asked.json", "answer.json"])
def test_a_damaged_file_is_told_of_and_hides_no_other(tmp_path: Path, name: str) -> None:
    folder = RequestFolder(tmp_path)
    folder.ask(OTHER, ask("nlp"))
    (other,) = tmp_path.iterdir()
    folder.ask(SPICE, ask("nlp"))
    (path,) = set(tmp_path.iterdir()) - {other}
    (path / name).write_bytes(b"{")
    assert [found.handle for found in RequestFolder(tmp_path).all()] == [str(OTHER)]
    (path / name).write_bytes(b"x" * (2 << 20))
    assert RequestFolder(tmp_path).find(SPICE) is None


async def test_what_is_listed_is_asked_for_no_more(tmp_path: Path) -> None:
    folder = RequestFolder(tmp_path)
    requests = Requests(folder)
    await requests.ask(SPICE, ask("nlp"))
    await requests.ask(SPICE.unversioned, ask("nlp"))
    await requests.ask(OTHER, ask("nlp"))
    await requests.listed(SPICE)
    assert [found.handle for found in folder.all()] == [str(OTHER)]
    assert await requests.find(SPICE) is None
