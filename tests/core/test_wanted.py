import pytest

from hubproxy.core.quarantine import Ask
from hubproxy.core.wanted import LONGEST_WHY, Answer, Wanted, all_asks, check_why

NAME = "tfhub.dev/google/spice/2"


def ask(caller: str, minute: int, why: str = "x") -> Ask:
    return Ask(caller=caller, time=f"2026-11-26T10:{minute:02}:00.000Z", why=why)


def answer(minute: int) -> Answer:
    return Answer(handle=NAME, time=f"2026-11-26T10:{minute:02}:00.000Z", why="no")


def test_a_callers_new_reason_takes_the_place_of_his_old_one() -> None:
    wanted = Wanted(handle=NAME).asked(ask("nlp", 1)).asked(ask("cv", 2)).asked(ask("nlp", 3, "y"))
    assert [(one.caller, one.why) for one in wanted.asks] == [("nlp", "y"), ("cv", "x")]
    assert wanted.by("nlp") == ask("nlp", 3, "y")
    assert wanted.by("else") is None
    assert Wanted.decode(wanted.encode()) == wanted


def test_an_answer_closes_what_was_asked_before_it() -> None:
    wanted = Wanted(handle=NAME, asks=(ask("nlp", 1), ask("cv", 5)), answer=answer(3))
    assert wanted.open == (ask("cv", 5),)
    assert Wanted(handle=NAME, asks=(ask("nlp", 1),)).open == (ask("nlp", 1),)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"v": 2, "handle": "tfhub.dev/a/b/1"}',
        b'{"handle": "TFHUB.dev/a/b/1"}',
        b'{"handle": ".."}',
        b'{"handle": "tfhub.dev/a/b/1", "more": 1}',
    ],
)
def test_what_is_no_request_is_not_read(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a"):
        Wanted.decode(text)


def test_a_reason_is_one_line() -> None:
    assert check_why(" a baseline\n of  our paper ") == "a baseline of our paper"
    assert check_why("ß" * LONGEST_WHY) == "ß" * LONGEST_WHY


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(" \n", "needs a reason", id="nothing"),
        pytest.param("x" * (LONGEST_WHY + 1), "has 501 characters", id="too long"),
        pytest.param("a\x1b[31m", "do not print", id="a terminal's"),
    ],
)
def test_a_reason_that_says_nothing_or_too_much_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_why(text)


def test_who_asked_goes_before_whose_job_tried() -> None:
    tried = [ask("nlp", 1, ""), ask("10.0.0.1", 2, "")]
    wanted = Wanted(handle=NAME, asks=(ask("nlp", 3, "a paper"),))
    assert all_asks(tried, wanted) == (ask("nlp", 3, "a paper"), ask("10.0.0.1", 2, ""))
    assert all_asks(tried, None) == tuple(tried)
