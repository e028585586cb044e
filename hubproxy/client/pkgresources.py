"""A stand-in for `pkg_resources`, which setuptools 82 removed and tensorflow_hub still imports."""

import contextlib
import importlib
import importlib.util
import re
import sys
from types import ModuleType
from typing import Any, Iterator, Tuple

_NAME = "pkg_resources"


@contextlib.contextmanager
def stand_in() -> Iterator[None]:
    """While it lasts, `from pkg_resources import parse_version` works, with setuptools or without.

    Does nothing where the real module can be found.
    """
    if sys.modules.get(_NAME) is not None or importlib.util.find_spec(_NAME) is not None:
        yield
        return
    # TensorFlow first, as tensorflow_hub would: it must not take the stand-in for the real one.
    with contextlib.suppress(ImportError):
        importlib.import_module("tensorflow")
    module = ModuleType(_NAME, "Only parse_version, while tensorflow_hub is imported.")
    module.parse_version = parse_version  # type: ignore[attr-defined]  # a module made by hand
    sys.modules[_NAME] = module
    try:
        yield
    finally:
        if sys.modules.get(_NAME) is module:
            del sys.modules[_NAME]


def parse_version(text: str) -> Any:
    """A value that compares as versions do: `packaging`'s, or the release's numbers without it."""
    try:
        from packaging.version import parse
    except ImportError:
        return release_numbers(text)
    return parse(text)


def release_numbers(text: str) -> Tuple[int, ...]:
    """`2.21.0-rc1` is (2, 21, 0). Text without a number in front is (), less than all others."""
    numbers = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(number) for number in numbers.group().split(".")) if numbers else ()
