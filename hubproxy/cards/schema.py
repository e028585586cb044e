"""CycloneDX's own schema, by the validator of cyclonedx-python-lib (the extra `bom`).

The library knows the component of a model but not its card (its issues 912 and 913), so its
classes are of no use here; its schema is the standard's.
"""

from itertools import islice
from typing import Any

from hubproxy.errors import NotInstalledError

_MOST_FAULTS = 5
_LONGEST = 300


def faults(text: str) -> list[str]:
    """What is wrong with a CycloneDX 1.6 document in JSON, the first few of it; empty for nothing.

    Raises:
        NotInstalledError: the library is not.
    """
    try:
        # Seconds to import, and needed by officers alone.
        from cyclonedx.exception import MissingOptionalDependencyException  # noqa: PLC0415
        from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
        from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415
    except ImportError as error:
        raise _missing() from error
    try:
        found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True)
    except MissingOptionalDependencyException as error:
        raise _missing() from error
    return [_told(error.data) for error in islice(found or (), _MOST_FAULTS)]


def _missing() -> NotInstalledError:
    return NotInstalledError(
        "model cards cannot be checked: cyclonedx-python-lib is not installed here",
        remedy="Run `pip install 'hubproxy[bom]'`.",
    )


def _told(error: Any) -> str:
    """A validator's error: of several that one place may meet, the one that got furthest."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    text = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]}…"
    return f"{error.json_path.removeprefix('$.')}: {text}"
