"""The three excuses of ops that are held elsewhere, and who may not have them."""

import pytest

from tests.inspection.gate.looking import (
    ASSET_OBJECT,
    asset,
    function,
    graph_of,
    names,
    objects,
    saver,
    step,
)
from tests.inspection.wire import data, meta, number, pair, saved_model, signature


def one(*metas: bytes) -> dict[str, bytes]:
    return {"saved_model.pb": saved_model(*metas)}


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
    step("VarHandleOp", "Variable", shared_name=b"v"),
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
                    step("VarHandleOp", "alias", shared_name=b"v"),
                    functions=(INIT,),
                )
            )
            + BOUND,
            ["op:InitializeTableFromTextFileV2"],
            id="the variable has another handle",
        ),
        *(
            pytest.param(
                meta(graph_of(*CHAIN, handle, functions=(INIT,))) + BOUND,
                ["op:InitializeTableFromTextFileV2"],
                id=f"the variable has another handle: {how}",
            )
            for how, handle in (
                ("a container", step("VarHandleOp", "a", shared_name=b"v", container=b"localhost")),
                ("a node's name", step("VarHandleOp", "v")),
                ("a constant", data(1, b"c") + data(2, b"Const") + pair(5, "dtype", number(6, 20))),
            )
        ),
        pytest.param(
            meta(graph_of(CHAIN[0], step("VarHandleOp", "Variable"), *CHAIN[2:], functions=(INIT,)))
            + BOUND,
            ["op:InitializeTableFromTextFileV2"],
            id="the variable has no name of its own",
        ),
        pytest.param(
            meta(
                graph_of(
                    step("Const", "words"),
                    step("InitializeTableFromTextFile", "i", "table", "words"),
                )
            )
            + saver("", "", "i"),
            ["op:InitializeTableFromTextFile"],
            id="of tensorflow 1, as variables are restored",
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


def nodes_of(name: str, *nodes: str) -> bytes:
    """A collection of nodes."""
    return pair(4, name, data(1, *(data(1, node.encode()) for node in nodes)))


SAVER_GRAPH = meta(graph_of(*NODES, functions=(SAVE, RESTORE))) + SAVER
CALLED = pair(5, "f", data(10, data(1, b"g"), pair(2, "h", data(10, data(1, b"save")))))
SAVING = ["op:MergeV2Checkpoints", "op:SaveV2"]
RUN_BY = [
    pytest.param(nodes_of("table_initializer", "saving"), id="with the tables"),
    pytest.param(nodes_of("whatever", "saving:0"), id="with a collection that nobody knows"),
    pytest.param(
        pair(4, "local_variables", data(2, data(1, data(1, b"v:0"), data(2, b"saving")))),
        id="as a variable's initializer",
    ),
    pytest.param(
        pair(5, "s", pair(2, "y", data(4, data(1, b"saving:0")))), id="for a sparse output"
    ),
    pytest.param(
        pair(5, "s", pair(2, "y", data(5, data(2, data(1, b"saving:0"))))),
        id="for a part of an output",
    ),
    pytest.param(objects(data(8, data(1, b"save"))), id="as a member of the module"),
    pytest.param(objects(data(6, data(1, b"save"))), id="as a traced member of it"),
    pytest.param(
        data(2, data(2, data(2, data(1, b"f"), data(2, b"save")))), id="as a gradient of another"
    ),
    pytest.param(
        data(2, data(2, data(3, data(1, b"save"), data(2, b"Custom")))), id="as a custom gradient"
    ),
    pytest.param(
        data(2, data(1, data(1, b"call"), data(2, b"PartitionedCall"), CALLED)),
        id="by a function that is told to",
    ),
]


@pytest.mark.parametrize("more", RUN_BY)
def test_what_saves_is_held_where_something_else_runs_it(more: bytes) -> None:
    assert names(one(SAVER_GRAPH)) == ["pass"]
    assert names(one(SAVER_GRAPH + more))[1:] == SAVING


def test_what_saves_is_held_where_it_may_take_the_place_of_another() -> None:
    alike = SAVE + pair(5, "api_implements", data(2, b"x"))
    assert names(one(meta(graph_of(*NODES, functions=(alike, RESTORE))) + SAVER))[1:] == SAVING


JOINED = step("StringJoin", "joined", "file", "evil")
OTHER = step("Const", "evil")


@pytest.mark.parametrize(
    ("nodes", "restore"),
    [
        pytest.param(
            (JOINED, OTHER, step("StatefulPartitionedCall", "r", "joined", calls="restore")),
            RESTORE,
            id="what it is told, and more",
        ),
        pytest.param(
            (OTHER, step("StatefulPartitionedCall", "r", "evil", "file", calls="restore")),
            function("restore", "prefix told", step("RestoreV2", "r", "prefix")),
            id="the argument that is not what it is told",
        ),
        pytest.param(
            (JOINED, OTHER, step("RestoreV2", "r", "joined")), RESTORE, id="by the graph itself"
        ),
    ],
)
def test_row_16_what_restores_reads_the_file_that_it_is_told(
    nodes: tuple[bytes, ...], restore: bytes
) -> None:
    found = meta(graph_of(*NODES[:2], *nodes, functions=(SAVE, restore)))
    assert "op:RestoreV2" in names(one(found + saver("file:0", "saving:0", "r")))


def test_row_16_the_second_output_of_what_it_is_told_is_another_file() -> None:
    nodes = step("IdentityN", "two", "file", "evil"), step("RestoreV2", "r", "two:1")
    found = meta(graph_of(*nodes)) + saver("two:0", "", "r")
    assert names(one(found)) == ["hold", "op:RestoreV2"]


def test_a_function_without_a_name_is_not_taken_for_the_graph() -> None:
    found = meta(graph_of(functions=(function("", "", step("Add", "a")),)))
    assert names(one(found)) == ["refuse", "saved_model:ambiguous"]


def test_tensorflow_hub_feeds_what_is_collected_alone() -> None:
    hub = {"tfhub_module.pb": b"\x08\x03", **WORDS}
    field = meta(graph_of(*FILLED)) + asset("words:0", "words.txt")
    assert names({**one(field), **WORDS}) == ["pass"]
    assert names({**one(field), **hub}) == ["hold", *FILLS]
    assert names({**one(field + collected(("words:0", "words.txt"))), **hub}) == ["pass"]


PASSED_ON = (
    step("PlaceholderWithDefault", "file", "model"),
    step("Const", "model"),
    step("Identity", "same", "file"),
    step("RestoreV2", "r", "same"),
)


def test_row_16_what_it_is_told_may_be_passed_on() -> None:
    assert names(one(meta(graph_of(*PASSED_ON)) + saver("file:0", "", "r"))) == ["pass"]


FILLED = (
    step("Const", "words"),
    step("HashTableV2", "table"),
    step("InitializeTableFromTextFileV2", "filling", "table", "words"),
)
FILLS = ["op:InitializeTableFromTextFileV2"]


def collected(
    *assets: tuple[str, str], kind: bytes = b"tensorflow.AssetFileDef", then: bytes = b""
) -> bytes:
    """Assets as TensorFlow 1 collects them, and whatever more of the collection."""
    packed = []
    for tensor, filename in assets:
        content = data(1, data(1, tensor.encode())) + data(2, filename.encode())
        packed.append(data(1, data(1, b"type.googleapis.com/" + kind), data(2, content)))
    return pair(4, "saved_model_assets", data(5, *packed) + then)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(collected(("words:0", "words.txt")), ["pass"], id="of the module"),
        pytest.param(
            collected(("words:0", "../../etc/passwd")), ["refuse", "asset:outside"], id="outside"
        ),
        pytest.param(collected(("words:0", "gone")), ["refuse", "asset:missing"], id="not there"),
        pytest.param(
            collected(("words:0", "words.txt")) + asset("words:0", "words.txt"),
            ["pass"],
            id="named twice",
        ),
        pytest.param(
            collected(("words:0", "words.txt")) + asset("other:0", "words.txt"),
            ["hold", *FILLS],
            id="another for TensorFlow than for tensorflow_hub",
        ),
        pytest.param(
            collected(("other:0", "words.txt")) + asset("words:0", "words.txt"),
            ["hold", *FILLS],
            id="and the other way",
        ),
        pytest.param(
            collected(("words:0", "words.txt"), kind=b"tensorflow.Other"),
            ["refuse", "asset:outside", *FILLS],
            id="of another kind",
        ),
        pytest.param(
            collected(("words:0", "words.txt"), then=data(1)),
            ["hold", *FILLS],
            id="a list of nodes on top",
        ),
        pytest.param(
            collected(("words:0", "words.txt")) + pair(5, "s", pair(2, "y", data(1, b"filling:0"))),
            ["hold", *FILLS],
            id="read by a call, for which nothing is fed",
        ),
    ],
)
def test_assets_of_a_collection_are_assets(found: bytes, expected: list[str]) -> None:
    assert names({**one(meta(graph_of(*FILLED)) + found), **WORDS}) == expected


