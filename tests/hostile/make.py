"""Make hostile models, and a few that only look so: `python -m tests.hostile.make OUT [NAME...]`.

Each is OUT/NAME/model, as a hub would unpack it. What one reads or writes is named relative to
the folder that it is loaded in. Needs TensorFlow.
"""

import sys
from pathlib import Path

from tests.hostile import excused, files, graphs, kerasfiles, shapes

MODELS = {**files.ROWS, **graphs.ROWS, **excused.ROWS, **kerasfiles.ROWS, **shapes.ROWS}
"""Every row by its name."""


def main(words: list[str]) -> None:
    import tensorflow as tf

    out, *names = words
    for name in names or MODELS:
        MODELS[name].build(tf, Path(out) / name / "model")


if __name__ == "__main__":
    main(sys.argv[1:])
