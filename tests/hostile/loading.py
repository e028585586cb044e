"""Load hostile models, and see what they really do: `python -m tests.hostile.loading OUT NAME...`.

Each is loaded in a folder of its own, OUT/NAME/run, with a secret to be read. A line of JSON says
of each what came of it: `done` tells whether it did what its row says. Needs TensorFlow.
"""

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.make import MODELS
from tests.hostile.models import Row

TEXT = "only on this host"
_WRITTEN = "written"


def main(words: list[str]) -> None:
    import tensorflow as tf

    out, *names = words
    for name in names:
        place = Path(out).resolve() / name
        prepared(tf, place)
        os.chdir(place / "run")
        try:
            done, told = _WAYS[MODELS[name].does](tf, place / "model", MODELS[name])
        except Exception as error:  # noqa: BLE001 - whatever TensorFlow raises is told
            done, told = False, f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps({"name": name, "done": done, "told": str(told)[:500]}) + "\n")
        sys.stdout.flush()


def prepared(tf: Any, place: Path) -> None:
    """What there is to read on a host that loads the model."""
    run = place / "run"
    run.mkdir()
    for folder in (run, place):
        (folder / "secret").write_text(TEXT)
    tf.raw_ops.SaveV2(
        prefix=str(run / "checkpoint"),
        tensor_names=["x"],
        shape_and_slices=[""],
        tensors=[tf.constant(TEXT)],
    )
    tf.raw_ops.SaveV2(
        prefix=str(run / "matrix"),
        tensor_names=["x"],
        shape_and_slices=[""],
        tensors=[tf.constant([[4.0, 2.0]])],
    )
    with tf.io.TFRecordWriter(str(run / "records")) as records:
        records.write(TEXT.encode())
    with sqlite3.connect(run / "database") as database:
        database.execute("CREATE TABLE secrets (text TEXT)")
        database.execute("INSERT INTO secrets VALUES (?)", [TEXT])


def call(tf: Any, model: Path) -> Any:
    """Load a model as `hub.load` does, and call it."""
    loaded = tf.saved_model.load(str(model))
    found = getattr(loaded, "call", None) or loaded.signatures["serving_default"]
    answer = found(tf.constant("a text"))
    return next(iter(answer.values())) if isinstance(answer, dict) else answer


def has_written() -> bool:
    return any(path.name.startswith(_WRITTEN) for path in Path().iterdir())


