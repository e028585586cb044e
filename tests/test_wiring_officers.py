"""What officers' commands work on: roots, drafts, and the online keys of a host."""

from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.config import Config, load
from hubproxy.errors import HubproxyError, TrustListError
from hubproxy.trust.changes import Online, PublicKey
from hubproxy.trust.draft import Draft
from hubproxy.trust.keys import create_online_key
from hubproxy.trust.officer import Repository
from tests.trust.board import signer
from tests.trust.crashing import CrashError, CrashingWrite


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A host with a list of ada's, and its online key."""
    path = tmp_path / "hubproxy.toml"
    path.write_text(f'data = "{tmp_path / "data"}"\n')
    config = load(path, {}, {})
    where = wiring.places(config)
    online = create_online_key(where.keys / "online.pem")
    made = Repository.init(
        where.repository, officer_name="ada", officer=signer("ada"), online=online,
        clock=wiring.now,
    )  # fmt: skip
    where.root.write_bytes(made.root_file())
    return config


def rotation(config: Config) -> Draft:
    """A draft that lets a new online key sign, signed by ada."""
    made = PublicKey.of(wiring.new_online_key(config).public_key)
    changes = [Online(role="snapshot", key=made), Online(role="timestamp", key=made)]
    drafts = wiring.places(config).drafts
    draft = Draft.create(drafts, wiring.repository(config), changes)
    draft.sign(signer("ada"), wiring.held_root(config))
    return draft


def key_files(config: Config) -> list[str]:
    return sorted(path.name for path in wiring.places(config).keys.glob("*.pem"))


def test_a_lost_online_key_is_changed_also_after_a_crash(config: Config) -> None:
    """The power goes just after the new root: the old list does not stand under it."""
    where = wiring.places(config)
    (where.keys / "online.pem").unlink()
    draft = rotation(config)
    crashing = Repository(
        where.repository, clock=wiring.now, write=CrashingWrite(0, after=True),
        pinned=wiring.held_root(config),
    )  # fmt: skip
    with pytest.raises(CrashError):
        draft.publish(crashing, wiring.online_signers(config))
    repository = wiring.repository(config)
    with pytest.raises(TrustListError):
        repository.in_force()

    assert wiring.online_ids(repository) == []
    Draft.load(draft.folder).publish(repository, wiring.online_signers(config))
    assert repository.in_force().versions.root == 2


def test_retired_online_keys_go_also_when_their_removal_was_cut_short(config: Config) -> None:
    rotation(config).publish(wiring.repository(config), wiring.online_signers(config))
    waiting = wiring.new_online_key(config).public_key.keyid[:16]
    assert len(key_files(config)) == 3

    [dropped] = wiring.drop_retired_keys(config, wiring.repository(config))

    assert dropped.name == "online.pem"
    assert f"online-{waiting}.pem" in key_files(config)
    assert len(key_files(config)) == 2
    assert wiring.drop_retired_keys(config, wiring.repository(config)) == []


def test_a_root_that_is_set_and_missing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hubproxy.toml"
    path.write_text(f'data = "{tmp_path}"\n[trust]\nroot = "{tmp_path / "stick/root.json"}"\n')

    with pytest.raises(HubproxyError, match=r"the trust root .*root\.json cannot be read"):
        wiring.held_root(load(path, {}, {}))


def test_where_no_root_was_given_yet_none_is_held(tmp_path: Path) -> None:
    path = tmp_path / "hubproxy.toml"
    path.write_text(f'data = "{tmp_path}"\n')

    assert wiring.held_root(load(path, {}, {})) is None
