"""The gate's reader of Keras models: `.keras`, `.h5`, and what Keras 2 puts into a SavedModel."""

import zipfile
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.gate.hdf5 import SIGNATURE, attributes
from hubproxy.inspection.gate.kerasconfig import MOST_CONFIG, check_config
from hubproxy.inspection.gate.names import check_name
from hubproxy.inspection.messages import message
from hubproxy.inspection.modulefiles import ModuleFiles
from hubproxy.inspection.region import ZIP_ERRORS, opened
from hubproxy.inspection.savedmodel import parse

_PARTS = ("config.json", "task.json", "preprocessor.json", "tokenizer.json")
"""What Keras and KerasHub read of a folder."""
_CONFIGS = ("model_config", "training_config")
_MOST_MEMBERS = 20_000


def gate(files: ModuleFiles, found: Collector) -> None:
    """Look for Python code in every Keras model, wherever in the module it lies."""
    for path in files.paths:
        name = path.rpartition("/")[2].lower()
        if name == "keras_metadata.pb":
            _try(path, found, lambda path=path: _metadata(files, path, found))
        elif name == "saved_model.pb":
            _try(path, found, lambda path=path: _old_metadata(files, path, found))
        elif name in _PARTS:
            _try(path, found, lambda path=path: _folder(files, path, found))
        elif name.endswith(".keras"):
            _try(path, found, lambda path=path: _zip(files, path, found))
        if _is_hdf5(files, path) or name.endswith((".h5", ".hdf5")):
            _try(path, found, lambda path=path: _hdf5(files, path, found))


def _try(path: str, found: Collector, work: Any) -> None:
    try:
        work()
    except UnreadableError as error:
        if error.damaged:
            found.add(
                "keras:damaged",
                path,
                why=f"Keras cannot load it, and what others make of it is unknown: {error}",
                verdict="refuse",
            )
        else:
            found.add(
                "keras:unread",
                path,
                why=f"whether it holds Python code is unknown: {error}",
                remedy="A person may accept it unread.",
            )


def _metadata(files: ModuleFiles, path: str, found: Collector) -> None:
    metadata: Any = message("KerasMetadata")
    try:
        metadata.ParseFromString(files.whole(path))
    except DecodeError as error:
        raise UnreadableError(str(error), damaged=True) from error
    for node in metadata.nodes:
        if node.metadata:
            check_config(node.metadata, f"{node.node_path} in {path}", found)


def _old_metadata(files: ModuleFiles, path: str, found: Collector) -> None:
    """What TensorFlow before 2.5 kept in the object graph."""
    try:
        saved = files.parsed(path, parse)
    except UnreadableError:
        return  # told by the reader of SavedModels
    for meta in saved.meta_graphs:
        for number, node in enumerate(meta.object_graph_def.nodes):
            user = node.user_object
            if user.metadata and user.identifier.startswith("_tf_keras"):
                check_config(user.metadata, f"object {number} in {path}", found)


def _folder(files: ModuleFiles, path: str, found: Collector) -> None:
    """What Keras 3 loads of a `.keras` file that was unpacked; others have such a file as well."""
    try:
        check_config(files.whole(path, MOST_CONFIG), path, found)
    except UnreadableError as error:
        if not error.damaged:
            raise


def _is_hdf5(files: ModuleFiles, path: str) -> bool:
    """Whether HDF5 finds its signature: at the beginning, or at 512 bytes, 1024, 2048 and so on."""
    at = 0
    while at + len(SIGNATURE) <= files.size(path):
        if files.at(path, at, len(SIGNATURE)) == SIGNATURE:
            return True
        at = 2 * at or 512
    return False


def _hdf5(files: ModuleFiles, path: str, found: Collector) -> None:
    for name, text in attributes(files, path):
        if name in _CONFIGS:
            check_config(text, f"{name} of {path}", found)


def _zip(files: ModuleFiles, path: str, found: Collector) -> None:
    if files.at(path, 0, 4) != b"PK\x03\x04":
        raise UnreadableError(
            "it is not a zip that can be read: it does not begin as one", damaged=True
        )
    try:
        with opened(files, path) as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise UnreadableError(f"it has {len(members):,} members")
            names = [member.filename for member in members]
            for name in names:
                check_name(f"{path}/{name}", found)
            if names.count("config.json") != 1:
                raise UnreadableError("it has not one config.json", damaged=True)
            for config in ("config.json", "metadata.json"):
                for member in (one for one in members if one.filename == config):
                    check_config(_member(archive, member), f"{config} of {path}", found)
    except ZIP_ERRORS as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"it is not a zip that can be read: {error}", damaged=True) from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        text = b"".join(_pieces(stream, MOST_CONFIG + 1))
    if len(text) > MOST_CONFIG:
        raise UnreadableError(f"{member.filename} has more than {MOST_CONFIG:,} bytes")
    return text


def _pieces(stream: Any, most: int) -> Iterator[bytes]:
    while most > 0 and (piece := stream.read(min(most, 1024 * 1024))):
        most -= len(piece)
        yield piece
