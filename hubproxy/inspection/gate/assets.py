"""The files that a SavedModel names: its assets, which TensorFlow opens wherever they lie.

TensorFlow joins `assets/` and the name, and takes what comes out: `../../../etc/passwd` as well.
"""

import re
from pathlib import PurePosixPath

from google.protobuf.message import DecodeError

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.gate import loaders
from hubproxy.inspection.gate.graph import MetaGraph
from hubproxy.inspection.modulefiles import ModuleFiles

_DRIVE = re.compile(r"[A-Za-z]:")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def check_assets(graph: MetaGraph, folder: str, files: ModuleFiles, found: Collector) -> None:
    """See that the assets of a meta graph are files of the module.

    Args:
        folder: where its `saved_model.pb` lies, with a slash at its end; empty for the root.
    """
    try:
        names = [one.filename for one in loaders.assets(graph.meta)]
    except DecodeError:
        found.add(
            "asset:unread",
            f"the assets of graph {graph.number}",
            why="which files the graph opens cannot be told",
            verdict="refuse",
        )
        return
    for name in names:
        if _leaves(name):
            found.add(
                "asset:outside",
                f"asset {name!r} of graph {graph.number}",
                why="TensorFlow opens an asset wherever its name leads, outside of the module too",
                verdict="refuse",
            )
        elif f"{folder}assets/{name}" not in files:
            found.add(
                "asset:missing",
                f"asset {name!r} of graph {graph.number}",
                why="the graph needs a file that the module does not hold, so it cannot be loaded",
                verdict="refuse",
            )
    for node in graph.meta.object_graph_def.nodes:
        listed = len(graph.meta.asset_file_def)
        if node.HasField("asset") and not 0 <= node.asset.asset_file_def_index < listed:
            found.add(
                "asset:missing",
                f"asset number {node.asset.asset_file_def_index} of graph {graph.number}",
                why="the graph needs a file that the module does not hold, so it cannot be loaded",
                verdict="refuse",
            )


def _leaves(name: str) -> bool:
    if not name or "\\" in name or "\0" in name or _DRIVE.match(name) or _SCHEME.match(name):
        return True
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts
