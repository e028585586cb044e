"""Reading a mirror list, or a lock: which modules are to be held."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hubproxy.config.read import parse_size
from hubproxy.core.lock import MARK, Lock
from hubproxy.core.mirrorlist import Want
from hubproxy.errors import ConfigError


def load_mirror(path: Path) -> tuple[tuple[Want, ...], Lock | None]:
    """Read a mirror list; or a lock, of which just that is wanted.

    Raises:
        ConfigError: names the table, and what would be right.
    """
    document = _read(path, "the mirror list")
    if MARK not in document:
        return parse_mirror(document, str(path)), None
    lock = _parse_lock(document, path)
    wants = (Want(modules=(one.handle,), formats=(one.format,)) for one in lock.modules)
    return tuple(wants), lock


def load_lock(path: Path) -> Lock:
    """Read a lock.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    return _parse_lock(_read(path, "the lock"), path)


def _parse_lock(document: Mapping[str, Any], path: Path) -> Lock:
    try:
        return Lock.parse(document, str(path))
    except ValueError as error:
        raise ConfigError(
            f"{path} is no lock: {error}", remedy="Write it anew: `hubproxy lock -o FILE ...`."
        ) from error


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{what} {path} cannot be read: {error.strerror}", remedy="Name another file."
        ) from error
    except ValueError as error:  # its syntax, with the line; or not UTF-8
        raise ConfigError(
            f"{path} is not TOML: {error}", remedy="Mend that line; texts stand in quotes."
        ) from error


def parse_mirror(document: Mapping[str, Any], said: str) -> tuple[Want, ...]:
    """The wants of a mirror list that was read as TOML.

    Args:
        said: what the file is called in errors.

    Raises:
        ConfigError: names the table, and what would be right.
    """
    tables = document.get("want")
    if document.keys() != {"want"} or not isinstance(tables, list):
        other = sorted(document.keys() - {"want"})
        raise ConfigError(
            f"{said} is no mirror list: it has {', '.join(other) if other else 'no [[want]]'}",
            remedy='Write tables: [[want]], and below it modules = ["tfhub.dev/google/*"].',
        )
    return tuple(_want(table, f"{said}: [[want]] {at}") for at, table in enumerate(tables, 1))


def _want(table: object, said: str) -> Want:
    try:
        if isinstance(table, dict) and "largest" in table:
            table = {**table, "largest": parse_size(table["largest"])}
        return msgspec.convert(table, Want)
    except ValueError as error:  # msgspec.ValidationError is one
        raise ConfigError(
            f"{said}: {error}",
            remedy="config/mirror.toml shows every key with its meaning.",
        ) from error
