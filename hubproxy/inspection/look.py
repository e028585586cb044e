"""Looking into a module: what the gate finds in its files, and the facts that it tells."""

from codecs import getincrementaldecoder
from collections.abc import Sequence

import msgspec

from hubproxy.core.record import FileEntry, Format
from hubproxy.inspection import tfjs
from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import Facts, UnreadableError, Vocabulary
from hubproxy.inspection.gate import VERSION, Reader, keras, savedmodel, stray, tflite
from hubproxy.inspection.gate import tfjs as tfjs_gate
from hubproxy.inspection.gate.optable import TABLE
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.modulefiles import ModuleFiles
from hubproxy.inspection.savedmodel import facts_of, parse

_READERS: tuple[Reader, ...] = (
    savedmodel.gate,
    keras.gate,
    tflite.gate,
    tfjs_gate.gate,
    stray.gate,
)
_ASSETS = "assets/"
_ENDS = {
    "saved_model.pb": "saved_model",
    "tfhub_module.pb": "tf1_hub",
    "keras_metadata.pb": "keras",
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
    ".tflite": "tflite",
    "model.json": "tfjs",
}


def look(archive: int, form: Format, files: Sequence[FileEntry]) -> Inspected:
    """What is inside a module.

    Args:
        archive: descriptor of the plain tar.
        form: what the record says it is; its facts are told by that.
        files: every file of it.
    """
    module, found = ModuleFiles(archive, files), Collector()
    for reader in _READERS:
        reader(module, found)
    facts = _facts(module, form, found)
    return Inspected(
        facts=facts,
        findings=found.findings(),
        formats=formats(module.paths),
        gate=VERSION,
        table=TABLE,
    )


def formats(paths: Sequence[str]) -> tuple[str, ...]:
    """What can be loaded of a module, by the names of its files, sorted."""
    return tuple(
        sorted({form for path in paths for end, form in _ENDS.items() if path.endswith(end)})
    )


def _facts(module: ModuleFiles, form: Format, found: Collector) -> Facts | None:
    """The facts; None for a format that tells none, or where they cannot be read."""
    try:
        facts = _graph_facts(module, form)
        if facts is None:
            return None
        vocabularies = tuple(
            Vocabulary(path, lines)
            for path in sorted(module.paths)
            if path.startswith(_ASSETS) and (lines := _lines(module, path)) is not None
        )
        return msgspec.structs.replace(facts, vocabularies=vocabularies)
    except UnreadableError as error:
        if not found.findings():
            found.add("gate:unread", "its facts", why=f"what is inside cannot be told: {error}")
        return None


def _graph_facts(module: ModuleFiles, form: Format) -> Facts | None:
    if form == "tfjs" and "model.json" in module:
        return tfjs.facts_of(module.parsed("model.json", tfjs.parse))
    if form in ("saved_model", "tf1_hub") and "saved_model.pb" in module:
        return facts_of(module.parsed("saved_model.pb", parse))
    return None


def _lines(module: ModuleFiles, path: str) -> int | None:
    """Lines of a text in UTF-8, the last with or without its newline; None for anything else."""
    decoder, lines, last = getincrementaldecoder("utf-8")(), 0, b"\n"
    try:
        for piece in module.pieces(path):
            if b"\0" in piece:
                return None
            decoder.decode(piece)
            lines, last = lines + piece.count(b"\n"), piece[-1:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return lines + (last != b"\n")
