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
    """Files in the layout of a SavedModel, for machines without TensorFlow. Not loadable."""
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "saved_model.pb").write_bytes(b"a stand-in for the graph of " + name.encode())
    (folder / "variables" / "variables.index").write_bytes(b"a stand-in")
    # Not periodic: in data that is, some changed bytes of a deflate stream change nothing.
    weights = Random(name).randbytes(8 * 1024 * 1024)
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(weights)
    (folder / "assets" / "tokens.txt").write_text("the\nquick\nbrown\nfox\n")
