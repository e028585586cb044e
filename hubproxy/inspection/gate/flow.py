"""Where a tensor comes from: followed back through the graph, and through calls of functions.

Nothing is taken for granted: what is not understood comes from elsewhere.
"""

from collections.abc import Callable
from typing import Any

from hubproxy.inspection.gate.graph import TOP, MetaGraph, node_name

_SAME = frozenset({"Identity"})
_VARIABLE_USERS = frozenset({"AssignVariableOp", "ReadVariableOp", "VarIsInitializedOp"})
_RESOURCE = 20
"""DT_RESOURCE (tensorflow/core/framework/types.proto)."""
_DEEPEST = 64


class Flow:
    """Tells which tensors can be nothing but what comes from a source.

    Args:
        is_source: tells of a node of the graph itself.
        is_bound: tells of an object that the loader passes to a function.
    """

    def __init__(
        self,
        graph: MetaGraph,
        is_source: Callable[[Any], bool],
        is_bound: Callable[[Any], bool] = lambda _: False,
    ) -> None:
        self._graph, self._is_source, self._is_bound = graph, is_source, is_bound
        self._asking: set[tuple[str, str]] = set()

    def only(self, body: str, tensor: str, depth: int = 0) -> bool:
        """Whether a tensor comes from sources alone."""
        key = (body, tensor)
        if tensor.startswith("^") or depth > _DEEPEST or key in self._asking:
            return False
        self._asking.add(key)
        try:
            if body == TOP:
                return self._of_graph(tensor, depth)
            return self._of_function(body, tensor, depth)
        finally:
            self._asking.discard(key)

    def _of_graph(self, tensor: str, depth: int) -> bool:
        node = self._graph.node(tensor)
        if node is None:
            return False
        if self._is_source(node):
            return True
        if node.op in _SAME:
            return len(node.input) > 0 and self.only(TOP, node.input[0], depth + 1)
        if node.op == "ReadVariableOp":
            return len(node.input) > 0 and self._is_kept(node.input[0], depth)
        return False

    def _is_kept(self, handle: str, depth: int) -> bool:
        """Whether a variable is given what comes from sources, and by nobody but the graph."""
        graph = self._graph
        variable = graph.node(handle)
        if variable is None or variable.op != "VarHandleOp" or not _names(variable)[0]:
            return False
        for body, nodes in graph.bodies():
            for node in nodes:
                if (body, node.name) != (TOP, variable.name) and _is_alias(node, variable):
                    return False
        for node in graph.meta.graph_def.node:
            given = [node_name(one) for one in node.input if not one.startswith("^")]
            if variable.name not in given:
                continue
            if node.op not in _VARIABLE_USERS:
                return False
            if node.op == "AssignVariableOp" and not (
                len(node.input) > 1 and self.only(TOP, node.input[1], depth + 1)
            ):
                return False
        return True

    def _of_function(self, body: str, tensor: str, depth: int) -> bool:
        function = self._graph.functions.get(body)
        if function is None:
            return False
        name = node_name(tensor)
        arguments = function.signature.input_arg
        names = [argument.name for argument in arguments]
        if name not in names:
            inner = [node for node in function.node_def if node.name == name]
            return (
                len(inner) == 1
                and inner[0].op in _SAME
                and len(inner[0].input) > 0
                and self.only(body, inner[0].input[0], depth + 1)
            )
        if any(argument.number_attr or argument.type_list_attr for argument in arguments):
            return False  # one argument may be many inputs
        return self._is_passed(body, names.index(name), len(names), depth)

    def _is_passed(self, body: str, at: int, count: int, depth: int) -> bool:
        calls = self._graph.calls[body]
        bound = self._bound(body, at, count)
        if bound is None and not calls:
            return False
        return (
            bound is not False
            and body not in self._graph.taken
            and all(
                call.direct
                and len(call.node.input) > at
                and self.only(call.body, call.node.input[at], depth + 1)
                for call in calls
            )
        )

    def _bound(self, body: str, at: int, count: int) -> bool | None:
        """Whether the loader binds a source to an argument; None where it hands nothing out."""
        objects = self._graph.meta.object_graph_def
        if body not in self._graph.handed_out:
            return None
        bound = (
            objects.concrete_functions[body].bound_inputs
            if body in objects.concrete_functions
            else ()
        )
        place = at - (count - len(bound))
        if not 0 <= place < len(bound) or not 0 <= bound[place] < len(objects.nodes):
            return False
        return self._is_bound(objects.nodes[bound[place]])


def _is_alias(node: Any, variable: Any) -> bool:
    """Whether a node may be a handle of the same variable, in whatever container."""
    if node.op == "Const":
        return bool(node.attr["dtype"].type == _RESOURCE)  # forged
    return node.op == "VarHandleOp" and _names(variable)[0] in _names(node)


def _names(variable: Any) -> tuple[bytes, bytes]:
    """What a variable may be shared by: some loaders take the node's name for one that is empty."""
    return variable.attr["shared_name"].s, variable.name.encode()
