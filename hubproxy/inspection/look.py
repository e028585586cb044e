"""Looking into an archive: which of a module's files are read, and how much of them."""

import hashlib
import os
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence

from hubproxy.core.record import FileEntry, Format
from hubproxy.inspection.facts import Facts, UnreadableError, Vocabulary

LARGEST_GRAPH = 512 * 1024 * 1024
"""Bytes of a file that is parsed. It takes some four times that much memory."""

_ASSETS = "assets/"
_GRAPHS: dict[Format, str] = {
    "saved_model": "saved_model.pb",
    "tf1_hub": "saved_model.pb",
    "tfjs": "model.json",
}
_PIECE = 1024 * 1024


def wanted(form: Format, files: Sequence[FileEntry]) -> tuple[FileEntry, ...]:
    """The files of a module that `look` reads; none for a format that it knows nothing of."""
    graph = _GRAPHS.get(form)
    if graph is None:
        return ()
    return tuple(entry for entry in files if entry.path == graph or _is_asset(entry.path))


def look(archive: int, form: Format, files: Sequence[FileEntry]) -> Facts:
    """The facts of a module.

    Args:
        archive: descriptor of the plain tar.
        form: one that `wanted` gives files for.
        files: what `wanted` gave.

    Raises:
        UnreadableError: it is not what its format says, too large, or not what the record says.
    """
    graphs = [entry for entry in files if entry.path == _GRAPHS[form]]
    if not graphs:
        raise UnreadableError(f"it has no {_GRAPHS[form]}")
    facts = _read(form, _whole(archive, graphs[0]))
    vocabularies = [
        Vocabulary(entry.path, lines)
        for entry in sorted(files, key=lambda entry: entry.path)
        if _is_asset(entry.path) and (lines := _lines(archive, entry)) is not None
    ]
    return Facts(
        graphs=facts.graphs,
        ops=facts.ops,
        parameters=facts.parameters,
        trainable=facts.trainable,
        vocabularies=tuple(vocabularies),
    )


def _is_asset(path: str) -> bool:
    return path.startswith(_ASSETS)


def _read(form: Format, content: bytes) -> Facts:
    if form == "tfjs":
        from hubproxy.inspection.tfjs import read_tfjs  # noqa: PLC0415  # the one that is needed

        return read_tfjs(content)
    from hubproxy.inspection.savedmodel import read_saved_model  # noqa: PLC0415  # protobuf is slow

    return read_saved_model(content)


def _whole(archive: int, entry: FileEntry) -> bytes:
    if entry.size > LARGEST_GRAPH:
        raise UnreadableError(
            f"{entry.path} has {entry.size:,} bytes, and at most {LARGEST_GRAPH:,} are read"
        )
    return b"".join(_pieces(archive, entry))


def _lines(archive: int, entry: FileEntry) -> int | None:
    """Lines of a text in UTF-8, the last with or without its newline; None for anything else."""
    decoder, lines, last = getincrementaldecoder("utf-8")(), 0, b"\n"
    try:
        for piece in _pieces(archive, entry):
            if b"\0" in piece:
                return None
            decoder.decode(piece)
            lines, last = lines + piece.count(b"\n"), piece[-1:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return lines + (last != b"\n")


def _pieces(archive: int, entry: FileEntry) -> Iterator[bytes]:
    """A file's bytes, which are the ones that the record names when there are no more of them."""
    whole, at, end = hashlib.sha256(), entry.offset, entry.offset + entry.size
    while at < end:
        piece = os.pread(archive, min(_PIECE, end - at), at)
        if not piece:
            raise UnreadableError(f"the archive ends within {entry.path}")
        whole.update(piece)
        at += len(piece)
        yield piece
    if whole.hexdigest() != entry.sha256:
        raise UnreadableError(f"{entry.path} is not the file that the record names")
