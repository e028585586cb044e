"""What the gate makes of SavedModels: every graph, every function, and the three excuses."""

import pytest

from tests.inspection.gate.looking import (
    ASSET_OBJECT,
    asset,
    function,
    graph_of,
    looked,
    names,
    objects,
    saver,
    step,
)
from tests.inspection.wire import data, meta, pair, saved_model, signature
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


SAVE = function("save", "prefix", step("SaveV2", "s", "prefix"), step("MergeV2Checkpoints", "m"))
RESTORE = function("restore", "prefix", step("RestoreV2", "r", "prefix"))
NODES = (
    step("Placeholder", "file"),
    step("StatefulPartitionedCall", "saving", "file", calls="save"),
    step("StatefulPartitionedCall", "restoring", "file", calls="restore"),
)
SAVER = saver("file:0", "saving:0", "restoring")
CALL = step("StatefulPartitionedCall", "call", calls="save")
OUTPUT = {"default": signature({}, {"y": data(1, b"call:0")})}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(meta(graph_of(*NODES, functions=(SAVE, RESTORE))) + SAVER, [], id="a saver"),
        pytest.param(
            meta(graph_of(*NODES, functions=(SAVE, RESTORE))),
            ["op:MergeV2Checkpoints", "op:RestoreV2", "op:SaveV2"],
            id="no saver names them",
        ),
        pytest.param(
            meta(graph_of(*NODES, CALL, functions=(SAVE, RESTORE)), signatures=OUTPUT) + SAVER,
            ["op:MergeV2Checkpoints", "op:SaveV2"],
            id="a signature calls the saver's function",
        ),
        pytest.param(
            meta(graph_of(*NODES, functions=(SAVE, RESTORE)))
            + SAVER
            + objects(concrete={"save": ()}),
            ["op:MergeV2Checkpoints", "op:SaveV2"],
            id="the loader hands the saver's function out",
        ),
        pytest.param(
            meta(
                graph_of(
                    *NODES,
                    functions=(
                        SAVE,
                        RESTORE,
                        function("x", "", step("PartitionedCall", "c", calls="save")),
                    ),
                )
            )
            + SAVER,
            ["op:MergeV2Checkpoints", "op:SaveV2"],
            id="a function that nobody calls, calls it",
        ),
        pytest.param(
            meta(
                graph_of(
                    NODES[0],
                    NODES[1],
                    step("StatefulPartitionedCall", "restoring", "file", "saving", calls="restore"),
                    functions=(SAVE, RESTORE),
                )
            )
            + SAVER,
            ["op:MergeV2Checkpoints", "op:SaveV2"],
            id="restoring saves",
        ),
        pytest.param(
            meta(
                graph_of(
                    *NODES,
                    functions=(
                        SAVE,
                        function(
                            "restore",
                            "prefix",
                            step("Const", "k"),
                            step("RestoreV2", "r", "k:output:0"),
                        ),
                    ),
                )
            )
            + SAVER,
            ["op:RestoreV2"],
            id="restores another file than it is told",
        ),
        pytest.param(
            meta(
                graph_of(
                    *NODES, functions=(SAVE, function("restore", "p", step("ReadFile", "r", "p")))
                )
            )
            + SAVER,
            ["op:ReadFile"],
            id="a saver that does something else",
        ),
    ],
)
def test_row_16_a_saver_of_tensorflow_2_saves_and_nobody_else(
    found: bytes, expected: list[str]
) -> None:
    assert names(one(found))[1:] == expected


