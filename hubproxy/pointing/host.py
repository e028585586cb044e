"""Checks that only the daemon's own host allows: its settings, its disk, its key."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hubproxy import wiring
from hubproxy.config import Config
from hubproxy.pointing.finding import Finding


def is_here(url: str) -> bool:
    """Whether an address is this machine's: then, and only then, it can be bound."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, 0, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as trial:
                trial.bind(address)
        except OSError:
            continue
        return True
    return False


def check_disk(config: Config) -> Iterator[Finding]:
    """Whether new modules find room; nothing where the data folder is not ours to read."""
    data = Path(config.data)
    if not (data.is_dir() and os.access(data, os.R_OK | os.X_OK)):
        return
    free, floor = shutil.disk_usage(data).free, config.store.free_floor_bytes
    text = f"{_size(free)} free for {data}, of which store.free_floor keeps {_size(floor)}"
    room = f"df -h {data}   # then free some, or lower store.budget"
    if not os.access(data, os.W_OK):
        fix = f"mount -o remount,rw {data}   # or chown it to the daemon's user"
        yield Finding("disk", "FAIL", f"{data} cannot be written", fix)
    elif free <= floor:
        yield Finding("disk", "FAIL", f"no new module can be stored: {text}", room)
    elif free < 2 * floor:
        yield Finding("disk", "warn", text, room)
    else:
        yield Finding("disk", "ok", text)


def check_key(config: Config) -> Iterator[Finding]:
    """Whether the CA's key is kept from others; nothing where there is none to be seen."""
    own = config.forward.ca_key
    key = Path(own) if own else wiring.places(config).ca / "ca.key"
    for path, command in ((key.parent, "chmod 700"), (key, "chmod 600")):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            return
        if mode & 0o077 and not (own and path == key.parent):
            yield Finding(
                "key",
                "FAIL",
                f"{path} is open to others (mode {mode:04o})",
                f"{command} {path}   # and `hubproxy ca rotate`, if somebody may have read the key",
            )
            return
    yield Finding("key", "ok", f"{key} is its owner's alone")


def _size(count: int) -> str:
    for unit, size in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
