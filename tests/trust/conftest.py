"""Fixtures of a trust list whose officers have delegated to two teams."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trust.published import Published, serving_folder
from tests.trust.teams import OTHER, RECORD, Teams


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


@pytest.fixture
def teams(published: Published) -> Teams:
    made = Teams(published)
    made.delegate("nlp", "tfhub.dev/google/*/*/*")
    made.publish("nlp", RECORD)
    made.delegate("vision", "tfhub.dev/vision/*/*/*")
    made.publish("vision", OTHER)
    return made


@pytest.fixture(params=["folder", "url"])
def source(
    request: pytest.FixtureRequest, published: Published, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The published folder, read as a folder and through a web server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    if request.param == "folder":
        yield str(published.folder)
    else:
        with serving_folder(published.folder) as url:
            yield url
