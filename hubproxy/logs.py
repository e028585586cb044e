"""Log events: a dotted name in the past tense, then fields with the audit log's names."""

import logging

_LOGGER = logging.getLogger("hubproxy")
_LONGEST_VALUE = 300


def event(name: str, /, level: int = logging.INFO, **fields: object) -> None:
    """Log one event, such as `pull.fetched handle=tfhub.dev/google/spice/2 ms=412`.

    Values are escaped and cut, so that no name from outside can forge a line.
    """
    if _LOGGER.isEnabledFor(level):
        text = " ".join(f"{key}={_plain(value)}" for key, value in fields.items())
        _LOGGER.log(level, "%s %s", name, text)


def _plain(value: object) -> str:
    text = str(value)
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "…"
    if text.isprintable() and " " not in text and '"' not in text:
        return text or '""'
    return '"' + text.encode("unicode_escape").decode().replace('"', '\\"') + '"'
