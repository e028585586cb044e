"""Teams' roles as a site reads them."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from tests.trust.published import SPICE, START, Published, make_record, serving_folder
from tests.trust.teams import Teams

HANDLE = Handle.parse(SPICE)
RECORD = make_record()


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


@pytest.fixture
def teams(published: Published) -> Teams:
    made = Teams(published)
    made.delegate("nlp", "tfhub.dev/google/*/*/*")
    made.publish("nlp", RECORD)
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


def test_a_teams_role_is_read_when_it_is_asked_for(
    published: Published, teams: Teams, source: str
) -> None:
    client = published.reader(source)

    before = client.refresh()
    assert list(before.roles) == ["targets"]
    assert before.missing(HANDLE) == ("nlp",)

    after = client.load_role(before, "nlp")
    listed = after.find(HANDLE, ("saved_model",))
    assert after.missing(HANDLE) == ()
    assert listed is not None
    assert (listed.role, listed.record) == ("nlp", RECORD.descriptor)
    assert listed.expires == START + timedelta(days=7)
    assert client.fetch_record(listed.record) == RECORD.encode()


def test_a_role_that_was_read_needs_no_source(published: Published, teams: Teams) -> None:
    client = published.reader()
    found = client.load_role(client.refresh(), "nlp")
    shutil.rmtree(published.folder)

    restarted = published.reader()
    assert restarted.load_role(restarted.cached(), "nlp") == found
