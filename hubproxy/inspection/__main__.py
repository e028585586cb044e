"""The child: limits itself, looks into the archive it was handed, prints what it found, ends.

    python -m hubproxy.inspection DESCRIPTOR < request > answer

What goes wrong in here may end it; the parent says so.
"""

import resource
import sys

import msgspec

from hubproxy.inspection.look import look
from hubproxy.inspection.request import Answer, Request


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    limit(request)
    try:
        answer = Answer(inspected=look(int(sys.argv[1]), request.form, request.files))
    except MemoryError:
        answer = Answer(why=f"it needs more than {request.memory:,} bytes of memory")
    text = msgspec.json.encode(answer)
    if len(text) > request.answer:
        text = msgspec.json.encode(Answer(why=f"it says more than {request.answer:,} bytes hold"))
    sys.stdout.buffer.write(text)


def limit(request: Request) -> None:
    """Lay the bounds of a request upon this process, once and for all."""
    for kind, most, hard in (
        (resource.RLIMIT_AS, request.memory, request.memory),
        # The first ends it with SIGXCPU, which the parent can tell from other ends.
        (resource.RLIMIT_CPU, request.cpu_seconds, request.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, request.answer, request.answer),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, given = resource.getrlimit(kind)
        if given == resource.RLIM_INFINITY or hard <= given:
            resource.setrlimit(kind, (most, hard))


if __name__ == "__main__":
    main()
