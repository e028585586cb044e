"""How tensorflow_hub names what lies in its cache folder.

The name of a module's folder is the sha1 of the handle as the user typed it. So one module has as
many names as there are ways to write its handle.
"""

import hashlib
import re

from hubproxy.core.handle import KAGGLE_HOST, Handle

KEY = re.compile(r"[0-9a-f]{40}")
"""What the name of a module's folder looks like."""
LEFTOVER = re.compile(r"([0-9a-f]{40})\.([0-9a-f]{32})\.tmp")
"""What the name of a folder looks like into which a client is unpacking: key, then its own."""
LOCK = re.compile(r"([0-9a-f]{40})\.lock")
_OWNER = re.compile(r"(?P<host>.*)\.(?P<pid>[0-9]{1,10})\.[0-9a-f]{32}\s*", re.DOTALL)


def key_of(spelling: str) -> str:
    """The name of the folder of a handle that is written so."""
    return hashlib.sha1(spelling.encode(), usedforsecurity=False).hexdigest()


def spellings(handle: Handle) -> list[str]:
    """The ways in which users write a handle, with its version or without; sorted."""
    hosts, paths = [handle.hub], [handle.url_path]
    if handle.hub == KAGGLE_HOST:
        hosts, paths = [KAGGLE_HOST, f"www.{KAGGLE_HOST}"], _kaggle(handle)
    return sorted(
        f"{scheme}://{host}{path}{end}"
        for scheme in ("https", "http")
        for host in hosts
        for path in paths
        for end in ("", "/")
    )


def descriptor(spelling: str, *, time: str, host: str, pid: int) -> str:
    """What tensorflow_hub writes beside a module's folder, and nobody reads but people."""
    return f"Module: {spelling}\nDownload Time: {time}\nDownloader Hostname: {host} (PID:{pid})"


def described(text: str, key: str) -> str | None:
    """The handle as typed, as a descriptor tells it; None unless the folder's name is its."""
    first = text.partition("\n")[0]
    spelling = first.removeprefix("Module: ")
    return spelling if spelling != first and key_of(spelling) == key else None


def lock_owner(text: str) -> tuple[str, int] | None:
    """The host and the process that hold a lock, by its content; None where that is of no form."""
    match = _OWNER.fullmatch(text)
    return None if match is None else (match["host"], int(match["pid"]))


def _kaggle(handle: Handle) -> list[str]:
    owner, model, framework, variation = handle.path.split("/")
    version = "" if handle.version is None else f"/{handle.version}"
    versions = "" if handle.version is None else f"/versions/{handle.version}"
    found = []
    for spelled in dict.fromkeys((framework, framework.lower())):
        short = f"/{owner}/{model}/{spelled}/{variation}{version}"
        long = f"/models/{owner}/{model}/frameworks/{spelled}/variations/{variation}{versions}"
        found += [short, f"/models{short}", long]
    return found
