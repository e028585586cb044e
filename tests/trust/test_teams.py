"""Teams' roles as a site reads them: when they are needed, and once."""

import shutil
from datetime import timedelta

from tests.trust.published import SPICE, SPICE_PATH, START, Published, make_record, serving_folder
from tests.trust.teams import HANDLE, RECORD, Teams, found_in, read_all


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


def test_what_has_not_changed_is_taken_over(published: Published, teams: Teams) -> None:
    asked: list[str] = []
    with serving_folder(published.folder, asked.append) as url:
        client = published.reader(url)
        before = read_all(client)
        teams.publish("vision", make_record("tfhub.dev/vision/resnet/2"))
        del asked[:]

        after = client.refresh()

    assert after.roles["nlp"] is before.roles["nlp"]
    assert "vision" not in after.roles
    assert not [path for path in asked if "nlp" in path]


def test_what_has_changed_is_read_again(published: Published, teams: Teams) -> None:
    client = published.reader()
    read_all(client)
    teams.publish("nlp", make_record(status="revoked"), make_record("tfhub.dev/google/spice/1"))

    assert client.refresh().missing(HANDLE) == ("nlp",)
    found = read_all(client)

    assert found.roles["nlp"].revoked == {SPICE_PATH}
    assert found.exact(HANDLE.unversioned) == HANDLE.at(1)


def test_a_role_may_delegate_to_roles_under_its_name(published: Published, teams: Teams) -> None:
    bert = make_record("tfhub.dev/google/bert/1")
    teams.delegate("nlp.bert", "tfhub.dev/google/bert/*/*", above="nlp")
    teams.publish("nlp.bert", bert)
    client = published.reader()

    found = read_all(client, bert.exact)

    assert found_in(found, bert.handle) == "nlp.bert"
    assert set(client.refresh().roles) == {"targets", "nlp", "nlp.bert"}


def test_files_of_roles_go_when_the_list_names_them_no_longer(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    read_all(client)
    kept = published.place / "state" / "roles"
    (before,) = kept.iterdir()
    (kept / f".{before.name}.0123456789abcdef").write_bytes(b"left by a crash")
    client.refresh()
    assert list(kept.iterdir()) == [before]
    teams.publish("nlp", make_record("tfhub.dev/google/spice/3"))

    client.refresh()
    assert list(kept.iterdir()) == []

    read_all(client)
    (after,) = kept.iterdir()
    assert after.name != before.name


def test_a_kept_file_that_was_damaged_is_read_from_the_source(
    published: Published, teams: Teams
) -> None:
    found = read_all(published.reader())
    (kept,) = (published.place / "state" / "roles").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"spice", b"slice"))

    restarted = published.reader()
    assert restarted.load_role(restarted.cached(), "nlp") == found
    assert b"slice" not in kept.read_bytes()


def test_a_role_that_cannot_be_kept_is_used_all_the_same(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    client.refresh()
    (published.place / "state" / "roles").write_text("a file where the folder should be")

    assert found_in(read_all(client), SPICE) == "nlp"


def test_an_expired_role_is_read_and_says_so(published: Published, teams: Teams) -> None:
    role = teams.load("nlp")
    role.signed.expires = START - timedelta(days=1)
    teams.change("nlp", role, *teams.keys["nlp"])

    listed = read_all(published.reader()).find(HANDLE, ("saved_model",))

    assert listed is not None
    assert listed.expires == START - timedelta(days=1)
