"""Reading the settings: default, then file, then `HUBPROXY_*`, then flag."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from hubproxy.config.checks import CHECKS, HOST_PATTERN, check_together, is_hub, is_plain_url
from hubproxy.config.values import (
    HUB_KEYS,
    KEYS,
    SECTIONS,
    TFHUB,
    Config,
    Count,
    Hub,
    Seconds,
    Size,
    Text,
)
from hubproxy.errors import ConfigError

DEFAULT_PATH = Path("/etc/hubproxy/hubproxy.toml")

_VARIABLES = {f"HUBPROXY_{key.replace('.', '_').upper()}": key for key in KEYS}
_NO_SETTINGS = {
    "HUBPROXY_URL",
    "HUBPROXY_CA_SHA256",
    "HUBPROXY_TEAM",
    "HUBPROXY_TOKEN_FILE",
    "HUBPROXY_CONFIG",
    "HUBPROXY_LOCK",
    "HUBPROXY_PASSPHRASE_FILE",
    "HUBPROXY_STRICT",
}

_WORDS = {"1": True, "true": True, "yes": True, "on": True}
_WORDS |= {"0": False, "false": False, "no": False, "off": False}
_WANTED = {
    str: "text",
    bool: "true or false",
    Text: "text that is not empty",
    Size: 'a size such as "512MiB", or a number of bytes',
    Count: "a whole number from 1 on",
    Seconds: "a number of seconds from 0 on",
    tuple[str, ...]: "a list of texts",
}
_SIZE = re.compile(r"([0-9]{1,18}) ?(|B|[KMGT]I?B)", re.IGNORECASE | re.ASCII)


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> Config:
    """Read the settings.

    Args:
        path: the file; None for the one that `HUBPROXY_CONFIG` names, else `DEFAULT_PATH` if
            there is one, else no file at all.
        environ: the environment.
        overrides: flags, as `section.key` to a value or its text; None is no flag.

    Raises:
        ConfigError: names the key, where it stands, and what would be right.
    """
    if path is None:
        named = environ.get("HUBPROXY_CONFIG")
        path = Path(named) if named else DEFAULT_PATH if DEFAULT_PATH.exists() else None
    document = {} if path is None else _read_toml(path)
    file = _Source(str(path))
    hubs = {TFHUB.host: TFHUB} | _read_hubs(document.pop("hub", []), file)
    tokens = {hub.token_env for hub in hubs.values()}
    found: dict[str, dict[str, object]] = {}
    for key, value, source in (
        *_of_document(document, file),
        *_of_environment(environ, _NO_SETTINGS | tokens),
        *_of_flags(overrides or {}),
    ):
        section, _, name = key.rpartition(".")
        found.setdefault(section, {})[name] = source.check(key, KEYS[key], value)
    top = found.pop("", {})
    config = msgspec.convert({**found, **top}, Config)
    config = msgspec.structs.replace(config, hubs=tuple(hubs.values()))
    return check_together(config, "the settings" if path is None else str(path))


def parse_size(value: object) -> int:
    """Bytes of a size: a number of bytes, or text such as "512MiB" or "10 GB".

    KiB, MiB, GiB and TiB are powers of 1024, KB, MB, GB and TB of 1000; case does not matter.

    Raises:
        ValueError: anything else, or a negative number.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"not a size: {value!r}")
    number, unit = int(match[1]), match[2].upper()
    power = "BKMGT".index(unit[0]) if unit else 0
    return int(number * (1024 if "I" in unit else 1000) ** power)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a value stands; `is_text` when it cannot be anything else there."""

    name: str
    is_text: bool = False

    def check(self, key: str, kind: Any, value: object) -> object:
        """The value as the setting's type has it."""
        try:
            if kind == Size:
                return parse_size(value)
            found = msgspec.convert(_from_text(str(value), kind) if self.is_text else value, kind)
            if key in CHECKS and not CHECKS[key][0](found):
                raise ValueError("not of that form")
        except ValueError as error:  # msgspec.ValidationError is one
            raise self.wrong(key, value, _wanted(key, kind)) from error
        return found

    def wrong(self, key: str, value: object, wanted: str) -> ConfigError:
        return ConfigError(
            f"{self.name}: {key} is {value!r}, but must be {wanted}", remedy=f"Make it {wanted}."
        )

    def unknown(self, key: str, known: Iterable[str]) -> ConfigError:
        near = difflib.get_close_matches(key, list(known), n=1, cutoff=0)
        return ConfigError(
            f"{self.name}: there is no setting {key}", remedy=f"Did you mean {near[0]}?"
        )


