"""What the parser in front lets pass today, or may let pass tomorrow."""

import pytest
from multidict import CIMultiDict

from hubproxy.errors import UpstreamError
from hubproxy.upstream.answers import accept


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([("Content-Length", "5"), ("Content-Length", "5")], "in two ways"),
        ([("Content-Length", "5"), ("Transfer-Encoding", "chunked")], "in two ways"),
        ([("Content-Length", "-5")], "strange Content-Length"),
        ([("Content-Length", "+5")], "strange Content-Length"),
        ([("Content-Length", "5,5")], "strange Content-Length"),
        ([("Content-Length", "\u0665")], "strange Content-Length"),
        ([("Content-Length", "")], "strange Content-Length"),
        ([("Content-Length", "1" * 20)], "strange Content-Length"),
        ([("Transfer-Encoding", "gzip")], "strange Transfer-Encoding"),
        ([("Transfer-Encoding", "chunked, identity")], "strange Transfer-Encoding"),
        ([("Transfer-Encoding", "chunked")] * 2, "strange Transfer-Encoding"),
        ([("Content-Encoding", "identity"), ("Content-Encoding", "gzip")], "Content-Encoding"),
        ([("Content-Type", "TEXT/HTML ;x=y")], "web page"),
        ([("Content-Type", "application/xhtml+xml")], "web page"),
        ([("Content-Type", "a/b"), ("Content-Type", "text/html")], "Content-Type twice"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(
    headers: list[tuple[str, str]], why: str
) -> None:
    with pytest.raises(UpstreamError, match=f"tfhub.dev/a/1: .*{why}"):
        accept(200, "OK", CIMultiDict(headers), resume=None, shown="tfhub.dev/a/1", now=0)


def test_a_plain_answer_is_accepted() -> None:
    headers = CIMultiDict({"content-length": "5", "content-encoding": "Identity"})
    answer = accept(200, "OK", headers, resume=None, shown="", now=0)
    assert (answer.offset, answer.length, answer.validator) == (0, 5, "")
