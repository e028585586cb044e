"""The child: gives up all it has no need of, looks into the archive it was handed, ends.

    python -P -m hubproxy.inspection DESCRIPTOR < request > answer

What goes wrong in here may end it; the parent says so.
"""

# ruff: noqa: E402  # collecting garbage is a tenth of the start, and a child's life is short
import gc

gc.disable()

import os
import sys
from importlib import import_module

import msgspec

from hubproxy.confine import confine
from hubproxy.inspection.gate.optable import classed
from hubproxy.inspection.look import look
from hubproxy.inspection.request import Answer, Request

_LATER = (
    "encodings.ascii encodings.cp437 encodings.latin_1 encodings.utf_8_sig encodings.utf_16 "
    "encodings.utf_16_be encodings.utf_16_le encodings.utf_32 encodings.utf_32_be "
    "encodings.utf_32_le encodings.unicode_escape encodings.raw_unicode_escape bz2 lzma"
).split()
"""What the libraries import only when they come to it: afterwards, nothing can be opened."""

_PICKLES = "picklescan.scanner"
"""A fifth of the whole start, and few modules need it: the parent is told, and asks again."""


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    for name in _LATER:
        import_module(name)
    if request.pickles:
        import_module(_PICKLES)
        import_module("logging").disable()
    else:
        sys.modules[_PICKLES] = None  # type: ignore[assignment]  # to import it is an error now
    classed("NoOp")
    msgspec.json.encode(Answer())
    confine(memory=request.memory, cpu_seconds=request.cpu_seconds, file_bytes=request.answer)
    text = msgspec.json.encode(_look(request))
    if len(text) > request.answer:
        text = msgspec.json.encode(Answer(why=f"it says more than {request.answer:,} bytes hold"))
    while text:
        text = text[os.write(1, text) :]
    os._exit(0)  # nothing is looked up, and nothing flushed, on the way out


def _look(request: Request) -> Answer:
    try:
        return Answer(inspected=look(int(sys.argv[1]), request.form, request.files))
    except ModuleNotFoundError as error:
        return Answer(pickles=error.name == _PICKLES, why=str(error))
    except MemoryError:
        return Answer(why=f"it needs more than {request.memory:,} bytes of memory")
    except Exception as error:  # noqa: BLE001  # a traceback would open files, and be ended for it
        return Answer(why=f"its reader failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
