"""What HUBPROXY_LOCK names: a set of modules, pinned to their bytes; nothing else is loaded.

`hubproxy lock` writes the file. It is read here line by line, as old interpreters know no TOML,
and what is not as it was written is refused.
"""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit

from .refusal import HubproxyError

_TEXT = re.compile(r'(handle|format|record|archive) = "([^"\\]*)"')
_ASKED = re.compile(r'asked = \["([^"\\]*)"\]')
_SIZE = re.compile(r"size = [0-9]+")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# What hub.load reads, in the order in which hubproxy serves it.
_FORMATS = ("saved_model", "tf1_hub")


class Locked(NamedTuple):
    """A module's exact handle, and the sha-256 of its archive in hex."""

    handle: str
    archive: str


def locked(handle: str) -> Optional[Locked]:
    """What a handle, as a user types it, is locked to; None where HUBPROXY_LOCK is not set.

    Raises:
        HubproxyError: the lock cannot be read, or the handle is not in it.
    """
    path = os.environ.get("HUBPROXY_LOCK", "")
    if not path:
        return None
    found = read(path).get(canonical(handle))
    if found is None:
        raise HubproxyError(
            "{} is not in the lock {}".format(handle, path),
            "Add it, and have that reviewed: hubproxy lock -o FILE ... Or unset HUBPROXY_LOCK.",
        )
    return found


def read(path: str) -> Dict[str, Locked]:
    """Canonical handle, with its version or as it was asked for -> what it is locked to.

    Raises:
        HubproxyError: it cannot be read, or is not as `hubproxy lock` writes it.
    """
    try:
        with open(path, encoding="ascii") as file:
            lines = file.read().split("\n")
    except (OSError, ValueError) as error:
        raise HubproxyError(
            "the lock {} cannot be read: {}".format(path, error),
            "Set HUBPROXY_LOCK to a file that `hubproxy lock` has written, or unset it.",
        ) from None
    tables: List[Dict[str, str]] = []
    marked = False
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#") or (tables and _SIZE.fullmatch(line)):
            continue
        text, asked = _TEXT.fullmatch(line), _ASKED.fullmatch(line)
        if line == "lock = 1" and not tables:
            marked = True
        elif line == "[[module]]" and marked:
            tables.append({})
        elif text and tables and text.group(1) not in tables[-1]:
            tables[-1][text.group(1)] = text.group(2)
        elif asked and tables and "asked" not in tables[-1]:
            tables[-1]["asked"] = asked.group(1)
        else:
            raise _not_a_lock(path, number)
    if not marked:
        raise _not_a_lock(path, 1)
    return _by_name(path, len(lines), tables)


def _by_name(path: str, last: int, tables: List[Dict[str, str]]) -> Dict[str, Locked]:
    found: Dict[str, Tuple[int, Locked]] = {}
    for table in tables:
        archive = _DIGEST.fullmatch(table.get("archive", ""))
        if archive is None or "handle" not in table or "format" not in table:
            raise _not_a_lock(path, last)
        if table["format"] not in _FORMATS:
            continue
        rank = _FORMATS.index(table["format"])
        one = Locked(table["handle"], archive.group(1))
        for name in (table["handle"], table.get("asked")):
            if name is not None and (name not in found or rank < found[name][0]):
                found[name] = rank, one
    return {name: one for name, (_, one) in found.items()}


def _not_a_lock(path: str, number: int) -> HubproxyError:
    return HubproxyError(
        "{}, line {}, is not as `hubproxy lock` writes it".format(path, number),
        "Write it anew: hubproxy lock -o FILE ...",
    )


def canonical(handle: str) -> str:
    """The one spelling of a handle that hubproxy uses, of those that users type."""
    parts = urlsplit(handle if _SCHEME.match(handle) else "https://" + handle)
    host = parts.netloc.lower()
    host = host[4:] if host.startswith("www.") else host
    path = [unquote(part) for part in parts.path.strip("/").split("/")]
    if host == "kaggle.com":
        path = _kaggle(path)
    return "/".join([host, *path])


def _kaggle(path: List[str]) -> List[str]:
    """Kaggle's long and short forms as owner, model, framework, variation, and version."""
    path = path[1:] if path[0] == "models" else path
    if len(path) >= 6 and path[2] == "frameworks" and path[4] == "variations":
        tail = path[6:]
        tail = tail[1:] if tail[:1] == ["versions"] else tail
        path = [path[0], path[1], path[3], path[5], *tail]
    if len(path) > 2:
        for known in ("tensorFlow1", "tensorFlow2"):  # what hub.load reads is of these
            if path[2].lower() == known.lower():
                path[2] = known
    return path
