import signal

import pytest

from tests.cli.place import SPICE, Place, fetch


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
async def test_it_serves_until_it_is_told_to_end(place: Place, number: signal.Signals) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    async with place.serving() as (url, process):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
        process.send_signal(number)
        assert await process.wait() == 0
        assert process.stderr is not None
        errors = await process.stderr.read()
    assert b"Traceback" not in errors
    assert b"listening" not in errors  # it is a result, and stands on standard output


async def test_hang_up_reads_the_list_again(place: Place) -> None:
    await place.begin()
    place.settings.write_text(place.settings.read_text().replace("= 0.1", "= 60"))
    async with place.serving() as (url, process):
        await place.good("trust", "approve", SPICE)
        assert (await fetch(f"{url}/{SPICE}"))[0] == 403
        process.send_signal(signal.SIGHUP)
        while (await fetch(f"{url}/{SPICE}"))[0] == 403:
            pass
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200


async def test_a_folder_has_one_owner(place: Place) -> None:
    await place.begin()
    async with place.serving() as (_, first):
        done = await place.run("serve")
    assert (done.status, done.out) == (1, "")
    assert (
        f"hubproxy: DATA_FOLDER: the data folder {place.data} is in use by another process "
        f"(pid {first.pid})"
    ) in done.errors
    assert "Stop that process" in done.errors


async def test_without_a_root_there_is_nothing_to_serve(place: Place) -> None:
    done = await place.run("serve")
    assert (done.status, done.out) == (1, "")
    assert f"TRUST_ROOT: there is no trust root at {place.data}/trust/root.json" in done.errors
    assert "hubproxy trust init" in done.errors


async def test_a_busy_port_is_named_with_the_setting(place: Place) -> None:
    await place.begin()
    busy = f"127.0.0.1:{place.origin.port}"
    done = await place.run("serve", "--listen", busy)
    assert (done.status, done.out) == (1, "")
    assert f"CONFIG: cannot listen on {busy}: " in done.errors
    assert "server.listen" in done.errors


async def test_flags_change_what_the_file_says(place: Place) -> None:
    await place.begin()
    async with place.serving("--mode", "first-use") as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 200
    async with place.serving("--mode", "first-use", "--offline") as (url, _):
        code, reason, _ = await fetch(f"{url}/tfhub.dev/google/nnlm/1")
        assert (code, "NOT_MIRRORED" in reason) == (504, True)


async def test_a_list_that_cannot_be_read_is_told_at_once(place: Place) -> None:
    await place.begin()
    (place.data / "trust" / "repo" / "metadata" / "timestamp.json").unlink()
    async with place.serving() as (url, process):
        assert (await fetch(f"{url}/-/ready"))[0] == 503
        process.terminate()
        await process.wait()
        assert process.stderr is not None
        assert b"hubproxy: TRUST_UNREACHABLE: " in await process.stderr.read()
