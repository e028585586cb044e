"""What the gate makes of SavedModels: every graph, every function, and every asset."""

import pytest

from tests.inspection.gate.looking import (
    ASSET_OBJECT,
    asset,
    function,
    graph_of,
    looked,
    names,
    objects,
    step,
)
from tests.inspection.wire import meta, saved_model
from tests.models import MODEL, tiny


def one(*metas: bytes) -> dict[str, bytes]:
    return {"saved_model.pb": saved_model(*metas)}


@pytest.mark.parametrize(
    "op",
    "WriteFile SaveV2 PrintV2 MergeV2Checkpoints DebugIdentity CreateSummaryFileWriter "
    "DatasetToTFRecord ReadFile MatchingFiles RestoreV2 TextLineDataset SqlDataset "
    "InitializeTableFromTextFileV2 ImmutableConst LoadAndRemapMatrix RpcServer RpcClient "
    "DataServiceDatasetV4 Send FileSystemSetConfiguration PyFunc EagerPyFunc DatasetFromGraph "
    "XlaCallModule RemoteCall Abort SleepDataset RangeDataset TPUExecute _Arg "
    "SentencepieceOp".split(),
)
def test_row_16_an_op_that_is_not_of_a_harmless_class_is_held(op: str) -> None:
    node = step(op, "evil", output_stream=b"file:///tmp/out")
    assert names(one(meta(graph_of(node)))) == ["hold", f"op:{op}"]
    assert names(one(meta(graph_of(functions=(function("f", "", node),))))) == ["hold", f"op:{op}"]


@pytest.mark.parametrize("op", ["MatMul", "VarHandleOp", "HashTableV2", "While", "DecodeJpeg"])
def test_ops_that_compute_pass(op: str) -> None:
    assert names(one(meta(graph_of(step(op, "fine"))))) == ["pass"]


def test_a_finding_says_where_and_why() -> None:
    deep = function("inner", "", step("WriteFile", "w", "name", "text"))
    (found,) = looked(one(meta(), meta(graph_of(functions=(deep,))))).findings
    assert str(found) == "op:WriteFile in function inner of graph 1"
    assert "writes files on the machine that loads the module" in found.why
    assert "trust policy allow" in found.remedy


def test_row_16_a_second_meta_graph_and_a_nested_model_are_looked_at() -> None:
    evil = meta(graph_of(step("ReadFile", "r")))
    assert names(one(meta(graph_of(step("Const", "c"))), evil)) == ["hold", "op:ReadFile"]
    files = {**MODEL, "more/inside/saved_model.pb": saved_model(evil)}
    assert names(files) == ["hold", "op:ReadFile"]


def test_an_op_of_a_library_is_a_call_and_passes_for_what_the_function_does() -> None:
    calls = graph_of(step("mine", "call"), functions=(function("mine", "", step("Add", "a")),))
    assert names(one(meta(calls))) == ["pass"]


@pytest.mark.parametrize(
    "functions",
    [
        pytest.param((function("ReadFile", "", step("Add", "a")),), id="named as an op"),
        pytest.param((function("f", ""), function("f", "")), id="two of one name"),
    ],
)
def test_a_name_for_two_things_is_refused(functions: tuple[bytes, ...]) -> None:
    assert names(one(meta(graph_of(functions=functions)))) == ["refuse", "saved_model:ambiguous"]


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        pytest.param("../../../etc/passwd", "asset:outside", id="row 17: climbs out"),
        pytest.param("/etc/passwd", "asset:outside", id="row 17: absolute"),
        pytest.param("C:evil", "asset:outside", id="row 17: a drive"),
        pytest.param("a\\..\\b", "asset:outside", id="row 17: backslashes"),
        pytest.param("gs://bucket/x", "asset:outside", id="row 17: elsewhere"),
        pytest.param("", "asset:outside", id="row 17: no name"),
        pytest.param("gone.txt", "asset:missing", id="not there"),
    ],
)
def test_row_17_an_asset_is_a_file_of_the_module(name: str, finding: str) -> None:
    found = meta(graph_of(step("Const", "words"))) + asset("words:0", name)
    assert names({**one(found), "assets/words.txt": b"the\nof\n"}) == ["refuse", finding]


def test_an_asset_that_the_objects_name_and_nobody_lists_is_refused() -> None:
    found = meta(graph_of()) + objects(ASSET_OBJECT)
    assert names(one(found)) == ["refuse", "asset:missing"]


@pytest.mark.parametrize("name", ["saved_model.pbtxt", "saved_model.cpb"])
def test_row_17_a_graph_in_another_form_is_refused(name: str) -> None:
    finding = "saved_model:" + name.partition(".")[2]
    assert names({name: b"x"}) == ["refuse", finding]
    assert names({**MODEL, name: b"x"}) == ["refuse", finding]
    assert names({**MODEL, f"below/{name}": b"x"}) == ["refuse", finding]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        pytest.param(b"\x08\x03", ["pass"], id="format 3"),
        pytest.param(b"\x08\x02", ["refuse", "tf1_hub:damaged"], id="another format"),
        pytest.param(b"\xff", ["refuse", "tf1_hub:damaged"], id="damaged"),
    ],
)
def test_a_module_of_tensorflow_1_says_what_it_is(module: bytes, expected: list[str]) -> None:
    assert names({"saved_model.pb": tiny(), "tfhub_module.pb": module}) == expected


def test_what_is_no_saved_model_is_refused() -> None:
    assert names({"saved_model.pb": b"\xff"}) == ["refuse", "saved_model:damaged"]
    assert names({"saved_model.pb": b""}) == ["refuse", "saved_model:damaged"]


def test_a_name_that_drives_a_terminal_is_not_printed() -> None:
    node = step("Evil\x1b[2J", "n\x1b[2J\n")
    (found,) = looked(one(meta(graph_of(node)))).findings
    assert found.name == "op:unprintable"
    assert str(found).isprintable()


@pytest.mark.parametrize("name", ["frozen.pb", "model.ckpt.meta", "SAVED_MODEL.PB", "a/x.Pb"])
def test_a_graph_by_another_name_is_held(name: str) -> None:
    assert names({name: b"x", "a/about.txt": b""}) == ["hold", "graph:other"]


@pytest.mark.parametrize("name", ["fingerprint.pb", "assets/meta", "assets/label_map.pbtxt"])
def test_what_is_no_graph_passes(name: str) -> None:
    assert names({**MODEL, name: b"x"}) == ["pass"]
