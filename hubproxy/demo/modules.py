"""The demo's modules: small stand-ins with the names and signatures of the real ones."""

import tarfile
from pathlib import Path
from random import Random

IMAGE = "google/imagenet/nasnet_large/feature_vector/1"
WORDS = "google/nnlm-en-dim50/2"
SENTENCES = "google/universal-sentence-encoder/2"
UNLISTED = "google/progan-128/1"
ALL = (IMAGE, WORDS, SENTENCES, UNLISTED)


def pack(module: Path, archive: Path) -> None:
    """A tar.gz with the module's files at its root, as the hub's documentation asks for."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(module, arcname=".")


def plain_module(folder: Path, name: str) -> None:
    """A SavedModel that computes nothing, for machines without TensorFlow."""
    (folder / "assets").mkdir(parents=True)
    node = _field(1, name.encode()) + _field(2, b"NoOp")
    meta_graph = _field(2, _field(1, node))
    (folder / "saved_model.pb").write_bytes(b"\x08\x01" + _field(2, meta_graph))
    # Not periodic: in data that is, some changed bytes of a deflate stream change nothing.
    (folder / "assets" / "weights.bin").write_bytes(Random(name).randbytes(8 * 1024 * 1024))
    (folder / "assets" / "tokens.txt").write_text("the\nquick\nbrown\nfox\n")


def _field(number: int, content: bytes) -> bytes:
    """A field of a protocol buffer, of fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
