import json
import shutil
from pathlib import Path

import pytest

from hubproxy.core.policy import Policy
from tests.byhand import ByHand
from tests.cli.place import Place
from tests.site import Site


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


DEMANDING = Policy(mode="enforce", largest_module=1024**3)


@pytest.mark.parametrize("read_before", [True, False], ids=["from-the-daemon", "from-the-source"])
async def test_what_is_laxer_than_the_officers_policy_is_named(
    tmp_path: Path, read_before: bool
) -> None:
    async with Site(tmp_path) as site:
        await ByHand(site).demand(DEMANDING)
        place = Place(site.folder, site.origin)
        state = place.data / "trust" / "state"
        if not read_before:
            await site.stop()
            shutil.rmtree(state)
        place.variables["HUBPROXY_TRUST_MODE"] = "first-use"

        laxer = await place.run("config", "check")
        place.variables = {"HUBPROXY_LIMITS_UNPACKED": "1GiB"}
        strict = await place.good("config", "check")

        assert laxer.status == 1
        assert laxer.out == (
            "trust.mode is first-use, but the officers' policy demands enforce: "
            "the daemon runs in enforce\n"
            "limits.unpacked is 68,719,476,736 bytes, but the officers' policy allows a module "
            "1,073,741,824: larger ones are refused\n"
        )
        assert strict.out.startswith("the settings are good: mode enforce")
        assert strict.errors == ""
        assert state.exists() == read_before


async def test_without_a_list_at_hand_the_settings_alone_are_checked(place: Place) -> None:
    done = await place.good("config", "check")
    assert done.errors.startswith("not compared with the officers' policy: TRUST_ROOT: there is no")


async def test_a_source_that_no_list_can_be_read_from_is_named(place: Place) -> None:
    await place.begin()
    place.variables["HUBPROXY_TRUST_SOURCE"] = "ftp://lists.example/trust"
    done = await place.run("config", "check")
    assert done.status == 1
    assert "a trust list cannot be read from ftp://lists.example/trust" in done.errors


async def test_a_list_is_looked_at_once_a_minute_at_least(place: Place) -> None:
    place.variables["HUBPROXY_TRUST_REFRESH_SECONDS"] = "61"
    done = await place.run("config", "check")
    assert done.status == 1
    assert "must be a number of seconds up to 60, in which a revocation reaches" in done.errors
