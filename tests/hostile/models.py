"""Make hostile models, and a few that only look so: `python -m tests.hostile.models OUT [NAME...]`.

Each is OUT/NAME/model, as a hub would unpack it. What one reads or writes is named relative to
the folder that it is loaded in. Needs TensorFlow; `ROWS` alone does not.
"""

import sys
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


ROWS: dict[str, Row] = {}


def row(verdict: str, findings: str, does: str) -> Callable[[Build], Build]:
    """Take a function as the row of its name."""

    def add(build: Build) -> Build:
        name = build.__name__
        ROWS[name] = Row(name, verdict, tuple(findings.split()), does, build)
        return build

    return add


def save(tf: Any, folder: Path, call: Callable[[Any], Any]) -> None:
    """A module with one function of a text, as `hub.load` gives it."""
    module = tf.Module()
    spec = tf.TensorSpec([], tf.string)
    module.call = tf.function(call, input_signature=[spec])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.call})


def main(words: list[str]) -> None:
    import tensorflow as tf

    from tests.hostile import files, graphs, shapes

    assert files and graphs and shapes
    out, *names = words
    for name in names or ROWS:
        ROWS[name].build(tf, Path(out) / name / "model")


if __name__ == "__main__":
    from tests.hostile.models import main as run  # this file once more, as the others import it

    run(sys.argv[1:])
