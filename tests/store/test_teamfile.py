"""The file of the teams: changed whole, and read again when it has changed."""

import logging
import multiprocessing
import os
import resource
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubproxy.core.access import Team, Teams
from hubproxy.errors import ConfigError, UsageError
from hubproxy.store.teamfile import TeamFile, new_token
from tests.stores import names_in

WHEN = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "config" / "teams.toml"
ROOT = os.geteuid() == 0


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def later(self, seconds: float = 1.0) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "teams.toml"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.DEBUG, "hubproxy")
    return lambda: [record.getMessage().partition(" ")[0] for record in caplog.records]


def a_team(name: str) -> Team:
    return Team.of_token(name, f"token of {name}", WHEN)


def names(teams: Teams) -> list[str]:
    return [team.name for team in teams.teams]


def wrong(file: TeamFile) -> str:
    """What doctor would tell of it."""
    return "" if file.error is None else f"{file.error}\n{file.error.remedy}"


def test_the_example_is_good_and_has_no_teams() -> None:
    assert TeamFile(EXAMPLE).read() == Teams()


def test_what_the_example_shows_is_a_team() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    shown = [line[6:] for line in text.splitlines() if line.startswith("#     ")]
    assert names(Teams.parse("\n".join(shown))) == ["nlp"]


def test_tokens_are_long_and_no_two_are_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 46 and token.startswith("hp_") for token in tokens)
    assert all(Team.of_token("a", token, WHEN) for token in tokens)


def test_teams_come_and_go(path: Path) -> None:
    file = TeamFile(path)
    file.add(a_team("nlp"))
    file.add(a_team("vision"))
    assert names(file.read()) == ["nlp", "vision"]
    file.revoke("nlp")
    assert names(TeamFile(path).read()) == ["vision"]
    assert names_in(path.parent) == ["teams.toml"]


def test_a_new_file_can_be_read_by_the_daemon_whoever_it_runs_as(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "teams.toml"
    before = os.umask(0o077)
    try:
        TeamFile(path).add(a_team("nlp"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_a_new_file_is_of_its_folders_group(path: Path) -> None:
    os.chown(path.parent, 1234, 5678)
    TeamFile(path).add(a_team("nlp"))
    assert (path.stat().st_uid, path.stat().st_gid) == (0, 5678)


def test_the_mode_of_the_file_stays(path: Path) -> None:
    path.write_text("")
    path.chmod(0o604)
    TeamFile(path).add(a_team("nlp"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_the_owner_of_the_file_stays(path: Path) -> None:
    path.write_text("")
    os.chown(path, 1234, 5678)
    TeamFile(path).add(a_team("nlp"))
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


def test_comments_on_top_stay(path: Path) -> None:
    path.write_bytes(EXAMPLE.read_bytes())
    file = TeamFile(path)
    file.add(a_team("nlp"))
    file.revoke("nlp")
    assert path.read_bytes() == EXAMPLE.read_bytes()


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    real, link = tmp_path / "real.toml", tmp_path / "etc" / "teams.toml"
    real.write_text("")
    link.symlink_to("../real.toml")
    TeamFile(link).add(a_team("nlp"))
    assert link.is_symlink()
    assert names(TeamFile(real).read()) == ["nlp"]
    assert names_in(tmp_path / "etc") == ["teams.toml"]


def test_a_change_that_makes_no_sense_changes_nothing(path: Path) -> None:
    file = TeamFile(path)
    file.add(a_team("nlp"))
    before = path.stat().st_mtime_ns, path.stat().st_ino
    with pytest.raises(
        UsageError, match=r"there is a team 'nlp' already in .*teams\.toml"
    ) as caught:
        file.add(a_team("NLP"))
    assert "hubproxy team revoke nlp" in caught.value.remedy
    with pytest.raises(UsageError, match=r"there is no team 'vision' in .*teams\.toml") as caught:
        file.revoke("vision")
    assert "hubproxy team list" in caught.value.remedy
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert names_in(path.parent) == ["teams.toml"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"[[team]\n", "teams.toml: Expected", id="not TOML"),
        pytest.param(b"[[team]]\nname = 1\n", "teams.toml: team 1 of the file", id="wrong"),
        pytest.param(b"# \xff\n", "teams.toml is not UTF-8", id="not UTF-8"),
        pytest.param(b"#" * (1024 * 1024 + 1), "larger than 1,048,576 bytes", id="too large"),
    ],
)
def test_a_file_that_is_not_good_is_not_overwritten(path: Path, content: bytes, why: str) -> None:
    path.write_bytes(content)
    file = TeamFile(path)
    for change in (file.read, lambda: file.add(a_team("a")), lambda: file.revoke("a")):
        with pytest.raises(ConfigError, match=why) as caught:
            change()
        assert "hubproxy team" in caught.value.remedy
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_and_not_waited_for(path: Path, kind: str) -> None:
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    file = TeamFile(path)
    with pytest.raises(ConfigError, match=r"cannot be read: .*teams\.toml: not a file"):
        file.read()
    with pytest.raises(ConfigError, match="not a file"):
        file.add(a_team("nlp"))
    assert file.current() == Teams()
    assert "not a file" in wrong(file)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be written: .*file/teams\.toml: ") as caught:
        TeamFile(tmp_path / "file" / "teams.toml").add(a_team("nlp"))
    assert "`access.teams`" in caught.value.remedy


def add_many(path: Path, first: str) -> None:
    file = TeamFile(path)
    for number in range(20):
        file.add(a_team(f"{first}{number}"))


def test_of_many_that_are_added_at_once_none_is_lost(path: Path) -> None:
    fresh = multiprocessing.get_context("spawn")
    children = [fresh.Process(target=add_many, args=(path, first)) for first in "abc"]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert sorted(names(TeamFile(path).read())) == sorted(
        f"{first}{number}" for first in "abc" for number in range(20)
    )


def test_a_missing_file_has_no_teams(path: Path) -> None:
    file = TeamFile(path)
    assert file.read() == file.current() == Teams()
    assert wrong(file) == ""


def test_a_change_is_seen_a_second_later(path: Path, clock: Clock) -> None:
    file, writer = TeamFile(path, clock=clock), TeamFile(path)
    assert names(file.current()) == []
    writer.add(a_team("nlp"))
    clock.later(0.9)
    assert names(file.current()) == []
    clock.later(0.1)
    assert names(file.current()) == ["nlp"]
    writer.revoke("nlp")
    clock.later()
    assert names(file.current()) == []


@pytest.mark.parametrize("change", ["in place", "in place, its time put back", "renamed"])
def test_a_change_of_the_same_size_is_seen(path: Path, clock: Clock, change: str) -> None:
    TeamFile(path).add(a_team("aaa"))
    file = TeamFile(path, clock=clock)
    assert names(file.current()) == ["aaa"]
    before = path.stat()
    text = path.read_text().replace("aaa", "bbb")
    if change.startswith("in place"):
        path.write_text(text)
        moved = 1 if change == "in place" else 0
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + moved))
        while path.stat().st_ctime_ns == before.st_ctime_ns:  # until the disk's clock has ticked
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + moved))
    else:
        other = path.with_name("other")
        other.write_text(text)
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.rename(path)
    clock.later()
    assert names(file.current()) == ["bbb"]


