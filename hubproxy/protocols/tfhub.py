"""What a request to a TF Hub host means: `tensorflow_hub`, curl and browsers.

A target is read strictly and once, before anything else looks at it: what two readers could
understand differently is refused, so nothing later needs to decode or normalise a path.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from hubproxy.core.handle import Handle, parse_hub
from hubproxy.core.record import Format
from hubproxy.errors import NotServedError, UsageError

FORMATS: tuple[Format, ...] = ("saved_model", "tf1_hub", "keras", "other")
"""What `hub.load` can be given as one archive, the usual first."""

_LONGEST_TARGET, _MOST_PARAMETERS = 4096, 32
_VISIBLE = re.compile(r"[!-~]*")
_PERCENT = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_SEGMENT = re.compile(r"[A-Za-z0-9._~+-]+")
_EXAMPLE = "Ask for /tfhub.dev/PUBLISHER/MODEL/VERSION, as in `tfhub.dev/google/nnlm-en-dim50/2`."
_OTHER_FORMS = {
    "tfjs-format": "the files of a TF.js model",
    "lite-format": "single TFLite files",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Args:
        handle: the module, with its version or without.
        formats: those that would do, in order of preference.
        as_gzip: whether the tar is wanted framed as gzip; None when the client did not say.
    """

    handle: Handle
    formats: tuple[Format, ...]
    as_gzip: bool | None


def split_target(raw_target: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Read the request target of a reverse route, `/HOST/PATH?QUERY`.

    Args:
        raw_target: as it stood in the request line, not decoded.

    Returns:
        The hub's canonical name, the decoded path on it with its leading slash and without a
        trailing one, and the decoded query.

    Raises:
        UsageError: the target is not of that form, or could be read in more than one way.
    """
    if len(raw_target) > _LONGEST_TARGET:
        raise _bad(f"it is longer than {_LONGEST_TARGET} characters")
    if not _VISIBLE.fullmatch(raw_target) or "\\" in raw_target or "#" in raw_target:
        raise _bad("it has a character that no URL has")
    if not raw_target.startswith("/"):
        raise _bad("it does not begin with /")
    raw_path, _, raw_query = raw_target[1:].partition("?")
    segments = [_segment(raw) for raw in raw_path.removesuffix("/").split("/")]
    raw_hub, _, _ = raw_path.partition("/")
    try:
        hub = parse_hub(raw_hub)
    except ValueError as error:
        raise _bad(f"{raw_hub[:80]!r} is not the name of a hub") from error
    if len(segments) == 1:
        raise _bad("it names a hub, but no module")
    return hub, "/" + "/".join(segments[1:]), _parameters(raw_query)


def read_request(hub: str, path: str, query: Sequence[tuple[str, str]]) -> Request:
    """Understand a request for a module.

    Args:
        hub: canonical name of the host.
        path: on that host, decoded.
        query: decoded, in order. Parameters that mean nothing here are ignored.

    Raises:
        UsageError: the path is no module's, or a parameter has a value that it cannot have.
        NotServedError: the module is wanted in a form that is not served.
    """
    try:
        handle = Handle.of(hub, path)
    except ValueError as error:
        raise UsageError(str(error), remedy=_EXAMPLE) from error
    for name, form in _OTHER_FORMS.items():
        if any(key == name for key, _ in query):
            raise NotServedError(
                f"{form} are not served",
                remedy=f"Leave {name} out: the whole module comes as one tar.",
            )
    _check_hub_format([value for key, value in query if key == "tf-hub-format" and value])
    return Request(handle, FORMATS, _as_gzip([value for key, value in query if key == "format"]))


def _check_hub_format(values: list[str]) -> None:
    # The client appends its own behind what was pasted into the handle, so the last one counts.
    wanted = [name.strip().lower() for name in values[-1].split(",")] if values else []
    if not wanted or "compressed" in wanted:
        return
    if "uncompressed" in wanted:
        raise NotServedError(
            "uncompressed modules are not served: set TFHUB_MODEL_LOAD_FORMAT=COMPRESSED",
            remedy="Set TFHUB_MODEL_LOAD_FORMAT=COMPRESSED where the module is loaded.",
        )
    raise UsageError(
        f"tf-hub-format={values[-1][:80]!r} is not known", remedy="Use tf-hub-format=compressed."
    )


def _as_gzip(values: list[str]) -> bool | None:
    if not values:
        return None
    if values[-1] not in ("tar", "tar.gz"):
        raise UsageError(
            f"format={values[-1][:80]!r} is not known", remedy="Use format=tar or format=tar.gz."
        )
    return values[-1] == "tar.gz"


def _segment(raw: str) -> str:
    """One decoded path segment: nothing that could be decoded again, or mean something else."""
    segment = unquote(raw, errors="replace")  # a % that encodes nothing stays, and is refused
    if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
        raise _bad(f"path segment {raw[:80]!r} is empty, dots, or outside A-Za-z0-9._~+-")
    return segment


def _parameters(raw_query: str) -> list[tuple[str, str]]:
    try:
        found = parse_qsl(
            raw_query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError as error:  # too many, or not UTF-8
        raise _bad("its query cannot be read") from error
    if not _PERCENT.fullmatch(raw_query):
        raise _bad("its query has a % that encodes nothing")
    if not all(key.isprintable() and value.isprintable() for key, value in found):
        raise _bad("its query has a control character")
    return found


def _bad(why: str) -> UsageError:
    return UsageError(f"the request target cannot be used: {why}", remedy=_EXAMPLE)
