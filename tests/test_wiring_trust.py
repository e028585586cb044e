"""Commands that read the list beside a daemon, as root perhaps, leave the daemon's memory alone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.config import Config
from hubproxy.core.handle import Handle
from hubproxy.errors import TrustListError
from tests.site import SPICE, Site


def everything(config: Config) -> object:
    return list(wiring.lookup(config).everything())


def report(config: Config) -> object:
    return wiring.recalls(config, told=lambda _: None).report(Handle.parse(SPICE))


COMMANDS = [
    pytest.param(everything, id="verify-dir"),
    pytest.param(report, id="recall report"),
    pytest.param(lambda config: wiring.explained(config, Handle.parse(SPICE)), id="trust show"),
    pytest.param(lambda config: wiring.whole_list(wiring.trust_client(config)), id="trust list"),
    pytest.param(wiring.wanted_fields, id="trust card edit"),
    pytest.param(lambda config: list(wiring.listed_modules(config)), id="bom export"),
    pytest.param(wiring.list_at_hand, id="policy show"),
]


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its inode and when it was changed."""
    found = {}
    for path in folder.rglob("*"):
        facts = path.lstat()
        found[str(path)] = (facts.st_ino, facts.st_mtime_ns)
    return found


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_leaves_nothing_in_the_state_of_the_daemon(
    tmp_path: Path, command: Callable[[Config], object]
) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        state = wiring.places(site.config).trust_state
        before = tree(state)
        site.list.renew(online=site.online)

        command(site.config)

        assert tree(state) == before
        shutil.rmtree(state)
        command(site.config)
        assert not state.exists()


async def test_row_4_what_the_daemon_has_seen_holds_for_commands_too(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        where = wiring.places(site.config)
        shutil.copytree(where.repository, tmp_path / "older")
        await site.revoke(record, reason="leaks")
        shutil.rmtree(where.repository)
        (tmp_path / "older").rename(where.repository)

        for _ in ("by the state", "by the audit log"):
            with pytest.raises(TrustListError, match="went backwards") as told:
                wiring.lookup(site.config)
            assert told.value.code == "HP-T08"
            shutil.rmtree(where.trust_state, ignore_errors=True)


async def test_row_4_an_old_list_that_is_refused_is_not_published(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        where = wiring.places(site.config)
        shutil.copytree(where.repository, tmp_path / "older")
        await site.revoke(record, reason="leaks")
        await site.stop()
        shutil.rmtree(where.repository)
        shutil.rmtree(where.trust_state)
        (tmp_path / "older").rename(where.repository)
        await site.start()

        assert site.daemon.trust.error is not None
        assert site.daemon.trust.error.code == "HP-T08"
        assert (await site.get("-/trust/metadata/timestamp.json")).status != 200
        assert not (where.trust_state / "current").exists()
