import json

from tests.cli.place import Place


async def test_good_settings_are_summed_up(place: Place) -> None:
    done = await place.good("config", "check")
    assert done.out == f"the settings are good: mode enforce, hubs tfhub.dev, data {place.data}\n"


async def test_an_unknown_key_is_named_with_the_nearest_right_one(place: Place) -> None:
    place.write_settings("[server2]\n")
    place.settings.write_text('[server]\nlissten = "127.0.0.1:1"\n')
    done = await place.run("config", "check")
    assert (done.status, done.out) == (1, "")
    assert f"hubproxy: CONFIG: {place.settings}: there is no setting server.lissten" in done.errors
    assert "Did you mean server.listen?" in done.errors


async def test_an_unknown_variable_is_named(place: Place) -> None:
    place.variables["HUBPROXY_SERVER_LISSTEN"] = "127.0.0.1:1"
    done = await place.run("config", "check")
    assert done.status == 1
    assert "there is no setting HUBPROXY_SERVER_LISSTEN" in done.errors
    assert "Did you mean HUBPROXY_SERVER_LISTEN?" in done.errors


async def test_a_file_that_is_not_there_is_named(place: Place) -> None:
    done = await place.run("config", "check", "--config", "nowhere.toml")
    assert done.status == 1
    assert "nowhere.toml cannot be read: No such file or directory" in done.errors


async def test_what_is_in_force_is_shown_whatever_it_comes_from(place: Place) -> None:
    place.variables["HUBPROXY_TRUST_MODE"] = "first-use"
    done = await place.good("config", "show", "--data", "elsewhere")
    shown = json.loads(done.out)
    assert shown["data"] == "elsewhere"
    assert shown["trust"]["mode"] == "first-use"
    assert shown["hub"][0]["url"] == place.origin.url
