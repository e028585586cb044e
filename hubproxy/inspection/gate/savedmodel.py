"""The gate's reader of SavedModels, and of modules in the format of TF1's `hub.Module`.

Every meta graph is walked, and every function of its library, whether something refers to it or
not. An op passes by its class alone; the others need an excuse (`excuses`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.gate.assets import check_assets
from hubproxy.inspection.gate.excuses import Excuses
from hubproxy.inspection.gate.graph import MetaGraph
from hubproxy.inspection.gate.optable import ALLOWED, WHY, classed
from hubproxy.inspection.gate.shards import check_shards
from hubproxy.inspection.messages import message
from hubproxy.inspection.modulefiles import ModuleFiles
from hubproxy.inspection.savedmodel import parse

GRAPH = "saved_model.pb"
_OTHERS = {
    "saved_model.pbtxt": (
        "saved_model:pbtxt",
        "TensorFlow loads a graph written as text as well, which no gate reads",
    ),
    "saved_model.cpb": (
        "saved_model:cpb",
        "TensorFlow loads a graph written in chunks as well, which no gate reads",
    ),
}
_NO_GRAPHS = ("fingerprint.pb", "keras_metadata.pb")
_HUB_FORMAT = 3


def gate(files: ModuleFiles, found: Collector) -> None:
    """Look into every SavedModel, wherever in the module it lies."""
    for path in files.paths:
        folder, _, name = path.rpartition("/")
        folder = f"{folder}/" if folder else ""
        if name == GRAPH:
            _look(files, path, folder, found)
        elif name in _OTHERS:
            _refuse_form(path, name, found)
        elif name == "tfhub_module.pb":
            _check_hub_module(files, path, folder, found)
        elif name not in _NO_GRAPHS and name.lower().endswith((".pb", ".meta")):
            found.add(
                "graph:other",
                path,
                why="a graph of TensorFlow may be called so, and no gate reads it by this name",
                remedy="It would pass without that file; officers can allow it for this module.",
            )


def _refuse_form(path: str, name: str, found: Collector) -> None:
    finding, why = _OTHERS[name]
    found.add(
        finding,
        path,
        why=why,
        remedy="It would have to be saved as saved_model.pb, as TensorFlow does by itself.",
        verdict="refuse",
    )


def _check_hub_module(files: ModuleFiles, path: str, folder: str, found: Collector) -> None:
    module: Any = message("HubModule")
    try:
        module.ParseFromString(files.whole(path, 1024 * 1024))
        fits = module.format == _HUB_FORMAT and f"{folder}{GRAPH}" in files
    except (DecodeError, UnreadableError):
        fits = False
    if not fits:
        found.add(
            "tf1_hub:damaged",
            path,
            why="it is not the description of a TF1 hub module, so it cannot be loaded",
            verdict="refuse",
        )


def _look(files: ModuleFiles, path: str, folder: str, found: Collector) -> None:
    try:
        saved = files.parsed(path, parse)
    except UnreadableError as error:
        _unread(path, error, found)
        return
    has_variables = False
    for number, meta in enumerate(saved.meta_graphs):
        graph = MetaGraph(meta, number, for_hub=f"{folder}tfhub_module.pb" in files)
        _check_ops(graph, path, found)
        _check_names(graph, path, found)
        check_assets(graph, folder, files, found)
        has_variables |= any(node.HasField("variable") for node in meta.object_graph_def.nodes)
    check_shards(files, folder, needed=has_variables, found=found)


def _unread(path: str, error: UnreadableError, found: Collector) -> None:
    if error.damaged:
        found.add(
            "saved_model:damaged",
            path,
            why=f"it cannot be loaded, and what another reader makes of it is unknown: {error}",
            verdict="refuse",
        )
    else:
        found.add(
            "saved_model:unread",
            path,
            why=f"what is in it is unknown: {error}",
            remedy="A person may accept it unread.",
        )


def _check_ops(graph: MetaGraph, path: str, found: Collector) -> None:
    excuses = Excuses(graph)
    for body, node in _suspicious(graph):
        if excuses.excused(body, node):
            continue
        kind = classed(node.op)
        if kind is None:
            why = (
                "no TensorFlow that is known here has this op: it comes from a library of its own, "
                "and what it does is unknown"
            )
        else:
            why = f"{WHY[kind.kind]} ({kind.reason})"
        found.add(
            f"op:{node.op}",
            _in(path, graph.place(body, node)),
            why=why,
            remedy="Officers can allow it for this module: `hubproxy trust policy allow`.",
        )


def _suspicious(graph: MetaGraph) -> Iterator[tuple[str, Any]]:
    """The nodes whose ops do not pass by their class."""
    passes: dict[str, bool] = {}
    for body, nodes in graph.bodies():
        for node in nodes:
            op = node.op
            known = passes.get(op)
            if known is None:
                kind = classed(op)
                known = op in graph.functions if kind is None else kind.kind in ALLOWED
                passes[op] = known
            if not known:
                yield body, node


def _check_names(graph: MetaGraph, path: str, found: Collector) -> None:
    """See that no name stands for two things, which TensorFlow and this gate could read apart."""
    library = graph.meta.graph_def.library.function
    names = [function.signature.name for function in library]
    doubled = {name for name, count in Counter(names).items() if count > 1}
    hidden = {name for name in graph.functions if classed(name) is not None}
    nameless = {name for name in names if not name}
    for name in sorted(doubled | hidden | nameless):
        found.add(
            "saved_model:ambiguous",
            _in(path, f"function {name}"),
            why="two functions have this name, or an op of TensorFlow, or it is no name at all",
            verdict="refuse",
        )


def _in(path: str, place: str) -> str:
    return place if path == GRAPH else f"{place} in {path}"
