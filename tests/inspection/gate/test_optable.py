"""The table of ops: whole, in order, and with the classes that matter."""

import pytest

from hubproxy.inspection.gate.optable import ALLOWED, CLASSES, PATH, WHY, classed, entries, write
from tests.ops.table import merged, unclassed

# What was seen to do these things when a graph named it, or does so by its documentation.
DANGEROUS = {
    "file-write": "WriteFile PrintV2 Save SaveV2 SaveSlices MergeV2Checkpoints DebugIdentityV2 "
    "CreateSummaryFileWriter CreateSummaryDbWriter WriteScalarSummary DatasetToTFRecord "
    "SaveDatasetV2 SnapshotDatasetV2",
    "file-read": "ReadFile MatchingFiles RestoreV2 RestoreSlice TextLineDataset TFRecordDataset "
    "FixedLengthRecordDatasetV2 SqlDataset LoadDataset RecordInput WholeFileReaderV2 "
    "InitializeTableFromTextFileV2 LoadAndRemapMatrix GenerateVocabRemapping",
    "network": "RpcServer RpcClient RpcCall DataServiceDatasetV4 Send Recv",
    "code": "PyFunc PyFuncStateless EagerPyFunc DatasetFromGraph DeserializeIterator "
    "XlaCallModule RemoteCall",
    "denial": "Abort",
}
PURE = "MatMul Conv2D Softmax AddV2 Reshape StridedSlice Cast Relu MaxPool"


def test_the_table_is_whole_and_in_order() -> None:
    table = entries()
    assert len(table) > 1900
    assert {one.kind for one in table.values()} == set(CLASSES) == set(WHY)
    assert all(one.reason and one.versions for one in table.values())
    assert set().union(*(one.versions for one in table.values())) == {"1.15", "2.15", "2.21"}
    assert write(table) == PATH.read_text()


@pytest.mark.parametrize(
    ("kind", "op"), [(kind, op) for kind, ops in DANGEROUS.items() for op in ops.split()]
)
def test_what_reaches_beyond_the_process_does_not_pass(kind: str, op: str) -> None:
    found = classed(op)
    assert found is not None
    assert found.kind not in ALLOWED
    assert found.kind == kind


@pytest.mark.parametrize("op", PURE.split())
def test_what_computes_passes(op: str) -> None:
    found = classed(op)
    assert found is not None
    assert found.kind == "pure"


def test_an_op_of_nobodys_has_no_class() -> None:
    assert classed("SentencepieceOp") is None


def test_an_op_that_nobody_has_classed_is_named() -> None:
    table = entries()
    installed = dict.fromkeys([*table, "BrandNewOp"], False)
    assert unclassed(table, installed) == ["BrandNewOp"]
    assert unclassed(merged(table, installed, "2.99"), installed) == []


@pytest.mark.parametrize(
    "line",
    ["Abort\tharmless\t2.21\tit is", "AAA\tpure\t2.21\t", "Zzz\tpure\t2.21\tx\nYyy\tpure\t2.21\tx"],
)
def test_a_damaged_table_is_refused(
    line: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ops") / "ops.tsv"
    path.write_text(f"{line}\n")
    monkeypatch.setattr("hubproxy.inspection.gate.optable.PATH", path)
    with pytest.raises(ValueError, match="is damaged at"):
        entries()
