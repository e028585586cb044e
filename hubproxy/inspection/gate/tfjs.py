"""The gate's reader of TensorFlow.js models: a `model.json`'s ops, and where its weights lie."""

import re

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.gate.kerasconfig import check_config
from hubproxy.inspection.gate.optable import ALLOWED, WHY, classed
from hubproxy.inspection.modulefiles import ModuleFiles
from hubproxy.inspection.tfjs import GraphDef, parse

_FUSED = frozenset(
    {"_FusedMatMul", "_FusedConv2D", "FusedDepthwiseConv2dNative", "_FusedDepthwiseConv2dNative"}
)
"""What the converter makes of several ops that compute; in TensorFlow.js, they do the same."""
_PATH = re.compile(r"(?!/)[^\\:?#%\x00-\x1f]+")
"""Where weights may lie. A browser takes `%2e%2e` for `..` too, and drops tabs (WHATWG URL)."""


def gate(files: ModuleFiles, found: Collector) -> None:
    """Look into every `model.json`, wherever in the module it lies."""
    for path in files.paths:
        folder, _, name = path.rpartition("/")
        if name != "model.json":
            continue
        try:
            _look(files, path, f"{folder}/" if folder else "", found)
        except UnreadableError as error:
            found.add(
                "tfjs:damaged" if error.damaged else "tfjs:unread",
                path,
                why=f"what it would load is unknown: {error}",
                verdict="refuse" if error.damaged else "hold",
            )


def _look(files: ModuleFiles, path: str, folder: str, found: Collector) -> None:
    model = files.parsed(path, parse)
    check_config(files.whole(path), path, found)
    for graph in (model.model_topology, model.model_initializer):
        _check_ops(graph, path, found)
    for group in model.weights_manifest:
        for weights in group.paths:
            if not _PATH.fullmatch(weights) or ".." in weights.split("/"):
                found.add(
                    "tfjs:weights-outside",
                    f"{weights!r} in {path}",
                    why="the weights would be fetched from outside of the module",
                    verdict="refuse",
                )
            elif folder + weights not in files:
                found.add(
                    "tfjs:weights-missing",
                    f"{weights!r} in {path}",
                    why="the module does not hold these weights, so it cannot be loaded",
                    verdict="refuse",
                )


def _check_ops(graph: GraphDef, path: str, found: Collector) -> None:
    functions = {function.signature.name for function in graph.library.function}
    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    for node in (node for nodes in bodies for node in nodes):
        kind = classed(node.op)
        if node.op in _FUSED or (kind is None and node.op in functions):
            continue
        if kind is None or kind.kind not in ALLOWED:
            found.add(
                f"op:{node.op}",
                f"node {node.name} in {path}",
                why=f"{WHY[kind.kind]} ({kind.reason})" if kind else "no op that is known here",
                remedy="Officers can allow it for this module.",
            )
