"""Models whose graphs read and write files."""

from pathlib import Path
from typing import Any

from tests.hostile.models import Rows, save

ROWS = Rows()

WRITTEN, SECRET = "written", "secret"
"""What they write, and what they read, in the folder that they are loaded in."""


@ROWS.row("hold", "op:WriteFile", "writes")
def write_file(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(WRITTEN, text)]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row("hold", "op:WriteFile", "writes")
def write_file_three_calls_deep(tf: Any, folder: Path) -> None:
    @tf.function  # type: ignore[untyped-decorator]
    def inner(text: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(WRITTEN, text)]):
            return tf.identity(text)

    @tf.function  # type: ignore[untyped-decorator]
    def middle(text: Any) -> Any:
        return tf.cond(tf.strings.length(text) > 0, lambda: inner(text), lambda: text)

    save(tf, folder, middle)


@ROWS.row("hold", "op:PrintV2", "writes")
def print_to_a_file(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        printed = tf.raw_ops.PrintV2(input=text, output_stream=f"file://{WRITTEN}")
        with tf.control_dependencies([printed]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row("hold", "op:SaveV2", "writes")
def save_a_checkpoint(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        saved = tf.raw_ops.SaveV2(
            prefix=WRITTEN, tensor_names=["x"], shape_and_slices=[""], tensors=[text]
        )
        with tf.control_dependencies([saved]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row("hold", "op:MergeV2Checkpoints op:SaveV2", "writes")
def merge_checkpoints(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        saved = tf.raw_ops.SaveV2(
            prefix="part", tensor_names=["x"], shape_and_slices=[""], tensors=[text]
        )
        with tf.control_dependencies([saved]):
            merged = tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=["part"], destination_prefix=WRITTEN
            )
        with tf.control_dependencies([merged]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row(
    "hold",
    "op:CloseSummaryWriter op:CreateSummaryFileWriter op:FlushSummaryWriter op:SummaryWriter "
    "op:WriteScalarSummary",
    "writes",
)
def write_summaries(tf: Any, folder: Path) -> None:
    raw = tf.raw_ops

    def call(text: Any) -> Any:
        writer = raw.SummaryWriter(shared_name="w", container="")
        made = raw.CreateSummaryFileWriter(
            writer=writer, logdir=WRITTEN, max_queue=1, flush_millis=1, filename_suffix=".v2"
        )
        with tf.control_dependencies([made]):
            wrote = raw.WriteScalarSummary(
                writer=writer, step=tf.constant(1, tf.int64), tag="x", value=1.0
            )
        with tf.control_dependencies([wrote]):
            flushed = raw.FlushSummaryWriter(writer=writer)
        with tf.control_dependencies([flushed]):
            closed = raw.CloseSummaryWriter(writer=writer)
        with tf.control_dependencies([closed]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row("hold", "op:DatasetToTFRecord op:TensorSliceDataset", "writes")
def dataset_to_records(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        found = tf.data.Dataset.from_tensor_slices([text])
        wrote = tf.raw_ops.DatasetToTFRecord(
            input_dataset=found._variant_tensor, filename=WRITTEN, compression_type=""
        )
        with tf.control_dependencies([wrote]):
            return tf.identity(text)

    save(tf, folder, call)


def reduced(tf: Any, dataset: Any) -> Any:
    """All texts of a dataset as one."""
    return dataset.reduce(tf.constant(""), lambda whole, one: whole + one)


@ROWS.row(
    "hold",
    "op:CacheDatasetV2 op:DummyMemoryCache op:ReduceDataset op:TensorSliceDataset",
    "writes",
)
def cache_a_dataset(tf: Any, folder: Path) -> None:
    save(
        tf,
        folder,
        lambda text: reduced(tf, tf.data.Dataset.from_tensor_slices([text]).cache(WRITTEN)),
    )


@ROWS.row("hold", "op:ReadFile", "reads")
def read_file(tf: Any, folder: Path) -> None:
    save(tf, folder, lambda text: tf.io.read_file(SECRET))


@ROWS.row("hold", "op:MatchingFiles", "lists")
def list_files(tf: Any, folder: Path) -> None:
    save(tf, folder, lambda text: tf.strings.reduce_join(tf.io.matching_files("*")))


@ROWS.row(
    "hold",
    "op:FlatMapDataset op:ReduceDataset op:TensorSliceDataset op:TextLineDataset",
    "reads",
)
def read_lines(tf: Any, folder: Path) -> None:
    save(tf, folder, lambda text: reduced(tf, tf.data.TextLineDataset(SECRET)))


@ROWS.row(
    "hold",
    "op:FixedLengthRecordDatasetV2 op:FlatMapDataset op:ReduceDataset op:TensorSliceDataset",
    "reads",
)
def read_records(tf: Any, folder: Path) -> None:
    save(tf, folder, lambda text: reduced(tf, tf.data.FixedLengthRecordDataset(SECRET, 1)))


@ROWS.row("hold", "op:CSVDatasetV2 op:MapDataset op:ReduceDataset", "reads")
def read_columns(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        rows = tf.data.experimental.CsvDataset(SECRET, [tf.string])
        return reduced(tf, rows.map(lambda one: one))

    save(tf, folder, call)


@ROWS.row("hold", "op:RestoreV2", "reads a checkpoint")
def read_a_checkpoint(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        return tf.raw_ops.RestoreV2(
            prefix="checkpoint", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.string]
        )[0]

    save(tf, folder, call)


@ROWS.row("hold", "op:InitializeTableFromTextFileV2", "reads")
def fill_a_table(tf: Any, folder: Path) -> None:
    raw = tf.raw_ops

    def call(text: Any) -> Any:
        table = raw.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string, shared_name="t")
        # Whole lines, by their numbers.
        filled = raw.InitializeTableFromTextFileV2(
            table_handle=table, filename=SECRET, key_index=-1, value_index=-2
        )
        with tf.control_dependencies([filled]):
            return raw.LookupTableFindV2(
                table_handle=table, keys=tf.constant(0, tf.int64), default_value="nothing"
            )

    save(tf, folder, call)


@ROWS.row("hold", "op:ImmutableConst", "reads numbers")
def map_a_file(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        found = tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=[16], memory_region_name=SECRET)
        return tf.strings.reduce_join(tf.strings.as_string(tf.cast(found, tf.int32)), separator=" ")

    save(tf, folder, call)


@ROWS.row("hold", "op:SqlDataset op:MapDataset op:ReduceDataset", "reads a database")
def read_a_database(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        rows = tf.data.experimental.SqlDataset(
            "sqlite", "database", "SELECT text FROM secrets", (tf.string,)
        )
        return reduced(tf, rows.map(lambda one: one))

    save(tf, folder, call)


@ROWS.row(
    "hold",
    "op:CloseSummaryWriter op:CreateSummaryDbWriter op:SummaryWriter op:WriteScalarSummary",
    "writes",
)
def write_a_database(tf: Any, folder: Path) -> None:
    raw = tf.raw_ops

    def call(text: Any) -> Any:
        writer = raw.SummaryWriter(shared_name="d", container="")
        made = raw.CreateSummaryDbWriter(
            writer=writer, db_uri=WRITTEN, experiment_name="e", run_name="r", user_name="u"
        )
        with tf.control_dependencies([made]):
            wrote = raw.WriteScalarSummary(
                writer=writer, step=tf.constant(1, tf.int64), tag="x", value=1.0
            )
        with tf.control_dependencies([wrote]):
            closed = raw.CloseSummaryWriter(writer=writer)
        with tf.control_dependencies([closed]):
            return tf.identity(text)

    save(tf, folder, call)


@ROWS.row(
    "hold",
    "op:MapDataset op:ParallelInterleaveDatasetV4 op:RangeDataset op:ReduceDataset "
    "op:RewriteDataset op:SnapshotDatasetV2 op:TensorSliceDataset op:ZipDataset",
    "writes",
)
def snapshot_a_dataset(tf: Any, folder: Path) -> None:
    save(
        tf,
        folder,
        lambda text: reduced(tf, tf.data.Dataset.from_tensor_slices([text]).snapshot(WRITTEN)),
    )


@ROWS.row(
    "hold",
    "op:FlatMapDataset op:ReduceDataset op:TFRecordDataset op:TensorSliceDataset",
    "reads",
)
def read_tensorflow_records(tf: Any, folder: Path) -> None:
    save(tf, folder, lambda text: reduced(tf, tf.data.TFRecordDataset("records")))


@ROWS.row("hold", "op:LoadAndRemapMatrix", "reads numbers of a checkpoint")
def read_a_matrix(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        found = tf.raw_ops.LoadAndRemapMatrix(
            ckpt_path="matrix",
            old_tensor_name="x",
            row_remapping=tf.constant([0], tf.int64),
            col_remapping=tf.constant([], tf.int64),
            initializing_values=tf.constant([], tf.float32),
            num_rows=1,
            num_cols=2,
        )
        return tf.strings.reduce_join(tf.strings.as_string(found, precision=1), separator=" ")

    save(tf, folder, call)


@ROWS.row("hold", "op:GenerateVocabRemapping", "reads words")
def read_two_vocabularies(tf: Any, folder: Path) -> None:
    def call(text: Any) -> Any:
        found = tf.raw_ops.GenerateVocabRemapping(
            new_vocab_file=SECRET, old_vocab_file=SECRET, new_vocab_offset=0, num_new_vocab=1
        )
        return tf.strings.as_string(found.num_present)

    save(tf, folder, call)
