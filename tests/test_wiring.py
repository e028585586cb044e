import asyncio
import subprocess
import sys
import threading
from dataclasses import fields
from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.config import Config, load
from hubproxy.errors import ConfigError, DataFolderError, TrustListError
from hubproxy.wiring.stores import limits as limits_of
from tests.server.raw import descriptors
from tests.site import PYTHON, SPICE, Site


def settings(folder: Path, more: str = "", hub: str = "") -> Config:
    path = folder / "hubproxy.toml"
    path.write_text(f'data = "{folder / "data"}"\n{more}\n{hub}')
    return load(path, {})


async def test_a_daemon_that_ends_leaves_nothing_open(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        await site.approve(SPICE)
        await site.get(SPICE)
        await site.settled()
        await site.stop()
        # Connections end when their other end does.
        while any(str(site.folder) in name for name in descriptors()):
            await asyncio.sleep(0.01)
        names = {thread.name for thread in threading.enumerate()}
        assert not any(name.startswith(("sender", "audit")) for name in names)
        with wiring.open_stores(site.config):
            pass  # the folder is nobody's


async def test_a_daemon_that_cannot_begin_gives_the_folder_back(tmp_path: Path) -> None:
    config = settings(tmp_path)
    for _ in range(2):
        with pytest.raises(TrustListError, match="no trust root"):
            async with wiring.open_daemon(config):
                pass
    with wiring.open_stores(config):
        pass


async def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        with pytest.raises(DataFolderError, match="in use"):
            async with wiring.open_daemon(site.config):
                pass
        assert (await site.get("-/live")).status == 200


async def test_a_token_that_cannot_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    async with Site(tmp_path / "other") as site:
        root = wiring.places(site.config).root
        config = settings(
            tmp_path,
            f'[trust]\nroot = "{root}"\n',
            '[[hub]]\nhost = "a.example"\nurl = "https://a.example"\ntoken_file = "/nowhere"\n',
        )
        with pytest.raises(ConfigError, match=r"token of a\.example cannot be read: /nowhere"):
            async with wiring.open_daemon(config):
                pass


async def test_settings_reach_what_they_are_about(tmp_path: Path) -> None:
    limits = {"members": 7, "depth": 3, "name_bytes": 99, "unpacked": 12345, "ratio": 9}
    config = load(None, {}, {f"limits.{key}": value for key, value in limits.items()})
    found = limits_of(config)
    assert [getattr(found, one.name) for one in fields(found)] == list(limits.values())


def test_the_teams_are_where_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "teams.toml"
    file = wiring.team_file(load(None, {}, {"access.teams": str(path)}))
    assert file.path == path
    assert file.current().teams == ()


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        pytest.param("limits.members", 1, 502, id="limits"),
        pytest.param("network.offline", True, 504, id="offline"),
        pytest.param("trust.mode", "enforce", 403, id="mode"),
        pytest.param("limits.members", 20_000, 200, id="none"),
    ],
)
async def test_a_daemon_keeps_to_its_settings(
    tmp_path: Path, setting: str, value: object, status: int
) -> None:
    async with Site(tmp_path, {"trust.mode": "first-use", setting: value}) as site:
        site.put(SPICE)
        assert (await site.get(SPICE, PYTHON)).status == status


async def test_a_reload_takes_a_new_ca_and_keeps_a_good_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Site(tmp_path) as site:
        contexts = site.daemon.contexts
        assert contexts is not None
        first, old = await contexts.get("tfhub.dev"), contexts.authority
        rotated = wiring.rotate_authority(site.config, keep_previous=True)
        assert contexts.authority is old
        told = (await site.get("-/ca.pem")).body
        assert told == old.certificate_pem + rotated.certificate_pem  # so that jobs have both
        await site.daemon.reload(site.config)
        assert contexts.authority.fingerprint == rotated.fingerprint
        assert await contexts.get("tfhub.dev") is not first

        (wiring.places(site.config).ca / "ca.key").write_text("damaged")
        await site.daemon.reload(site.config)
        assert "ca.rejected" in caplog.text
        assert contexts.authority.fingerprint == rotated.fingerprint
        assert (await site.get("-/ca.pem")).body.startswith(rotated.certificate_pem)


async def test_the_token_goes_to_its_hub(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    async with Site(tmp_path / "site", {"trust.mode": "first-use"}) as site:
        await site.stop()
        toml = site.folder / "hubproxy.toml"
        toml.write_text(toml.read_text() + f'token_file = "{tmp_path / "token"}"\n')
        site.config = load(
            toml,
            {},
            {
                "server.listen": "127.0.0.1:0",
                "forward.listen": "",
                "store.free_floor": 0,
                **site.settings,
            },
        )
        await site.start()
        site.put(SPICE)
        assert (await site.get(SPICE)).status == 200
        assert site.origin.requests[-1].headers["authorization"] == "Bearer t0ken"


def test_the_daemon_never_imports_tensorflow() -> None:
    script = (
        "import sys, hubproxy.wiring, hubproxy.server.listen, hubproxy.cli.serve\n"
        "sys.exit(any(name.partition('.')[0] in ('tensorflow', 'tensorflow_hub', 'numpy') "
        "for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