def writes(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    if model.parent.name == "a_second_graph":
        loaded = tf.compat.v1.saved_model.load_v2(str(model), tags=["other"])
        loaded.signatures["serving_default"](text=tf.constant("a text"))
    else:
        call(tf, model)
    return has_written(), "written"


def writes_when_named(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        meta = v1.saved_model.load(session, ["serve"], str(model))
        names = [function.signature.name for function in meta.graph_def.library.function]
        (idle,) = (name for name in names if "idle" in name)
        out = tf.raw_ops.StatefulPartitionedCall(
            args=[tf.constant("a text")], Tout=[tf.string], f=_Named(graph, idle)
        )
        session.run(out)
    return has_written(), idle


class _Named:
    """A function of a graph's library, by its name."""

    def __init__(self, graph: Any, name: str) -> None:
        self.graph, self.name = graph, name

    def add_to_graph(self, graph: Any) -> None: ...


def writes_as_loaded(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    tf.saved_model.load(str(model))
    return has_written(), "written"


def reads(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    answer = call(tf, model).numpy()
    return TEXT.encode() in answer, answer


def reads_sparsely(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    loaded = tf.saved_model.load(str(model))
    answer = loaded.signatures["serving_default"](tf.constant("a text"))["out"].values.numpy()
    return list(answer) == [TEXT.encode()], answer


def reads_numbers(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    answer = bytes(map(int, call(tf, model).numpy().split()))
    return TEXT.encode().startswith(answer) and len(answer) == 16, answer


def reads_a_matrix(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    answer = call(tf, model).numpy()
    return answer == b"4.0 2.0", answer


def reads_words(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    answer = call(tf, model).numpy()
    return answer == b"1", answer


def lists(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    answer = call(tf, model).numpy()
    return b"secret" in answer, answer


def fails(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    try:
        call(tf, model)
    except Exception as error:  # noqa: BLE001 - whatever TensorFlow raises
        return "callback" in str(error) and not has_written(), error
    return False, "it ran"


def cannot_be_loaded(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    try:
        call(tf, model)
    except Exception as error:  # noqa: BLE001 - whatever TensorFlow raises
        return not has_written(), error
    return False, "it was loaded"


def ends(_tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    code = (
        "import sys, tensorflow as tf\n"
        "tf.saved_model.load(sys.argv[1]).call(tf.constant('a text'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, model], capture_output=True, check=False)
    return ran.returncode == -signal.SIGABRT, ran.returncode


def listening() -> int:
    """Ports that this process listens on."""
    inodes = set()
    for path in Path("/proc/self/fd").iterdir():
        try:
            inodes.add(str(path.readlink()).removeprefix("socket:[").removesuffix("]"))
        except OSError:
            continue
    tables = [Path(f"/proc/self/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return sum(row[3] == "0A" and row[9] in inodes for row in rows)


def opens_a_port(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    before = listening()
    call(tf, model)
    return listening() > before, (before, listening())


def waits(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    begun = time.monotonic()
    call(tf, model)
    return time.monotonic() - begun > 1.5, time.monotonic() - begun


def answers(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    return not has_written(), call(tf, model)


def keras_file(model: Path) -> Path:
    return next(path for path in model.iterdir() if path.suffix in (".keras", ".h5"))


def keras_writes(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    loaded = tf.keras.models.load_model(keras_file(model), safe_mode=False)
    loaded(tf.zeros([1, 1]))
    return has_written(), "written"


def keras_reads(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    loaded = tf.keras.models.load_model(keras_file(model), safe_mode=False)
    words = loaded.layers[-1].get_vocabulary()
    return TEXT in words, words


def keras_loads(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    for path in model.iterdir():
        tf.keras.models.load_model(path, compile=False)(tf.zeros([1, 4]))
    return not has_written(), "loaded"


def unpickled(_tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    pickle.loads((model / "assets" / "vocabulary.pkl").read_bytes())
    return has_written(), "written"


def is_code(_tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    import ctypes

    if (model / "assets" / "ops.so").exists():
        ctypes.CDLL(str(model / "assets" / "ops.so"))
        exec((model / "assets" / "setup.py").read_text(), {})
        return has_written(), "loaded"
    program = model / "assets" / "weights"
    program.chmod(0o755)
    return subprocess.run([program], check=False).returncode == 0, "ran"


def tflite_asks(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    """It runs only where the ops of TensorFlow are linked in; this runtime has none."""
    try:
        tf.lite.Interpreter(str(model / "model.tflite")).allocate_tensors()
    except RuntimeError as error:
        return "FlexReadFile" in str(error), error
    return False, "it ran"


def tflite_runs(tf: Any, model: Path, _: Row) -> tuple[bool, object]:
    interpreter = tf.lite.Interpreter(str(model / "model.tflite"))
    interpreter.allocate_tensors()
    interpreter.invoke()
    return True, "ran"


_WAYS: dict[str, Callable[[Any, Path, Row], tuple[bool, object]]] = {
    "writes": writes,
    "writes when it is named": writes_when_named,
    "writes as it is loaded": writes_as_loaded,
    "reads": reads,
    "reads numbers": reads_numbers,
    "reads a sparse tensor": reads_sparsely,
    "reads a checkpoint": reads,
    "reads a database": reads,
    "reads numbers of a checkpoint": reads_a_matrix,
    "reads words": reads_words,
    "lists": lists,
    "fails in a fresh process": fails,
    "cannot be loaded": cannot_be_loaded,
    "ends the process": ends,
    "opens a port": opens_a_port,
    "waits": waits,
    "answers": answers,
    "writes as keras loads it": keras_writes,
    "keras reads": keras_reads,
    "keras loads it": keras_loads,
    "writes as it is unpickled": unpickled,
    "is code": is_code,
    "tflite asks for TensorFlow": tflite_asks,
    "tflite runs it": tflite_runs,
}


if __name__ == "__main__":
    main(sys.argv[1:])
