import json
from pathlib import Path

from hubproxy.core.policy import Policy
from tests.byhand import ByHand
from tests.cli.place import Place
from tests.site import Site


async def test_a_policy_is_checked_and_shown_in_full(place: Place) -> None:
    (place.folder / "policy.json").write_text('{"mode": "enforce", "card_fields": ["task"]}')
    done = await place.good("trust", "policy", "check", "policy.json")
    assert json.loads(done.out) == json.loads(
        Policy(mode="enforce", card_fields=("task",)).encode()
    )
    assert json.loads(done.out)["grace_days"] == 14


async def test_what_is_wrong_with_a_policy_is_told(place: Place) -> None:
    (place.folder / "policy.json").write_text('{"grace_days": -1}')
    done = await place.run("trust", "policy", "check", "policy.json")
    assert (done.status, done.out) == (1, "")
    assert "policy.json: not a policy: `grace_days` is out of range" in done.errors


async def test_the_policy_in_force_is_shown(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        place = Place(site.folder, site.origin)
        none = await place.good("trust", "policy", "show")
        await ByHand(site).demand(Policy(grace_days=3))
        some = await place.good("trust", "policy", "show")
    assert "no policy" in none.errors
    assert json.loads(none.out)["mode"] == "first-use"
    assert (json.loads(some.out)["grace_days"], some.errors) == (3, "")
