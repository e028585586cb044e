"""Reading a mirror list: which modules are to be held."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hubproxy.config.read import parse_size
from hubproxy.core.mirrorlist import Want
from hubproxy.errors import ConfigError


def load_mirror(path: Path) -> tuple[Want, ...]:
    """Read a mirror list.

    Raises:
        ConfigError: names the table, and what would be right.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the mirror list {path} cannot be read: {error.strerror}",
            remedy="Name another file with --list.",
        ) from error
    except ValueError as error:  # its syntax, with the line; or not UTF-8
        raise ConfigError(
            f"{path} is not TOML: {error}", remedy="Mend that line; texts stand in quotes."
        ) from error
    return parse_mirror(document, str(path))


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