def test_assets_that_cannot_be_read_are_refused() -> None:
    damaged = data(1, data(1, b"x/tensorflow.AssetFileDef"), data(2, b"\xff"))
    found = meta(graph_of()) + pair(4, "saved_model_assets", data(5, damaged))
    assert names(one(found)) == ["refuse", "asset:unread"]


@pytest.mark.parametrize(
    "bound",
    [
        pytest.param(ASSET_OBJECT + data(9, data(1, b"passwd")), id="a constant after all"),
        pytest.param(ASSET_OBJECT + data(13, b"Custom"), id="of a class of somebody's own"),
    ],
)
def test_an_object_that_is_an_asset_only_at_first_sight_is_none(bound: bytes) -> None:
    found = meta(graph_of(functions=(INIT,)))
    found += objects(bound, data(10), concrete={"init": (1, 0)}) + asset("words:0", "words.txt")
    assert names({**one(found), **WORDS})[1:] == FILLS


LEFT_OPEN = data(2, b"VarHandleOp") + pair(5, "shared_name", data(9, b"name"))
LISTED = data(
    1,
    data(1, b"init"),
    data(2, data(1, b"many"), data(5, b"N")),
    data(2, data(1, b"path")),
) + data(3, step("InitializeTableFromTextFileV2", "i", "many", "path"))


