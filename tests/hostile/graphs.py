"""Models whose graphs run what they do not show, reach the network, or stop the process."""

from pathlib import Path
from typing import Any

from tests.hostile.files import SECRET, WRITTEN, reduced
from tests.hostile.models import Rows, save

ROWS = Rows()


@ROWS.row("hold", "op:DatasetFromGraph op:ReduceDataset", "reads")
def dataset_from_a_hidden_graph(tf: Any, folder: Path) -> None:
    hidden = tf.raw_ops.DatasetToGraphV2(
        input_dataset=tf.data.TextLineDataset(SECRET)._variant_tensor
    ).numpy()

    def call(text: Any) -> Any:
        # Not a constant: nobody sees it before it runs.
        graph = tf.strings.join([hidden, tf.strings.substr(text, 0, 0)])
        variant = tf.raw_ops.DatasetFromGraph(graph_def=graph)
        from tensorflow.python.data.ops import dataset_ops

        spec = tf.TensorSpec([], tf.string)
        return reduced(tf, dataset_ops._VariantDataset(variant, spec))

    save(tf, folder, call)


@ROWS.row("hold", "op:EagerPyFunc", "fails in a fresh process")
def python_function(tf: Any, folder: Path) -> None:
    def run(text: Any) -> Any:
        Path(WRITTEN).write_bytes(text.numpy())
        return text

    save(tf, folder, lambda text: tf.py_function(run, [text], tf.string))


@ROWS.row("hold", "op:Abort", "ends the process")
def abort(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        with tf.control_dependencies([tf.raw_ops.Abort(error_msg="gone")]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row("hold", "op:RpcServer op:RpcServerStart", "opens a port")
def open_a_server(tf: Any, folder: Path) -> None:
    from tensorflow.distribute.experimental.rpc.kernels import gen_rpc_ops

    def call(text: Any) -> Any:
        server = gen_rpc_ops.rpc_server("127.0.0.1:0")
        with tf.control_dependencies([gen_rpc_ops.rpc_server_start(server)]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row("hold", "op:SleepDataset op:ReduceDataset op:TensorSliceDataset", "waits")
def sleep(tf: Any, folder: Path) -> None:
    from tensorflow.python.data.experimental.ops import testing

    def call(text: Any) -> Any:
        slow = tf.data.Dataset.from_tensor_slices([text]).apply(testing.sleep(2_000_000))
        return reduced(tf, slow)

    save(tf, folder, call)


def edited(tf: Any, folder: Path, change: Any) -> None:
    """Change the message of a model that was saved."""
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(path.read_bytes())
    change(saved)
    path.write_bytes(saved.SerializeToString())


@ROWS.row("hold", "op:WriteFile", "writes when it is named")
def a_function_that_nobody_calls(tf: Any, folder: Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])  # type: ignore[untyped-decorator]
    def idle(text: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(WRITTEN, text)]):
            return tf.identity(text)

    save(tf, folder, tf.strings.lower)
    definition = idle.get_concrete_function().function_def

    def change(saved: Any) -> None:
        library = saved.meta_graphs[0].graph_def.library
        library.function.add().CopyFrom(definition)

    edited(tf, folder, change)


@ROWS.row("hold", "op:WriteFile", "writes as it is loaded")
def an_initializer_that_writes(tf: Any, folder: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        text = v1.placeholder(tf.string, [])
        wrote = tf.io.write_file(WRITTEN, "by loading")
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "serving_default": v1.saved_model.predict_signature_def(
                    {"text": text}, {"out": tf.identity(text)}
                )
            },
            main_op=wrote,
        )
        builder.save()


@ROWS.row("hold", "op:WriteFile", "writes")
def a_second_graph(tf: Any, folder: Path) -> None:
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(folder))
    for number, tags in enumerate((["serve"], ["other"])):
        with tf.Graph().as_default(), v1.Session() as session:
            text = v1.placeholder(tf.string, [], name="text")
            ops = [tf.io.write_file(WRITTEN, text)] if number else []
            with tf.control_dependencies(ops):
                out = tf.identity(text)
            signature = v1.saved_model.predict_signature_def({"text": text}, {"out": out})
            add = (
                builder.add_meta_graph
                if number
                else lambda *words, session=session, **more: builder.add_meta_graph_and_variables(
                    session, *words, **more
                )
            )
            add(tags, signature_def_map={"serving_default": signature})
    builder.save()


@ROWS.row("hold", "op:Sentencepiece>Encode", "cannot be loaded")
def an_op_of_a_library(tf: Any, folder: Path) -> None:
    save(tf, folder, tf.strings.lower)

    def change(saved: Any) -> None:
        for function in saved.meta_graphs[0].graph_def.library.function:
            for node in function.node_def:
                if node.op == "StringLower":
                    node.op = "Sentencepiece>Encode"

    edited(tf, folder, change)
