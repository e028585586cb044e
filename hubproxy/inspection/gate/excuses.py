"""What an op may do all the same, where its place in the graph shows what it does it to.

Three things, and no others: a saver that writes when it is asked to save, and reads the checkpoint
that it is told; a table whose file is one of the module's own assets; printing to the terminal.
"""

from functools import cached_property
from typing import Any

from hubproxy.inspection.gate.graph import TOP, MetaGraph, node_name

_SAVES = frozenset({"Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"})
_RESTORES = frozenset({"Restore", "RestoreSlice", "RestoreV2"})
_TABLES = {"InitializeTableFromTextFile": 1, "InitializeTableFromTextFileV2": 1}
"""Op -> which of its inputs is the file's name."""
_TERMINAL = frozenset({b"", b"stderr", b"stdout", b"log(info)", b"log(warning)", b"log(error)"})
_INITS = ("saved_model_main_op", "legacy_init_op", "saved_model_train_op")
_SAME = frozenset({"Identity"})
_VARIABLE_USERS = frozenset({"AssignVariableOp", "ReadVariableOp", "VarIsInitializedOp"})
_DEEPEST = 64


class Excuses:
    """Tells which nodes of a meta graph are excused."""

    def __init__(self, graph: MetaGraph) -> None:
        self._graph = graph
        self._asking: set[tuple[str, str]] = set()

    def excused(self, body: str, node: Any) -> bool:
        """Whether a node may do what its op does."""
        if node.op == "PrintV2":
            return "output_stream" not in node.attr or node.attr["output_stream"].s in _TERMINAL
        if node.op in _SAVES:
            return self._saving.has(body, node)
        if node.op in _RESTORES:
            return self._restoring.has(body, node) and self._is_told(body, node)
        if node.op in _TABLES:
            at = _TABLES[node.op]
            return len(node.input) > at and self._is_asset(body, node.input[at], 0)
        return False

    @cached_property
    def _used(self) -> set[str]:
        """The graph's nodes that run when the module is loaded or called."""
        meta = self._graph.meta
        names = [
            tensor.name for one in meta.signature_def.values() for tensor in one.outputs.values()
        ]
        for key in _INITS:
            if key in meta.collection_def:
                names += meta.collection_def[key].node_list.value
        return self._graph.slice(names)

    @cached_property
    def _saving(self) -> "_Alone":
        """What runs when a module is saved, and never when it is loaded or called."""
        saver = self._graph.meta.saver_def
        return _Alone(
            self._graph,
            self._graph.slice([saver.save_tensor_name]),
            self._used | self._graph.slice([saver.restore_op_name]),
        )

    @cached_property
    def _restoring(self) -> "_Alone":
        """What runs when a module's variables are restored, and not when it is called."""
        saver = self._graph.meta.saver_def
        return _Alone(self._graph, self._graph.slice([saver.restore_op_name]), self._used)

    def _is_told(self, body: str, node: Any) -> bool:
        """Whether the file that a node reads is the one that the saver is told."""
        if not node.input:
            return False
        if body == TOP:
            told = node_name(self._graph.meta.saver_def.filename_tensor_name)
            return told in self._graph.slice([node.input[0]])
        function = self._graph.functions[body]
        return node_name(node.input[0]) in {one.name for one in function.signature.input_arg}

    @cached_property
    def _asset_tensors(self) -> set[str]:
        return {node_name(one.tensor_info.name) for one in self._graph.meta.asset_file_def}

    def _is_asset(self, body: str, tensor: str, depth: int) -> bool:
        """Whether a tensor can be nothing but the name of one of the module's own files."""
        key = (body, tensor)
        if tensor.startswith("^") or depth > _DEEPEST or key in self._asking:
            return False
        self._asking.add(key)
        try:
            if body == TOP:
                return self._is_top_asset(tensor, depth)
            return self._is_passed_asset(body, tensor, depth)
        finally:
            self._asking.discard(key)

    def _is_top_asset(self, tensor: str, depth: int) -> bool:
        node = self._graph.node(tensor)
        if node is None:
            return False
        if node.op in ("Const", "Placeholder"):
            return node.name in self._asset_tensors
        if node.op in _SAME:
            return len(node.input) > 0 and self._is_asset(TOP, node.input[0], depth + 1)
        if node.op == "ReadVariableOp":
            return len(node.input) > 0 and self._holds_asset(node.input[0], depth)
        return False

    def _holds_asset(self, handle: str, depth: int) -> bool:
        """Whether a variable is given the names of assets alone, and by nobody but the graph."""
        graph = self._graph
        variable = graph.node(handle)
        if variable is None or variable.op != "VarHandleOp":
            return False
        for body, nodes in graph.bodies():
            for node in nodes:
                other = (body, node.name) != (TOP, variable.name)
                if other and node.op == "VarHandleOp" and _key(node) == _key(variable):
                    return False
        for node in graph.meta.graph_def.node:
            given = [node_name(one) for one in node.input if not one.startswith("^")]
            if variable.name not in given:
                continue
            if node.op not in _VARIABLE_USERS:
                return False
            if node.op == "AssignVariableOp" and not (
                len(node.input) > 1 and self._is_asset(TOP, node.input[1], depth + 1)
            ):
                return False
        return True

    def _is_passed_asset(self, body: str, tensor: str, depth: int) -> bool:
        function = self._graph.functions.get(body)
        if function is None:
            return False
        name = node_name(tensor)
        names = [argument.name for argument in function.signature.input_arg]
        if name not in names:
            inner = [node for node in function.node_def if node.name == name]
            return (
                len(inner) == 1
                and inner[0].op in _SAME
                and len(inner[0].input) > 0
                and self._is_asset(body, inner[0].input[0], depth + 1)
            )
        at = names.index(name)
        calls = self._graph.calls[body]
        bound = self._bound(body, at, len(names))
        if bound is None and not calls:
            return False
        return bound is not False and all(
            call.direct
            and len(call.node.input) > at
            and self._is_asset(call.body, call.node.input[at], depth + 1)
            for call in calls
        )

    def _bound(self, body: str, at: int, count: int) -> bool | None:
        """Whether the loader binds an asset to an argument; None where it hands nothing out."""
        objects = self._graph.meta.object_graph_def
        if body not in objects.concrete_functions:
            return None
        bound = objects.concrete_functions[body].bound_inputs
        place = at - (count - len(bound))
        if not 0 <= place < len(bound) or not 0 <= bound[place] < len(objects.nodes):
            return False
        return bool(objects.nodes[bound[place]].HasField("asset"))


class _Alone:
    """Nodes, and the functions that nobody else calls, nor is handed by the loader.

    Args:
        names: of nodes of the graph itself.
        others: names of nodes that are not to count among them.
    """

    def __init__(self, graph: MetaGraph, names: set[str], others: set[str]) -> None:
        self._nodes = names - others
        nodes = graph.meta.graph_def.node
        mine = graph.reached(graph.called_by(node for node in nodes if node.name in self._nodes))
        theirs = graph.called_by(node for node in nodes if node.name not in self._nodes)
        handed_out = set(graph.meta.object_graph_def.concrete_functions)
        unreached = {name for name in graph.functions if name not in mine}
        self._functions = mine - graph.reached(theirs | handed_out | unreached)

    def has(self, body: str, node: Any) -> bool:
        return node.name in self._nodes if body == TOP else body in self._functions


def _key(variable: Any) -> tuple[bytes, bytes]:
    """What makes two handles one variable."""
    return (
        variable.attr["container"].s,
        variable.attr["shared_name"].s or variable.name.encode(),
    )