@pytest.mark.parametrize(
    ("init", "more"),
    [
        pytest.param(LISTED, b"", id="an argument of many inputs"),
        pytest.param(
            INIT, data(2, data(2, data(2, data(1, b"f"), data(2, b"init")))), id="a gradient"
        ),
        pytest.param(
            INIT + pair(5, "api_implements", data(2, b"x")), b"", id="in the place of another"
        ),
        pytest.param(
            INIT,
            data(2, data(2, data(1, data(1, data(1, b"g")), data(3, LEFT_OPEN)))),
            id="an attribute that is left open",
        ),
        pytest.param(
            INIT, objects(ASSET_OBJECT, data(8, data(1, b"init"))), id="handed out unbound"
        ),
    ],
)
def test_a_function_that_is_called_in_other_ways_fills_no_table(init: bytes, more: bytes) -> None:
    filling = step("StatefulPartitionedCall", "filling", "table", "words", calls="init")
    graph = graph_of(step("Placeholder", "words"), step("HashTableV2", "table"), filling)
    found = meta(graph + data(2, data(1, init))) + asset("words:0", "words.txt")
    assert names({**one(found + more), **WORDS})[1:] == FILLS


def test_printing_to_a_place_that_a_caller_names_is_held() -> None:
    prints = data(1, b"p") + data(2, b"PrintV2") + pair(5, "output_stream", data(9, b"where"))
    found = meta(graph_of(functions=(function("f", "", prints),)))
    assert names(one(found)) == ["hold", "op:PrintV2"]
    empty = step("PrintV2", "p", output_stream=b"")
    assert names(one(meta(graph_of(empty)))) == ["hold", "op:PrintV2"]
