"""The rows of the corpus of hostile models. Making one needs TensorFlow; the rows do not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Build = Callable[[Any, Path], None]
"""Given TensorFlow, makes a model in a folder that is not there yet."""


@dataclass(frozen=True)
class Row:
    """A model, and what the gate must make of it.

    Args:
        verdict: `pass`, `hold` or `refuse`.
        findings: the names of all of its findings.
        does: what loading it, and calling it, really does: see `tests.hostile.loading`.
        build: makes it.
    """

    name: str
    verdict: str
    findings: tuple[str, ...]
    does: str
    build: Build


class Rows(dict[str, Row]):
    """Rows by name, in the order they are written."""

    def row(self, verdict: str, findings: str, does: str) -> Callable[[Build], Build]:
        """Take a function as the row of its name."""

        def add(build: Build) -> Build:
            name = build.__name__
            self[name] = Row(name, verdict, tuple(findings.split()), does, build)
            return build

        return add


def save(tf: Any, folder: Path, call: Callable[[Any], Any]) -> None:
    """A module with one function of a text, as `hub.load` gives it."""
    module = tf.Module()
    spec = tf.TensorSpec([], tf.string)
    module.call = tf.function(call, input_signature=[spec])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.call})
