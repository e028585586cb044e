"""Settings: default, then file, then `HUBPROXY_*`, then flag. What is unknown is an error."""

from hubproxy.config.read import DEFAULT_PATH, load, parse_size
from hubproxy.config.values import HUB_KEYS, KEYS, SECTIONS, TFHUB, Config, Hub

__all__ = [
    "DEFAULT_PATH",
    "HUB_KEYS",
    "KEYS",
    "SECTIONS",
    "TFHUB",
    "Config",
    "Hub",
    "load",
    "parse_size",
]
