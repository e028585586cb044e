"""Each thing that the doctor looks at is broken here in its turn. The client is urllib's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.place import Done, Place
from tests.e2e.jobs import install_hook


@pytest.fixture
async def url(place: Place, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    hook = install_hook(tmp_path_factory.mktemp("hook") / "site")
    place.variables["PYTHONPATH"] = f"{hook}:{Path.cwd()}"
    await place.begin()
    async with place.serving() as (url, _):
        yield url


async def doctor(place: Place, url: str, *words: str) -> tuple[Done, dict[str, tuple[str, str]]]:
    """What it prints, and each check's state and fix; a check that stands twice by its worst."""
    done = await place.run("doctor", "--url", url, "--json", *words)
    assert done.errors == ""
    order = ("ok", "warn", "FAIL")
    found: dict[str, tuple[str, str]] = {}
    for line in done.objects:
        state, fix = line["state"], line["fix"]
        assert bool(fix) == (state != "ok"), line
        if order.index(state) >= order.index(found.get(line["check"], ("ok",))[0]):
            found[line["check"]] = (state, fix)
    assert done.status == any(state == "FAIL" for state, _ in found.values())
    return done, found


async def test_on_the_daemons_host_all_is_looked_at_and_well(place: Place, url: str) -> None:
    done, found = await doctor(place, url)
    assert {state for state, _ in found.values()} == {"ok"}, done.out
    assert (
        list(found)
        == (
            "settings daemon ready clock trust disk key ca forward reverse hook proxy environment"
        ).split()
    )
    assert done.status == 0


async def test_a_person_gets_a_line_for_each_and_its_fix_below(place: Place, url: str) -> None:
    place.variables["TFHUB_MODEL_LOAD_FORMAT"] = "UNCOMPRESSED"
    done = await place.run("doctor", "--url", url, "--way", "reverse")
    assert done.status == 1
    lines = done.out.splitlines()
    assert lines[0] == "ok    settings     those of this machine can be read"
    assert lines[-2].startswith("FAIL  environment  TFHUB_MODEL_LOAD_FORMAT=UNCOMPRESSED ")
    assert lines[-1] == "      fix: unset TFHUB_MODEL_LOAD_FORMAT"
    assert "urllib, since" in done.out


async def test_one_way_alone_can_be_asked_for(place: Place, url: str) -> None:
    _, found = await doctor(place, url, "--way", "hook")
    assert {"forward", "ca", "proxy", "reverse"} & set(found) == set()
    assert found["hook"][0] == "ok"


async def test_a_daemon_that_is_not_there_is_told_and_what_can_be_seen_is_seen(
    place: Place,
) -> None:
    done, found = await doctor(place, "http://127.0.0.1:9")
    assert "no hubproxy answers at http://127.0.0.1:9: Connection refused" in done.out
    assert found["daemon"][0] == "FAIL"
    assert "hubproxy serve" in found["daemon"][1]
    assert "reverse" not in found


async def test_settings_that_cannot_be_read_are_told(place: Place, url: str) -> None:
    place.variables["HUBPROXY_SERVER_LISTN"] = "x"
    done, found = await doctor(place, url, "--way", "reverse")
    assert found["settings"] == ("FAIL", "hubproxy config check")
    assert "did you mean" in done.out.lower() or "HUBPROXY_SERVER_LISTN" in done.out
    assert found["reverse"][0] == "ok"


async def test_a_disk_without_room_is_told(place: Place, url: str) -> None:
    place.write_settings('[store]\nfree_floor = "900TiB"')
    _, found = await doctor(place, url, "--way", "reverse")
    assert found["disk"][0] == "FAIL"
    assert found["disk"][1].startswith("df -h")


async def test_a_key_that_others_can_read_is_told(place: Place, url: str) -> None:
    await doctor(place, url, "--way", "proxy")  # the CA is there now
    (place.data / "ca" / "ca.key").chmod(0o644)
    _, found = await doctor(place, url, "--way", "reverse")
    assert found["key"][0] == "FAIL"
    assert found["key"][1].startswith(f"chmod 600 {place.data}/ca/ca.key")


