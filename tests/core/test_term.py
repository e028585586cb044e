from datetime import UTC, datetime, timedelta

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.term import Standing, Term

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SPICE = Handle.parse("tfhub.dev/google/spice/2")
A_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("later", "standing"),
    [
        pytest.param(-timedelta(microseconds=1), "in force", id="row 5: not expired"),
        pytest.param(0 * A_DAY, "in grace", id="row 5: at the moment of expiry"),
        pytest.param(14 * A_DAY - timedelta(microseconds=1), "in grace", id="row 5: in grace"),
        pytest.param(14 * A_DAY, "ended", id="row 5: after the grace"),
    ],
)
def test_a_list_is_in_force_then_in_grace_then_ended(later: timedelta, standing: Standing) -> None:
    term = Term(NOON, 14)
    assert term.standing(NOON + later) == standing
    assert (term.warning(NOON + later) is not None) == (standing == "in grace")
    assert (term.refusal(NOON + later) is not None) == (standing == "ended")


def test_in_grace_the_warning_says_until_when() -> None:
    warning = Term(NOON, 14).warning(NOON)
    assert warning is not None
    assert warning.code == "HP-T07"
    assert warning.message == (
        "trust list expired on 2024-03-01 12:00 UTC; "
        "what is stored is served until 2024-03-15 12:00 UTC"
    )


def test_in_grace_nothing_new_is_fetched() -> None:
    verdict = Term(NOON, 14).nothing_new(SPICE)
    assert (verdict.code, verdict.status) == ("HP-T07", 503)
    assert f"nothing new is fetched until it is renewed, such as {SPICE}" in verdict.message


def test_after_the_grace_the_refusal_says_that_there_was_one() -> None:
    verdict = Term(NOON, 14).refusal(NOON + 15 * A_DAY)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T07", 503)
    assert verdict.message == ("trust list expired on 2024-03-01 12:00 UTC, grace of 14 days ended")
    assert "hubproxy trust renew --all" in verdict.remedy


def test_without_a_grace_it_ends_when_it_expires() -> None:
    verdict = Term(NOON, 0).refusal(NOON)
    assert verdict is not None
    assert verdict.message == "trust list expired on 2024-03-01 12:00 UTC"


def test_a_team_is_named() -> None:
    verdict = Term(NOON, 14, "nlp").refusal(NOON + 14 * A_DAY)
    assert verdict is not None
    assert verdict.message.startswith("trust list of team nlp expired on 2024-03-01")
    assert verdict.remedy == "Ask whoever signs for team nlp to sign its list anew."


def test_no_grace_is_longer_than_the_calendar() -> None:
    term = Term(datetime(9999, 1, 1, tzinfo=UTC), 3650)
    assert term.ends == datetime.max.replace(tzinfo=UTC)
    assert term.standing(NOON) == "in force"
