"""A meta graph as the gate walks it: its bodies, who calls whom, and what depends on what.

A body is the graph itself or a function of its library. Every function counts, called or not:
TensorFlow's Python loader hands all of them out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hubproxy.inspection.gate import loaders

TOP = ""
"""The name of the body that is the graph itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """A place where a function is called.

    Args:
        body: the calling one.
        node: the calling node.
        direct: whether its inputs are the function's arguments, one for one.
    """

    body: str
    node: Any
    direct: bool


_DIRECT = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


@dataclass(eq=False)
class MetaGraph:
    """One meta graph of a `saved_model.pb`.

    Args:
        meta: the message.
        number: its place in the file.
        for_hub: whether it is of a module that tensorflow_hub loads by itself, that of TF1.
    """

    meta: Any
    number: int
    for_hub: bool
    functions: dict[str, Any] = field(init=False)
    """Name -> function. Of two with one name, TensorFlow takes neither; the last is here."""

    def __post_init__(self) -> None:
        library = self.meta.graph_def.library.function
        self.functions = {function.signature.name: function for function in library}

    def bodies(self) -> Iterator[tuple[str, Any]]:
        """Every body with its nodes, also of functions that share a name."""
        yield TOP, self.meta.graph_def.node
        for function in self.meta.graph_def.library.function:
            yield function.signature.name, function.node_def

    def place(self, body: str, node: Any) -> str:
        """Where a node is, for people."""
        of = f" of graph {self.number}" if self.number else ""
        return f"function {body}{of}" if body else f"node {node.name}{of}"

    def node(self, name: str) -> Any | None:
        """A node of the graph itself, by its name or by that of an output of it."""
        return self._top.get(node_name(name))

    @cached_property
    def _top(self) -> dict[str, Any]:
        return {node.name: node for node in self.meta.graph_def.node}

    @cached_property
    def calls(self) -> dict[str, list[Call]]:
        """Function -> where it is called, gradients included."""
        found: dict[str, list[Call]] = {name: [] for name in self.functions}
        for body, nodes in self.bodies():
            for node in nodes:
                for name, direct in self._called(node):
                    if name in found:
                        found[name].append(Call(body, node, direct))
        return found

    @cached_property
    def handed_out(self) -> set[str]:
        """See `loaders.handed_out`."""
        return loaders.handed_out(self.meta)

    @cached_property
    def taken(self) -> set[str]:
        """See `loaders.taken`."""
        return loaders.taken(self.meta)

    @cached_property
    def has_placeholders(self) -> bool:
        """Whether a function leaves attributes to its callers; those that Python saves never do."""
        nodes = (node for function in self.functions.values() for node in function.node_def)
        return any(value.placeholder for node in nodes for value in node.attr.values())

    def _called(self, node: Any) -> Iterator[tuple[str, bool]]:
        if node.op in self.functions:
            yield node.op, True
        if not node.attr:
            return
        for key, value in node.attr.items():
            for name in _named(value):
                yield name, key == "f" and node.op in _DIRECT and name == value.func.name

    @cached_property
    def _callees(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, calls in self.calls.items():
            for call in calls:
                if call.body:
                    found.setdefault(call.body, set()).add(name)
        for gradient in self.meta.graph_def.library.gradient:
            found.setdefault(gradient.function_name, set()).add(gradient.gradient_func)
        return found

    def reached(self, names: Iterable[str]) -> set[str]:
        """These functions, and all that they call."""
        found: set[str] = set()
        waiting = [name for name in names if name in self.functions]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._callees.get(name, ())
        return found

    def called_by(self, nodes: Iterable[Any]) -> set[str]:
        """The functions that these nodes call themselves."""
        return {name for node in nodes for name, _ in self._called(node)}

    def slice(self, names: Iterable[str]) -> set[str]:
        """The names of the graph's own nodes that these depend on, themselves included."""
        found: set[str] = set()
        waiting = [node_name(name) for name in names]
        while waiting:
            name = waiting.pop()
            if name in found or name not in self._top:
                continue
            found.add(name)
            waiting += map(node_name, self._top[name].input)
        return found


def _named(attribute: Any) -> Iterator[str]:
    """The functions that an attribute names, and those that are passed on to them."""
    if attribute.HasField("func"):
        yield attribute.func.name
        for inner in attribute.func.attr.values():
            yield from _named(inner)
    for called in attribute.list.func:
        yield called.name
        for inner in called.attr.values():
            yield from _named(inner)


def node_name(tensor: str) -> str:
    """The node that a tensor, `name:0`, or a control input, `^name`, comes from."""
    return tensor.removeprefix("^").partition(":")[0]
