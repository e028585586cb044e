"""Why a module was not loaded, in the words that a user sees."""

import json
import urllib.error
from typing import Any, Dict, Optional

# Bytes of a refusal that are read; characters of each of its texts that are shown.
_LONGEST_BODY, _LONGEST_TEXT = 65536, 2000
_PROBLEM = "application/problem+json"


class HubproxyError(OSError):
    """hubproxy did not deliver a module.

    The message has up to four lines: the reason, what had happened before it, what the reader can
    do, where it was asked. `code` is hubproxy's own (such as `HP-T01`) and `status` the HTTP
    status, where it answered.
    """

    def __init__(
        self,
        reason: str,
        remedy: str = "",
        asked: str = "",
        code: str = "",
        status: Optional[int] = None,
        before: str = "",
    ) -> None:
        where = "asked: " + asked if asked else ""
        super().__init__("\n".join(line for line in (reason, before, remedy, where) if line))
        self.remedy = remedy
        self.code = code
        self.status = status


def from_answer(answer: urllib.error.HTTPError, asked: str, before: str = "") -> HubproxyError:
    """The error that tells what a 4xx or 5xx answer says (RFC 9457).

    Its `code` is empty where the answer is not hubproxy's own.
    """
    problem = _problem(answer)
    if not problem:
        return HubproxyError(
            "hubproxy answered {} {}".format(answer.code, _line(answer.reason)),
            "If this is not hubproxy's own answer, check HUBPROXY_URL and what stands in between.",
            asked,
            status=answer.code,
            before=before,
        )
    code = _line(problem.get("code"))
    detail = _line(problem.get("detail")) or _line(problem.get("title")) or _line(answer.reason)
    return HubproxyError(
        "{}: {}".format("hubproxy " + code if code else "hubproxy", detail),
        _line(problem.get("remedy")),
        asked,
        code,
        answer.code,
        before,
    )


def is_ours(answer: urllib.error.HTTPError) -> bool:
    """Whether a 4xx or 5xx answer is of the form in which hubproxy refuses."""
    return bool(answer.headers.get_content_type() == _PROBLEM)


def _problem(answer: urllib.error.HTTPError) -> Dict[str, Any]:
    """The members of the answer's problem document; none where it has no such document."""
    if not is_ours(answer):
        return {}
    try:
        problem = json.loads(answer.read(_LONGEST_BODY).decode("utf-8"))
    except Exception:  # noqa: BLE001  # a broken explanation must not hide the refusal
        return {}
    return problem if isinstance(problem, dict) else {}


def _line(value: object) -> str:
    """Text from the network as one line that is safe on a terminal."""
    if not isinstance(value, str):
        return ""
    text = " ".join(value.split())[:_LONGEST_TEXT]
    return "".join(char if char.isprintable() else "?" for char in text)