async def test_a_hub_that_the_ca_does_not_know_is_told(place: Place) -> None:
    await place.begin()
    async with place.serving() as (url, _):
        await doctor(place, url, "--way", "proxy")
    more = '[[hub]]\nhost = "models.example"\nurl = "http://127.0.0.1:9"\n'
    place.settings.write_text(place.settings.read_text() + more)
    async with place.serving() as (url, _):
        done, found = await doctor(place, url, "--way", "proxy")
    assert found["ca"] == ("FAIL", "hubproxy ca rotate")
    assert "does not permit models.example" in done.out
    assert found["forward"][0] == "FAIL"


async def test_a_forward_proxy_that_is_off_is_told(place: Place) -> None:
    listen = '[forward]\nlisten = "127.0.0.1:0"'
    place.settings.write_text(place.settings.read_text().replace(listen, '[forward]\nlisten = ""'))
    await place.begin()
    async with place.serving() as (url, _):
        _, found = await doctor(place, url)
        assert found["proxy"][0] == "warn"
        _, found = await doctor(place, url, "--way", "proxy")
    assert found["proxy"][0] == "FAIL"
    assert "forward.listen" in found["proxy"][1]


async def test_a_forward_proxy_at_an_address_that_is_none_is_told(place: Place) -> None:
    text = place.settings.read_text()
    place.settings.write_text(
        text.replace("[forward]\n", '[forward]\nurl = "http://nowhere.invalid:8441"\n')
    )
    await place.begin()
    async with place.serving() as (url, _):
        _, found = await doctor(place, url, "--way", "proxy")
    assert (found["forward"][0], found["proxy"][0]) == ("FAIL", "FAIL")
    assert "forward.url" in found["forward"][1]


async def test_without_a_token_where_one_is_needed_the_fix_is_to_bring_one(place: Place) -> None:
    text = place.settings.read_text()
    place.settings.write_text(text.replace("[access]\n", '[access]\nauth = "required"\n'))
    await place.begin()
    added = await place.good("team", "add", "nlp")
    (place.folder / "token").write_text(added.out.split()[-1])
    async with place.serving() as (url, _):
        done, found = await doctor(place, url)
        assert (found["reverse"][0], found["forward"][0], found["proxy"][0]) == (
            "warn",
            "FAIL",
            "FAIL",
        )
        assert found["proxy"][1] == f"hubproxy doctor --url {url} --team NAME --token-file FILE"
        assert "407" in done.out
        team = ("--team", "nlp", "--token-file", "token")
        _, found = await doctor(place, url, "--way", "proxy", *team)
        assert {state for state, _ in found.values()} == {"ok"}


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("TFHUB_MODEL_LOAD_FORMAT", "UNCOMPRESSED", "unset TFHUB_MODEL_LOAD_FORMAT"),
        ("TFHUB_DISABLE_CERT_VALIDATION", "true", "unset TFHUB_DISABLE_CERT_VALIDATION"),
        ("NO_PROXY", "tfhub.dev,x", "export NO_PROXY=x"),
        ("HTTPS_PROXY", "http://corp:1", 'eval "$(hubproxy env --url {url})"'),
    ],
)
async def test_what_is_in_the_way_in_the_environment_fails(
    place: Place, url: str, name: str, value: str, fix: str
) -> None:
    place.variables[name] = value
    _, found = await doctor(place, url, "--way", "proxy")
    assert found["environment"] == ("FAIL", fix.format(url=url))
    assert found["proxy"][0] == "ok"  # since the variables of `hubproxy env` put it right


async def test_an_interpreter_that_is_not_there_is_told(place: Place, url: str) -> None:
    done, found = await doctor(place, url, "--python", "/nowhere/python", "--way", "reverse")
    assert found["reverse"][0] == "FAIL"
    assert "/nowhere/python cannot be run" in done.out
