"""The parent's side: a child for each module, and nothing believed of it but a short answer."""

import os
import select
import signal
import subprocess
import sys
from tempfile import TemporaryFile

import msgspec

from hubproxy.children import environ, read_only
from hubproxy.core.finding import Finding
from hubproxy.core.record import Record
from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.gate import VERSION
from hubproxy.inspection.gate.optable import TABLE
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.request import Answer, Limits, Request

_COMMAND = (sys.executable, "-P", "-m", "hubproxy.inspection")
_DEFAULT = Limits()


def inspect(archive: int, record: Record, limits: Limits = _DEFAULT) -> Inspected:
    """What is inside a module. Blocks until the child has ended.

    Nothing that hostile bytes can cause is raised: a child that gives no answer is a finding.

    Args:
        archive: descriptor of the plain tar that the record describes.
    """
    request = Request(
        form=record.format,
        files=record.files,
        memory=limits.memory,
        cpu_seconds=limits.cpu_seconds,
        answer=limits.answer,
    )
    try:
        answer = _ask(archive, request, limits.wall_seconds)
        if answer.pickles:
            again = msgspec.structs.replace(request, pickles=True)
            answer = _ask(archive, again, limits.wall_seconds)
    except UnreadableError as error:
        answer = Answer(why=str(error))
    except OSError as error:
        answer = Answer(why=f"no process could be started to read it: {error}")
    return answer.inspected or Inspected(
        findings=(
            Finding(
                name="gate:no-answer",
                where=record.handle,
                why=f"what is inside cannot be told: {answer.why}",
                remedy="A person may accept it unread.",
            ),
        ),
        gate=VERSION,
        table=TABLE,
    )


def _ask(archive: int, request: Request, wall_seconds: float) -> Answer:
    # Files instead of pipes: nobody waits for the other, and RLIMIT_FSIZE bounds the answer.
    with TemporaryFile() as asked, TemporaryFile() as answered, read_only(archive) as given:
        asked.write(msgspec.json.encode(request))
        asked.seek(0)
        with subprocess.Popen(
            [*_COMMAND, str(given)],
            stdin=asked,
            stdout=answered,
            stderr=subprocess.DEVNULL,
            pass_fds=(given,),
            env=environ(),
        ) as child:
            try:
                if not _ends_within(wall_seconds, child.pid):
                    raise UnreadableError(f"it took longer than {wall_seconds:g} seconds")
                status = child.wait()
            finally:
                child.kill()
        if status != 0:
            raise UnreadableError(_ended(status, request))
        answered.seek(0)
        text = answered.read(request.answer + 1)
    try:
        return msgspec.json.decode(text, type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableError(f"its reader gave no answer: {error}") from error


def _ends_within(seconds: float, child: int) -> bool:
    """Wait for a child by its descriptor: `Popen.wait` with a time looks at it every 50 ms."""
    descriptor = os.pidfd_open(child)
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def _ended(status: int, request: Request) -> str:
    if status == -signal.SIGXCPU:
        return f"its reader was ended after {request.cpu_seconds} seconds of work"
    if status == -signal.SIGSYS:
        return "its reader was ended for trying what no reader has a need of"
    if status < 0:
        return f"its reader was ended by {signal.Signals(-status).name}"
    return f"its reader failed, as it does when {request.memory:,} bytes of memory are too few"
