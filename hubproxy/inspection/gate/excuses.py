"""What an op may do all the same, where its place in the graph shows what it does it to.

Three things, and no others: a saver that writes when it is asked to save, and reads the checkpoint
that it is told; a table whose file is one of the module's own assets; printing to the terminal.
"""

from functools import cached_property
from typing import Any

from hubproxy.inspection.gate import loaders
from hubproxy.inspection.gate.flow import Flow
from hubproxy.inspection.gate.graph import TOP, MetaGraph, node_name

_SAVES = frozenset({"Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"})
_RESTORES = frozenset({"Restore", "RestoreSlice", "RestoreV2"})
_TABLES = {"InitializeTableFromTextFile": 1, "InitializeTableFromTextFileV2": 1}
"""Op -> which of its inputs is the file's name."""
_GIVEN = frozenset({"Placeholder", "PlaceholderWithDefault", "Const"})
"""What a loader feeds. None has a second output."""
_TERMINAL = frozenset({b"stderr", b"stdout", b"log(info)", b"log(warning)", b"log(error)"})


class Excuses:
    """Tells which nodes of a meta graph are excused."""

    def __init__(self, graph: MetaGraph) -> None:
        self._graph = graph
        told = node_name(graph.meta.saver_def.filename_tensor_name)
        self._told = Flow(graph, lambda node: node.name == told and node.op in _GIVEN)
        self._assets = Flow(graph, self._is_asset, _is_asset_object)

    def excused(self, body: str, node: Any) -> bool:
        """Whether a node may do what its op does."""
        if self._graph.has_placeholders:
            return False  # what it does is said only where its function is called
        if node.op == "PrintV2":
            return "output_stream" not in node.attr or node.attr["output_stream"].s in _TERMINAL
        if node.op in _SAVES:
            return self._saving.has(body, node)
        if node.op in _RESTORES:
            return (
                self._restoring.has(body, node)
                and len(node.input) > 0
                and self._told.only(body, node.input[0])
            )
        if node.op in _TABLES:
            at = _TABLES[node.op]
            return len(node.input) > at and self._assets.only(body, node.input[at])
        return False

    @cached_property
    def _called(self) -> set[str]:
        """The graph's nodes that run when the module is called."""
        return self._graph.slice(loaders.outputs(self._graph.meta))

    @cached_property
    def _used(self) -> set[str]:
        """The graph's nodes that run when the module is loaded or called."""
        return self._called | self._graph.slice(loaders.collected(self._graph.meta))

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

    @cached_property
    def _fed(self) -> set[str]:
        fed = loaders.fed(self._graph.meta, for_hub=self._graph.for_hub)
        return {node_name(tensor) for tensor in fed}

    @cached_property
    def _unfed(self) -> set[str]:
        return self._graph.slice(loaders.unfed(self._graph.meta))

    def _is_asset(self, node: Any) -> bool:
        """Whether a node is fed the name of an asset, and not a constant where nothing is fed."""
        return node.name in self._fed and (
            node.op == "Placeholder" or (node.op == "Const" and node.name not in self._unfed)
        )


def _is_asset_object(node: Any) -> bool:
    return node.HasField("asset") and not node.registered_name


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
        theirs |= graph.handed_out | graph.taken
        unreached = {name for name in graph.functions if name not in mine}
        self._functions = mine - graph.reached(theirs | unreached)

    def has(self, body: str, node: Any) -> bool:
        return node.name in self._nodes if body == TOP else body in self._functions
