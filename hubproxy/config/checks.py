"""What a setting must be besides its type, and which ones go together."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from hubproxy.config.values import Config
from hubproxy.core.handle import parse_hub
from hubproxy.errors import ConfigError

_LISTEN = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):([0-9]{1,5})", re.ASCII)
_PROXY = re.compile(r"http://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})/?")
LONGEST_REFRESH = 60
"""Seconds after which, as officers may promise, a site has read what they revoked."""
HOST_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def is_hub(text: str) -> bool:
    try:
        return parse_hub(text) == text
    except ValueError:
        return False


def is_plain_url(text: str) -> bool:
    if not re.fullmatch(r"https?://[!-~]+", text) or set('"<>\\^`{|}?#@') & set(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address that is none
        return False


def _is_address(text: str) -> bool:
    match = _LISTEN.fullmatch(text)
    return match is not None and int(match[1]) < 65_536


def _is_proxy(text: str) -> bool:
    match = _PROXY.fullmatch(text)
    return match is not None and 0 < int(match[1]) < 65_536


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable() and not set('"\\') & set(text)


# What a value must be besides its type, and that in words.
CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "server.listen": (_is_address, "HOST:PORT"),
    "server.header_seconds": (lambda seconds: seconds > 0, "a number of seconds above 0"),
    "server.idle_seconds": (lambda seconds: seconds > 0, "a number of seconds above 0"),
    "forward.listen": (lambda text: not text or _is_address(text), 'HOST:PORT, or "" for none'),
    "forward.url": (
        lambda text: not text or _is_proxy(text),
        "http://HOST:PORT, as jobs reach it",
    ),
    "forward.other_hosts": (
        lambda names: all(name == "*" or HOST_PATTERN.fullmatch(name) for name in names),
        'names of hosts, with *. for any before it; or "*" for all',
    ),
    "trust.refresh_seconds": (
        lambda seconds: seconds <= LONGEST_REFRESH,
        f"a number of seconds up to {LONGEST_REFRESH}, in which a revocation reaches every site",
    ),
    "access.realm": (_is_header_text, "plain text without quotes"),
}


def check_together(config: Config, source: str) -> Config:
    """Refuse settings that make no sense beside each other."""
    forward = config.forward
    if forward.other == "tunnel" and not forward.other_hosts:
        raise ConfigError(
            f'{source}: forward.other is "tunnel", but forward.other_hosts names no host',
            remedy='List the hosts, such as ["store.example", "*.data.example"], or "*" for all.',
        )
    if forward.listen == config.server.listen and not forward.listen.endswith(":0"):
        raise ConfigError(
            f"{source}: forward.listen and server.listen are both {forward.listen}",
            remedy='Give the forward proxy a port of its own, or "" for none.',
        )
    if bool(forward.ca_certificate) != bool(forward.ca_key):
        raise ConfigError(
            f"{source}: forward.ca_certificate and forward.ca_key go together",
            remedy="Set both for a CA of your own, or neither.",
        )
    return config
