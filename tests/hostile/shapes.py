"""Models that are hostile in what lies beside their graph, and clean ones that look hostile."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

from tests.hostile.files import SECRET, WRITTEN
from tests.hostile.graphs import edited
from tests.hostile.models import Rows, save

ROWS = Rows()


def with_words(tf: Any, folder: Path) -> None:
    """A model that looks words up in an asset of its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = folder.parent / "words.txt"
    words.write_text("one\ntwo\n")
    initializer = tf.lookup.TextFileInitializer(
        str(words),
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
    )
    table = tf.lookup.StaticHashTable(initializer, "none")
    module = tf.Module()
    module.table = table
    module.weights = tf.Variable([1.0, 2.0])
    spec = tf.TensorSpec([], tf.string)
    module.call = tf.function(lambda text: table.lookup(tf.constant(0, tf.int64)), [spec])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.call})
    words.unlink()


@ROWS.row("pass", "", "answers")
def a_clean_model(tf: Any, folder: Path) -> None:
    with_words(tf, folder)


@ROWS.row("pass", "", "answers")
def printing_to_the_terminal(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        with tf.control_dependencies([tf.print("seen", text)]):
            return tf.identity(text)

    save(tf, folder, call)


def renamed_asset(tf: Any, folder: Path, name: str) -> None:
    with_words(tf, folder)

    def change(saved: Any) -> None:
        for one in saved.meta_graphs[0].asset_file_def:
            one.filename = name

    edited(tf, folder, change)


@ROWS.row("refuse", "asset:outside", "reads")
def an_asset_that_climbs_out(tf: Any, folder: Path) -> None:
    renamed_asset(tf, folder, f"../../{SECRET}")


@ROWS.row("refuse", "asset:missing", "cannot be loaded")
def an_asset_that_is_not_there(tf: Any, folder: Path) -> None:
    renamed_asset(tf, folder, "gone.txt")


@ROWS.row("refuse", "saved_model:pbtxt", "writes")
def a_graph_as_text(tf: Any, folder: Path) -> None:
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2

    from tests.hostile.files import write_file

    write_file(tf, folder)
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    (folder / "saved_model.pb").unlink()
    (folder / "saved_model.pbtxt").write_text(text_format.MessageToString(saved))


@ROWS.row("refuse", "op:WriteFile saved_model:pbtxt", "writes")
def two_graphs_in_one_folder(tf: Any, folder: Path) -> None:
    from tests.hostile.files import write_file

    write_file(tf, folder)
    (folder / "saved_model.pbtxt").write_text("meta_graphs {}\n")


@ROWS.row("refuse", "saved_model:cpb", "cannot be loaded")
def a_graph_in_chunks(tf: Any, folder: Path) -> None:
    with_words(tf, folder)
    (folder / "saved_model.pb").rename(folder / "saved_model.cpb")


@ROWS.row("refuse", "saved_model:damaged", "cannot be loaded")
def a_graph_that_is_cut_short(tf: Any, folder: Path) -> None:
    with_words(tf, folder)
    path = folder / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:-1])


@ROWS.row("refuse", "saved_model:shard-missing", "cannot be loaded")
def a_shard_that_is_not_there(tf: Any, folder: Path) -> None:
    with_words(tf, folder)
    (folder / "variables" / "variables.data-00000-of-00001").unlink()


class Evil:
    """What a pickle runs as it is read."""

    def __reduce__(self) -> Any:
        return os.system, (f"echo by pickle > {WRITTEN}",)


@ROWS.row("hold", "pickle:posix.system", "writes as it is unpickled")
def a_pickle(tf: Any, folder: Path) -> None:
    with_words(tf, folder)
    (folder / "assets" / "vocabulary.pkl").write_bytes(pickle.dumps(Evil()))


@ROWS.row("hold", "native:library script:python", "is code")
def native_code_and_a_script(tf: Any, folder: Path) -> None:
    with_words(tf, folder)
    library = next(Path("/lib").rglob("libdl.so.2"), None) or next(Path("/lib").rglob("libc.so.6"))
    shutil.copy(library, folder / "assets" / "ops.so")
    (folder / "assets" / "setup.py").write_text("open('written', 'w')\n")


@ROWS.row("hold", "native:program", "is code")
def native_code_by_another_name(tf: Any, folder: Path) -> None:
    with_words(tf, folder)
    shutil.copy("/bin/true", folder / "assets" / "weights")


@ROWS.row("hold", "op:ReadFile", "tflite asks for TensorFlow")
def a_tflite_model_with_tensorflow_ops(tf: Any, folder: Path) -> None:
    folder.mkdir(parents=True)
    call = tf.function(
        tf.io.read_file, input_signature=[tf.TensorSpec([], tf.string)]
    ).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([call])
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    (folder / "model.tflite").write_bytes(converter.convert())


@ROWS.row("pass", "", "tflite runs it")
def a_clean_tflite_model(tf: Any, folder: Path) -> None:
    folder.mkdir(parents=True)
    spec = tf.TensorSpec([4], tf.float32)
    call = tf.function(lambda x: tf.nn.relu(x * 2.0), input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()])
    (folder / "model.tflite").write_bytes(converter.convert())
