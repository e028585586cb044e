"""What several commands take, and how they print."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hubproxy.core.handle import Handle

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file. [default: $HUBPROXY_CONFIG, /etc/hubproxy/hubproxy.toml]",
)
_DATA = click.option("--data", help="Data folder.")
_SETTINGS = ("data", "server__listen", "network__offline", "trust__mode", "trust__lock")


class HandleType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.5
    """A module's name in any spelling that users type."""

    name = "handle"

    def convert(
        self, value: "str | Handle", param: click.Parameter | None, ctx: click.Context | None
    ) -> "Handle":
        from hubproxy.core.handle import Handle

        if isinstance(value, Handle):
            return value
        try:
            return Handle.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SizeType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.5
    """A number of bytes, or a text such as 4GiB."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        from hubproxy.config.read import parse_size

        try:
            return parse_size(int(value) if str(value).isdecimal() else value)  # type: ignore[call-overload]  # digits are
        except ValueError as error:
            self.fail(f"{error}; write 4GiB, 650MB or a number of bytes", param, ctx)


def configured(*flags: _Decorator) -> _Decorator:
    """Give a command `--config`, `--data` and `flags`, and the loaded `Config` as its first
    argument.

    Args:
        flags: options that set a setting each, named by it, such as `server__listen`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(config_file: Path | None, **given: Any) -> Any:
            from hubproxy.config import load

            found = {name: given.pop(name) for name in _SETTINGS if name in given}
            chosen = {
                name.replace("__", "."): value for name, value in found.items() if value is not None
            }
            return function(load(config_file, os.environ, chosen), **given)

        decorated: Callable[..., Any] = wrapped
        for flag in (*reversed(flags), _DATA, config_option):
            decorated = flag(decorated)
        return decorated

    return decorate


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line."
)


@dataclass(frozen=True, slots=True)
class Output:
    """Results: for a person, or one JSON object per line."""

    as_json: bool

    def result(self, fields: dict[str, object], *, text: str | Iterable[str]) -> None:
        """Print one result.

        Args:
            fields: for a program.
            text: for a person: a line, or several. What is in them may be anybody's.
        """
        lines = [text] if isinstance(text, str) else text
        print(json.dumps(fields) if self.as_json else "\n".join(map(printable, lines)))


def printable(text: str) -> str:
    """A line that cannot drive a terminal: what does not print is escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def note(text: str) -> None:
    """Tell the person at the terminal something that is no result, in one line."""
    print(printable(text), file=sys.stderr)
