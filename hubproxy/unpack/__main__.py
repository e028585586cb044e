"""The child: gives up all it has no need of, and turns an archive into a plain tar.

    python -m hubproxy.unpack REQUEST ANSWER < archive > tar

REQUEST is JSON, ANSWER the descriptor of a pipe. What goes wrong in here may end it; the parent
says so.
"""

# ruff: noqa: E402  # collecting garbage is a tenth of the start, and a child's life is short
import gc

gc.disable()

import os
import sys
import unicodedata

import msgspec

from hubproxy.confine import confine
from hubproxy.core.limits import ArchiveLimits
from hubproxy.errors import UnsafeArchiveError
from hubproxy.unpack.ingest import Unpacked, repack, repack_zip
from hubproxy.unpack.request import LARGEST_ANSWER, Answer, Request

_ZIP_FILE = sys.stdin.buffer
"""Standard input, where it is a file."""


def main() -> None:
    request = msgspec.json.decode(sys.argv[1], type=Request)
    answer = int(sys.argv[2])
    unicodedata.normalize("NFD", "é")
    msgspec.json.encode(Answer(unpacked=Unpacked("", (), "", 0, ())))
    confine(memory=request.memory, cpu_seconds=request.cpu_seconds)
    text = msgspec.json.encode(_read(request))
    if len(text) > LARGEST_ANSWER:
        text = msgspec.json.encode(Answer(why="unsafe archive: it names more than can be listed"))
    os.close(1)
    while text:
        text = text[os.write(answer, text) :]
    os._exit(0)  # nothing is looked up, and nothing flushed, on the way out


def _read(request: Request) -> Answer:
    limits = ArchiveLimits(
        members=request.members,
        depth=request.depth,
        name_bytes=request.name_bytes,
        unpacked_bytes=request.unpacked_bytes,
        ratio=request.ratio,
    )
    try:
        unpacked = _repack(request, limits)
    except UnsafeArchiveError as error:
        return Answer(why=str(error), remedy=error.remedy)
    except MemoryError:
        return Answer(
            why=f"unsafe archive: it needs more than {request.memory:,} bytes of memory to read"
        )
    except Exception as error:  # noqa: BLE001  # a traceback would open files, and be ended for it
        return Answer(why=f"unsafe archive: its reader failed: {type(error).__name__}: {error}")
    return Answer(unpacked=unpacked)


def _repack(request: Request, limits: ArchiveLimits) -> Unpacked:
    if request.zip_bytes:
        return repack_zip(
            _ZIP_FILE,
            request.zip_bytes,
            _Output(),
            limits=limits,
            strip=request.strip,
            expected_size=request.expected_size,
            hash_files=request.hash_files,
        )
    return repack(
        _Input(),
        _Output(),
        limits=limits,
        strip=request.strip,
        expected_size=request.expected_size,
        hash_files=request.hash_files,
    )


class _Input:
    """Standard input, where it is a pipe."""

    def read(self, size: int, /) -> bytes:
        return os.read(0, size)


class _Output:
    """Standard output."""

    def write(self, piece: bytes, /) -> None:
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
