"""The three commands that the TUF conformance suite asks for, over a real web server."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    Metadata,
    MetaFile,
    TargetFile,
)

from hubproxy.trust.inforce import Lifetimes
from tests.trust.published import Published, serving_folder
from tests.trust.teams import Teams

CENTURY = Lifetimes(root=36500, targets=36500, snapshot=36500, timestamp=36500)
CONTENT = b"the content of an artifact"
TARGET = "team/artifact.txt"


class Site:
    """A folder of a client of a published list, with the list's URL."""

    def __init__(self, published: Published, url: str, asked: list[str]) -> None:
        self.published, self._url, self.asked = published, url, asked
        self.metadata, self.targets = published.place / "metadata", published.place / "targets"
        self.metadata.mkdir()
        self.targets.mkdir()

    def run(self, *words: str | Path) -> int:
        command = [sys.executable, "-m", "tests.support.tuf_client"]
        given: list[str | Path] = ["--metadata-dir", self.metadata]
        given += ["--metadata-url", f"{self._url}/metadata"]
        given += ["--target-dir", self.targets, "--target-base-url", f"{self._url}/files"]
        done = subprocess.run(
            [*command, *given, *words],
            env={**os.environ, "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode

    def init(self) -> int:
        root = self.published.place / "initial_root.json"
        root.write_bytes(self.published.root)
        return self.run("init", root)

    def download(self, name: str = TARGET) -> int:
        return self.run("--target-name", name, "download")

    def versions(self) -> dict[str, int]:
        return {
            path.name: Metadata.from_file(str(path)).signed.version
            for path in sorted(self.metadata.glob("*.json"))
        }

    def downloaded(self) -> list[bytes]:
        return [path.read_bytes() for path in self.targets.iterdir()]


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path, CENTURY)


@pytest.fixture
def site(published: Published) -> Iterator[Site]:
    asked: list[str] = []
    with serving_folder(published.folder, asked.append) as url:
        yield Site(published, url, asked)


def put(published: Published, teams: Teams, content: bytes, *, listed: bytes = CONTENT) -> None:
    """List an artifact in the role of a team, and lay a content where it is looked for."""
    role = teams.load("team")
    role.signed.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    role.signed.targets[TARGET] = TargetFile.from_data(TARGET, listed, ["sha256"])
    teams.change("team", role, *teams.keys["team"])
    place = published.folder / "files" / "team"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{hashlib.sha256(listed).hexdigest()}.artifact.txt").write_bytes(content)


def test_a_list_is_refreshed_and_an_artifact_downloaded(published: Published, site: Site) -> None:
    teams = Teams(published)
    teams.delegate("team", "team/*")
    put(published, teams, CONTENT)

    assert site.init() == 0
    assert site.versions() == {"root.json": 1}
    assert site.run("refresh") == 0
    assert site.versions() == {
        "root.json": 1,
        "snapshot.json": 3,
        "targets.json": 2,
        "timestamp.json": 3,
    }
    assert site.download() == 0
    assert site.downloaded() == [CONTENT]
    assert site.versions()["team.json"] == 2

    for path in (published.folder / "files").rglob("*.txt"):
        path.unlink()
    assert site.download() == 0, "it was there"
    assert site.download("team/another.txt") == 1


def test_another_artifact_than_was_signed_is_not_kept(published: Published, site: Site) -> None:
    teams = Teams(published)
    teams.delegate("team", "team/*")
    put(published, teams, CONTENT[::-1])
    site.init()

    assert site.download() == 1
    assert site.downloaded() == []


def test_an_expired_list_is_refused(published: Published, site: Site) -> None:
    timestamp = published.load("timestamp.json")
    timestamp.signed.version = 2
    timestamp.signed.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    published.save("timestamp.json", timestamp, published.online)
    site.init()

    assert site.run("refresh") == 1
    assert "targets.json" not in site.versions()


def test_an_older_list_is_refused(published: Published, site: Site) -> None:
    older = (published.metadata / "timestamp.json").read_bytes()
    published.publish()
    site.init()
    assert site.run("refresh") == 0

    (published.metadata / "timestamp.json").write_bytes(older)

    assert site.run("refresh") == 1
    assert site.versions()["timestamp.json"] == 2


def test_new_roots_are_followed_one_by_one(published: Published, site: Site) -> None:
    site.init()
    for version in (2, 3):
        root = published.load(f"{version - 1}.root.json")
        root.signed.version = version
        published.save(f"{version}.root.json", root, published.officer)

    assert site.run("refresh") == 0
    assert site.versions()["root.json"] == 3

    stranger = published.load("3.root.json")
    stranger.signed.version = 4
    published.save("4.root.json", stranger, CryptoSigner.generate_ed25519())
    assert site.run("refresh") == 1
    assert site.versions()["root.json"] == 3


@pytest.mark.parametrize("name", ["?", "#", "/role", "../role"])
def test_a_role_whose_name_is_no_plain_word_is_not_asked_for(
    published: Published, site: Site, name: str
) -> None:
    teams = Teams(published)
    teams.delegate("team", "*")
    role = teams.load("targets")
    role.signed.delegations.roles = {name: role.signed.delegations.roles["team"]}
    role.signed.delegations.roles[name].name = name
    teams.change("targets", role, published.officer)
    data = (published.metadata / "1.team.json").read_bytes()
    teams.point(name, MetaFile.from_data(1, data, ["sha256"]))
    site.init()

    assert site.download("artifact.txt") == 1
    assert site.asked[-1].endswith("targets.json")
    assert len(site.versions()) == 4