TF1 = (
    step("Const", "save/Const"),
    step("SaveV2", "save/SaveV2", "save/Const"),
    step("Identity", "save/done", "save/Const", "^save/SaveV2"),
    step("RestoreV2", "save/RestoreV2", "save/Const"),
    step("NoOp", "save/restore_all", "^save/RestoreV2"),
)
TF1_SAVER = saver("save/Const:0", "save/done:0", "save/restore_all")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(meta(graph_of(*TF1)) + TF1_SAVER, [], id="a saver"),
        pytest.param(
            meta(
                graph_of(*TF1, step("Identity", "y", "save/RestoreV2")),
                signatures={"default": signature({}, {"y": data(1, b"y:0")})},
            )
            + TF1_SAVER,
            ["op:RestoreV2"],
            id="an output depends on it",
        ),
        pytest.param(
            meta(graph_of(*TF1))
            + TF1_SAVER
            + pair(4, "saved_model_main_op", data(1, data(1, b"save/SaveV2"))),
            ["op:SaveV2"],
            id="loading runs it",
        ),
        pytest.param(
            meta(graph_of(*TF1, step("SaveV2", "save/other", "save/Const"))) + TF1_SAVER,
            ["op:SaveV2"],
            id="another node with a saver's name",
        ),
    ],
)
def test_row_16_a_saver_of_tensorflow_1_saves_and_nothing_else(
    found: bytes, expected: list[str]
) -> None:
    assert names(one(found))[1:] == expected


WORDS = {"assets/words.txt": b"the\nof\n"}
INIT = function("init", "table path", step("InitializeTableFromTextFileV2", "i", "table", "path"))
OTHER_FILE = function(
    "init", "table path", step("InitializeTableFromTextFileV2", "i", "table", "Const:output:0")
)
BOUND = objects(ASSET_OBJECT, data(10), concrete={"init": (1, 0)})
CHAIN = (
    step("Placeholder", "words"),
    step("VarHandleOp", "Variable"),
    step("AssignVariableOp", "Variable/Assign", "Variable", "words"),
    step("ReadVariableOp", "read", "Variable", "^Variable/Assign"),
    step("HashTableV2", "table"),
    step("StatefulPartitionedCall", "filling", "table", "read", calls="init"),
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(meta(graph_of(functions=(INIT,))) + BOUND, [], id="bound by the loader"),
        pytest.param(meta(graph_of(*CHAIN, functions=(INIT,))) + BOUND, [], id="and by the graph"),
        pytest.param(
            meta(graph_of(functions=(INIT,)))
            + objects(ASSET_OBJECT, data(10), concrete={"init": (0, 1)}),
            ["op:InitializeTableFromTextFileV2"],
            id="something else is bound",
        ),
        pytest.param(
            meta(graph_of(functions=(INIT,))),
            ["op:InitializeTableFromTextFileV2"],
            id="nobody binds it",
        ),
        pytest.param(
            meta(graph_of(functions=(OTHER_FILE,))) + BOUND,
            ["op:InitializeTableFromTextFileV2"],
            id="a constant",
        ),
        pytest.param(
            meta(
                graph_of(
                    *CHAIN,
                    step("Const", "passwd"),
                    step("AssignVariableOp", "again", "Variable", "passwd"),
                    functions=(INIT,),
                )
            )
            + BOUND,
            ["op:InitializeTableFromTextFileV2"],
            id="the variable is assigned to once more",
        ),
        pytest.param(
            meta(
                graph_of(
                    *CHAIN,
                    step("VarHandleOp", "alias", shared_name=b"Variable"),
                    functions=(INIT,),
                )
            )
            + BOUND,
            ["op:InitializeTableFromTextFileV2"],
            id="the variable has another handle",
        ),
        pytest.param(
            meta(
                graph_of(
                    step("Const", "words"),
                    step("InitializeTableFromTextFile", "i", "table", "words"),
                )
            ),
            [],
            id="of tensorflow 1",
        ),
        pytest.param(
            meta(
                graph_of(
                    step("Const", "passwd"),
                    step("InitializeTableFromTextFile", "i", "table", "passwd"),
                )
            ),
            ["op:InitializeTableFromTextFile"],
            id="of tensorflow 1, another file",
        ),
    ],
)
def test_row_16_a_table_is_filled_from_an_asset_alone(found: bytes, expected: list[str]) -> None:
    files = {**one(found + asset("words:0", "words.txt")), **WORDS}
    assert names(files)[1:] == expected


@pytest.mark.parametrize("stream", [b"stderr", b"stdout", b"log(info)"])
def test_printing_to_the_terminal_passes(stream: bytes) -> None:
    assert names(one(meta(graph_of(step("PrintV2", "p", output_stream=stream))))) == ["pass"]


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
    assert names({**one(found), **WORDS}) == ["refuse", finding]


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
