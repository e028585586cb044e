"""Models that do harm with what the gate excuses elsewhere: savers, and tables of an asset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.files import SECRET, WRITTEN
from tests.hostile.graphs import edited
from tests.hostile.models import Rows

ROWS = Rows()


def version_1(tf: Any, folder: Path, answer: Callable[[Any], Any]) -> None:
    """A SavedModel as TensorFlow 1 writes it, of one signature and one variable, `x`."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        text = v1.placeholder(tf.string, [], name="text")
        v1.get_variable("x", initializer="", use_resource=True)
        out = tf.identity(answer(text), name="out")
        session.run([v1.global_variables_initializer()])
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.predict_signature_def({"text": text}, {"out": out})
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()


def lines(tf: Any) -> tuple[Any, Any]:
    """A table of the lines of a file by their numbers, and what fills it."""
    path = tf.constant(SECRET, name="path")
    table = tf.raw_ops.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string, name="table")
    filled = tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=table, filename=path, key_index=-1, value_index=-2, name="filling"
    )
    return table, filled


def looked_up(tf: Any, table: Any) -> Any:
    return tf.raw_ops.LookupTableFindV2(
        table_handle=table, keys=tf.constant(0, tf.int64), default_value=tf.constant("")
    )


def with_words(folder: Path) -> None:
    (folder / "assets").mkdir()
    (folder / "assets" / "words.txt").write_text("the\n")


def looking_up(tf: Any, folder: Path) -> None:
    """A model that adds a line of a table to a text; nothing in it fills the table."""

    def answer(text: Any) -> Any:
        table, _ = lines(tf)
        return tf.strings.join([text, looked_up(tf, table)])

    version_1(tf, folder, answer)
    with_words(folder)


@ROWS.row("hold", "op:MergeV2Checkpoints op:SaveV2", "writes as it is loaded")
def a_saver_that_tables_run(tf: Any, folder: Path) -> None:
    version_1(tf, folder, tf.identity)

    def change(saved: Any) -> None:
        (meta,) = saved.meta_graphs
        for node in meta.graph_def.node:
            if node.name == "save/filename/input":
                node.attr["value"].tensor.string_val[0] = WRITTEN.encode()
        initializers = meta.collection_def["table_initializer"].node_list.value
        initializers.append(meta.saver_def.save_tensor_name.partition(":")[0])

    edited(tf, folder, change)


@ROWS.row("hold", "op:RestoreV2", "reads a sparse tensor")
def a_checkpoint_as_a_sparse_tensor(tf: Any, folder: Path) -> None:
    def answer(text: Any) -> Any:
        tf.constant([[0]], tf.int64, name="indices")
        tf.constant([1], tf.int64, name="shape")
        return text

    version_1(tf, folder, answer)

    def change(saved: Any) -> None:
        (meta,) = saved.meta_graphs
        for node in meta.graph_def.node:
            if node.name == "save/filename/input":
                node.attr["value"].tensor.string_val[0] = b"checkpoint"
        flat = meta.graph_def.node.add(name="flat", op="Reshape", input=["save/RestoreV2", "shape"])
        flat.attr["T"].type, flat.attr["Tshape"].type = 7, 9  # string, int64
        sparse = meta.signature_def["serving_default"].outputs["out"].coo_sparse
        sparse.values_tensor_name = "flat:0"
        sparse.indices_tensor_name = "indices:0"
        sparse.dense_shape_tensor_name = "shape:0"

    edited(tf, folder, change)


@ROWS.row("hold", "op:InitializeTableFromTextFileV2", "reads")
def a_table_that_a_call_fills(tf: Any, folder: Path) -> None:
    def answer(text: Any) -> Any:
        table, filled = lines(tf)
        with tf.control_dependencies([filled]):
            return tf.strings.join([text, looked_up(tf, table)])

    version_1(tf, folder, answer)
    with_words(folder)

    def change(saved: Any) -> None:
        # Fed as the module is loaded, and not as it is called.
        saved.meta_graphs[0].asset_file_def.add(filename="words.txt").tensor_info.name = "path:0"

    edited(tf, folder, change)


@ROWS.row("hold", "op:InitializeTableFromTextFileV2", "reads")
def a_table_that_restoring_fills(tf: Any, folder: Path) -> None:
    looking_up(tf, folder)

    def change(saved: Any) -> None:
        # Told the file of the variables as they are restored, and of no asset.
        (meta,) = saved.meta_graphs
        meta.asset_file_def.add(filename="words.txt").tensor_info.name = "path:0"
        for node in meta.graph_def.node:
            if node.name == meta.saver_def.restore_op_name:
                node.input.append("^filling")

    edited(tf, folder, change)


def collected_asset(tf: Any, folder: Path, filename: str) -> None:
    """A model whose table is filled as it is loaded, from an asset that a collection names."""
    looking_up(tf, folder)

    def change(saved: Any) -> None:
        from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef

        (meta,) = saved.meta_graphs
        asset = AssetFileDef(filename=filename)
        asset.tensor_info.name = "path:0"
        meta.collection_def["saved_model_assets"].any_list.value.add().Pack(asset)
        meta.collection_def["table_initializer"].node_list.value.append("filling")

    edited(tf, folder, change)


@ROWS.row("refuse", "asset:outside", "reads")
def a_collected_asset_that_climbs_out(tf: Any, folder: Path) -> None:
    collected_asset(tf, folder, f"../../{SECRET}")


@ROWS.row("pass", "", "answers")
def a_collected_asset(tf: Any, folder: Path) -> None:
    collected_asset(tf, folder, "words.txt")
