import signal
from collections.abc import AsyncIterator

import pytest

from tests.cli.place import Place

SIGNALS = "grep -E '^Sig(Ign|Blk)' /proc/self/status"


@pytest.fixture
async def pointed(place: Place) -> AsyncIterator[Place]:
    """A place whose daemon is found by the environment."""
    await place.begin()
    place.variables |= {"XDG_CACHE_HOME": str(place.folder / "cache"), "HOME": str(place.folder)}
    async with place.serving() as (url, _):
        place.variables["HUBPROXY_URL"] = url
        yield place


async def test_a_command_is_pointed_at_the_daemon(pointed: Place) -> None:
    done = await pointed.good(
        "run", "--", "sh", "-c", 'echo "$HTTPS_PROXY $NO_PROXY ${HUBPROXY_URL-none}" $HOME'
    )
    assert done.out.startswith("http://127.0.0.1:")
    assert done.out.endswith(f" localhost,127.0.0.1,::1 none {pointed.folder}\n")
    assert done.errors == ""


async def test_a_command_is_pointed_by_the_hook(pointed: Place) -> None:
    done = await pointed.good("run", "--way", "hook", "--", "sh", "-c", "echo $HUBPROXY_URL")
    assert done.out == f"{pointed.variables['HUBPROXY_URL']}\n"


@pytest.mark.parametrize("dashes", [["--"], []], ids=["dashes", "none"])
async def test_its_words_are_its_own(pointed: Place, dashes: list[str]) -> None:
    done = await pointed.good("run", *dashes, "printf", "%s,", "--way", "x", "--help", "--", "a b")
    assert done.out == "--way,x,--help,--,a b,"


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -15), ("kill -KILL $$", -9)],
)
async def test_its_end_is_its_own(pointed: Place, script: str, status: int) -> None:
    done = await pointed.run("run", "--", "sh", "-c", script)
    assert (done.status, done.errors) == (status, "")


async def test_it_takes_the_place_of_the_process_so_signals_reach_it(pointed: Place) -> None:
    child = await pointed.start(
        "run", "--", "sh", "-c", "trap 'echo told; exit 3' TERM; echo $$; while :; do :; done"
    )
    assert child.stdout is not None
    assert int(await child.stdout.readline()) == child.pid
    child.send_signal(signal.SIGTERM)
    out, _ = await child.communicate()
    assert (child.returncode, out) == (3, b"told\n")


async def test_it_gets_signals_as_if_a_shell_had_started_it(pointed: Place) -> None:
    """Python ignores SIGPIPE, and what is ignored stays so; `yes | head` would not end well."""
    child = await pointed.start("run", "--", "sh", "-c", SIGNALS)
    out, _ = await child.communicate()
    ignored = [int(line.split()[1], 16) for line in out.decode().splitlines()]
    assert ignored == [0, 0]


@pytest.mark.parametrize(
    ("command", "status", "told"),
    [
        pytest.param("no-such-command", 127, "no such command", id="not-found"),
        pytest.param("./nothing", 127, "No such file or directory", id="no-file"),
        pytest.param("./hubproxy.toml", 126, "Permission denied", id="not-executable"),
        pytest.param(".", 126, "Permission denied", id="folder"),
    ],
)
async def test_what_cannot_be_run_ends_as_in_a_shell(
    pointed: Place, command: str, status: int, told: str
) -> None:
    done = await pointed.run("run", "--", command)
    assert (done.status, done.out) == (status, "")
    assert done.errors == f"hubproxy: cannot run {command}: {told}\n"


async def test_without_a_daemon_it_is_not_run(place: Place) -> None:
    done = await place.run("run", "--url", "http://127.0.0.1:9", "--", "touch", "ran")
    assert done.status == 1
    assert "NO_DAEMON" in done.errors
    assert not (place.folder / "ran").exists()


async def test_there_must_be_a_command(place: Place) -> None:
    done = await place.run("run", "--url", "http://127.0.0.1:9")
    assert done.status == 2
    assert "Missing argument" in done.errors


async def test_what_stays_in_the_way_is_told_before_it_runs(pointed: Place) -> None:
    pointed.variables["TFHUB_MODEL_LOAD_FORMAT"] = "UNCOMPRESSED"
    done = await pointed.good("run", "--", "sh", "-c", "echo its own errors >&2")
    assert done.errors.splitlines()[0].startswith("hubproxy: warning: TFHUB_MODEL_LOAD_FORMAT=")
    assert done.errors.splitlines()[1:] == ["  unset TFHUB_MODEL_LOAD_FORMAT", "its own errors"]
