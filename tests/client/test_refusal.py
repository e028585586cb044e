import io
import json
import pickle
import urllib.error
from email.message import Message

import pytest

from hubproxy.client.refusal import HubproxyError, from_answer

ASKED = "http://hubproxy.example:8440/tfhub.dev/google/spice/2"


def answer(body: bytes, media_type: str = "application/problem+json") -> urllib.error.HTTPError:
    headers = Message()
    headers["Content-Type"] = media_type
    return urllib.error.HTTPError(ASKED, 403, "Why not", headers, io.BytesIO(body))


def test_the_lines_are_reason_remedy_and_where() -> None:
    error = HubproxyError("no", "do this", ASKED)
    assert str(error) == f"no\ndo this\nasked: {ASKED}"
    assert isinstance(error, OSError)


def test_an_error_survives_the_way_out_of_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(HubproxyError("no", "do this", ASKED, "HP-T01", 403)))
    assert str(error) == f"no\ndo this\nasked: {ASKED}"
    assert (error.code, error.status, error.remedy) == ("HP-T01", 403, "do this")


@pytest.mark.parametrize(
    ("problem", "first_line"),
    [
        pytest.param({"code": "X", "detail": "d", "title": "t"}, "hubproxy X: d", id="detail"),
        pytest.param({"code": "X", "title": "t"}, "hubproxy X: t", id="title"),
        pytest.param({"code": "X"}, "hubproxy X: Why not", id="reason phrase"),
        pytest.param({"detail": "d"}, "hubproxy: d", id="no code"),
        pytest.param({"code": 7, "detail": ["d"], "title": "t"}, "hubproxy: t", id="wrong types"),
        pytest.param(
            {"detail": "a\n b\x1b[2J\u202e"}, "hubproxy: a b?[2J?", id="control characters"
        ),
        pytest.param({"detail": "d" * 9000}, "hubproxy: " + "d" * 2000, id="too long"),
    ],
)
def test_the_first_line_is_the_best_reason_there_is(
    problem: dict[str, object], first_line: str
) -> None:
    with answer(json.dumps(problem).encode()) as refused:
        error = from_answer(refused, ASKED)
    assert str(error).split("\n") == [first_line, f"asked: {ASKED}"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"{" + b" " * 70000 + b"}"])
def test_a_broken_explanation_does_not_hide_the_refusal(body: bytes) -> None:
    with answer(body) as refused:
        assert str(from_answer(refused, ASKED)).startswith("hubproxy answered 403 Why not\n")


def test_only_a_problem_document_speaks_for_hubproxy() -> None:
    with answer(b'{"detail": "I am a web page"}', "application/json") as refused:
        assert "web page" not in str(from_answer(refused, ASKED))