_Found = Iterator[tuple[str, object, _Source]]


def _of_document(document: Mapping[str, Any], file: _Source) -> _Found:
    for name, content in document.items():
        if (name, content) == ("network", "offline"):  # all that a site without one has to say
            yield "network.offline", True, file
        elif name in SECTIONS:
            if not isinstance(content, dict):
                raise file.wrong(name, content, f"a table, [{name}]")
            for key, value in content.items():
                if f"{name}.{key}" not in KEYS:
                    raise file.unknown(f"{name}.{key}", KEYS)
                yield f"{name}.{key}", value, file
        elif name in KEYS:
            yield name, content, file
        else:
            raise file.unknown(name, [*KEYS, *SECTIONS, "hub"])


def _of_environment(environ: Mapping[str, str], others: set[str]) -> _Found:
    for name, text in sorted(environ.items()):
        if name in _VARIABLES:
            yield _VARIABLES[name], text, _Source(f"the environment ({name})", is_text=True)
        elif name.startswith("HUBPROXY_") and not (
            name in others or name.startswith("HUBPROXY_TEST_")
        ):
            raise _Source("the environment").unknown(name, _VARIABLES)


def _of_flags(overrides: Mapping[str, object]) -> _Found:
    for key, value in overrides.items():
        source = _Source("the command line", is_text=isinstance(value, str))
        if key not in KEYS:
            raise source.unknown(key, KEYS)
        if value is not None:
            yield key, value, source


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}",
            remedy="Name another file with --config or HUBPROXY_CONFIG.",
        ) from error
    except ValueError as error:  # its syntax, with the line; or not UTF-8
        raise ConfigError(
            f"{path} is not TOML: {error}", remedy="Mend that line; texts stand in quotes."
        ) from error


def _read_hubs(tables: object, file: _Source) -> dict[str, Hub]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise file.wrong("hub", tables, "tables, [[hub]]")
    found: dict[str, Hub] = {}
    for table in tables:
        hub = _read_hub({f"hub.{key}": value for key, value in table.items()}, file)
        if hub.host in found:
            raise ConfigError(
                f"{file.name}: hub.host {hub.host!r} stands in two [[hub]]",
                remedy="Keep one of them.",
            )
        found[hub.host] = hub
    return found


def _read_hub(table: Mapping[str, object], file: _Source) -> Hub:
    for key in table:
        if key not in HUB_KEYS:
            raise file.unknown(key, HUB_KEYS)
    for key in ("hub.host", "hub.url"):
        if key not in table:
            raise ConfigError(f"{file.name}: a [[hub]] has no {key}", remedy=f"Add {key}.")
    checked = {key: file.check(key, HUB_KEYS[key], value) for key, value in table.items()}
    hub = msgspec.convert({key.removeprefix("hub."): checked[key] for key in checked}, Hub)
    if not is_hub(hub.host):
        raise file.wrong(
            "hub.host", hub.host, "a host's name in small letters, without www. or port"
        )
    if not is_plain_url(hub.url):
        raise file.wrong("hub.url", hub.url, "an http or https URL without user or query")
    for name in hub.redirects:
        if not HOST_PATTERN.fullmatch(name):
            raise file.wrong("hub.redirects", name, "names of hosts, with *. for any before it")
    if hub.token_file and hub.token_env:
        raise ConfigError(
            f"{file.name}: hub {hub.host} has both hub.token_file and hub.token_env",
            remedy="Keep one of them.",
        )
    return hub


def _from_text(text: str, kind: Any) -> object:
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if base is bool:
        return _WORDS.get(text.strip().lower(), text)
    if base in (int, float):
        return base(text)
    if get_origin(base) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _wanted(key: str, kind: Any) -> str:
    if key in CHECKS:
        return CHECKS[key][1]
    if get_origin(kind) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(kind))
    return _WANTED[kind]