def test_a_file_that_did_not_change_is_not_read_again(
    path: Path, clock: Clock, told: Callable[[], list[str]]
) -> None:
    TeamFile(path).add(a_team("nlp"))
    file = TeamFile(path, clock=clock)
    first = file.current()
    for _ in range(5):
        clock.later()
        assert file.current() is first
    assert told() == ["access.teams_loaded"]


def test_a_file_that_became_bad_keeps_the_last_good_teams(
    path: Path, clock: Clock, told: Callable[[], list[str]]
) -> None:
    TeamFile(path).add(a_team("nlp"))
    good = path.read_text()
    file = TeamFile(path, clock=clock)
    file.current()

    path.write_text(good + "[[team]]\n")
    clock.later()
    assert names(file.current()) == ["nlp"]
    found = file.error
    clock.later()
    assert names(file.current()) == ["nlp"]
    assert file.error is found  # not read a second time
    assert f"{path}: team 2 of the file: " in wrong(file)
    assert "hubproxy team list" in wrong(file)
    assert told() == ["access.teams_loaded", "access.teams_rejected"]

    path.write_text(good.replace("nlp", "vision"))
    clock.later()
    assert names(file.current()) == ["vision"]
    assert wrong(file) == ""
    assert told()[2:] == ["access.teams_loaded"]


def test_a_file_that_went_away_has_no_teams_any_more(path: Path, clock: Clock) -> None:
    TeamFile(path).add(a_team("nlp"))
    file = TeamFile(path, clock=clock)
    file.current()
    path.unlink()
    clock.later()
    assert file.current() == Teams()
    assert wrong(file) == ""


def test_what_the_disk_refused_is_tried_again_and_told_once(
    tmp_path: Path, clock: Clock, told: Callable[[], list[str]]
) -> None:
    # A loop of links: nobody can read it, root neither.
    path = tmp_path / "teams.toml"
    path.symlink_to("teams.toml")
    file = TeamFile(path, clock=clock)
    for _ in range(3):
        assert file.current() == Teams()
        clock.later()
    assert "cannot be read" in wrong(file)
    assert told() == ["access.teams_rejected"]
    path.unlink()
    TeamFile(path).add(a_team("nlp"))
    clock.later()
    assert names(file.current()) == ["nlp"]


def test_a_moment_without_a_descriptor_passes(path: Path, clock: Clock) -> None:
    TeamFile(path).add(a_team("nlp"))
    file = TeamFile(path, clock=clock)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        assert file.current() == Teams()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Too many open files" in wrong(file)
    clock.later()
    assert names(file.current()) == ["nlp"]
    assert wrong(file) == ""


@pytest.mark.skipif(ROOT, reason="root may read and write everything")
def test_what_may_not_be_read_is_told_until_it_may(path: Path, clock: Clock) -> None:
    TeamFile(path).add(a_team("nlp"))
    path.chmod(0)
    file = TeamFile(path, clock=clock)
    assert file.current() == Teams()
    assert "Permission denied" in wrong(file)
    path.chmod(0o640)
    clock.later()
    assert names(file.current()) == ["nlp"]


@pytest.mark.skipif(ROOT, reason="root may read and write everything")
def test_a_folder_that_may_not_be_written_is_told(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="Permission denied") as caught:
            TeamFile(path).add(a_team("nlp"))
    finally:
        path.parent.chmod(0o700)
    assert "as root or as the file's owner" in caught.value.remedy


def test_no_log_line_holds_what_the_file_should_not(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = new_token()
    file = TeamFile(path, clock=clock)
    good = Teams((Team.of_token("nlp", token, WHEN),)).render()
    hashed = Team.of_token("nlp", token, WHEN).token_sha256
    for text in (good, good.replace(hashed, token), good.replace("token_sha256", "token")):
        path.write_text(text)
        clock.later()
        file.current()
        logged = "".join(record.getMessage() for record in caplog.records)
        for secret in (token, hashed):
            assert secret not in logged + repr(file) + wrong(file) + repr(file.error)
    assert len(caplog.records) == 3
