import asyncio
import os
import re
import sys
from pathlib import Path

STORY = r"""
A security officer begins a trust list, and an admin starts the proxy.

A training job starts with HUBPROXY_URL=http://127.0.0.1:\d+, and nothing else changed.
  the job is a plain client: .*

The officer reads three modules, and signs them.
root       version 1 .*
targets    version 2 .*
snapshot   version 2 .*
timestamp  version 2 .*
in force: root 1, timestamp 2, 3 modules, until .* UTC

Cold: the module is fetched once, checked chunk by chunk, kept, and served.
  hub.load\("https://tfhub.dev/google/nnlm-en-dim50/2"\)   \d+ ms, 3 files
  hub.load\("https://tfhub.dev/google/universal-sentence-encoder/2"\)   \d+ ms, 3 files

Warm: it comes from the disk.
  hub.load\("https://tfhub.dev/google/nnlm-en-dim50/2"\)   \d+ ms, 3 files

Another job knows nothing of hubproxy: hubproxy run -- python train.py
  hub.load\("https://tfhub.dev/google/nnlm-en-dim50/2"\)   \d+ ms, 3 files
  hub.load\("https://tfhub.dev/google/progan-128/1"\)   \d+ ms
    HTTPError: 403 hubproxy HP-T01: tfhub.dev/google/progan-128/1 is not on the trust list .*

A module that nobody has signed: upstream is not even asked.
  hub.load\("https://tfhub.dev/google/progan-128/1"\)   \d+ ms
    HTTPError: 403 hubproxy HP-T01: tfhub.dev/google/progan-128/1 is not on the trust list .*
  requests upstream meanwhile: 0

Upstream sends other bytes than the ones signed: none of them leaves.
  hub.load\("https://tfhub.dev/google/imagenet/nasnet_large/feature_vector/1"\)   \d+ ms
    HTTPError: 502 hubproxy HP-T0\d: .*

Upstream goes away for good.
  hub.load\("https://tfhub.dev/google/nnlm-en-dim50/2"\)   \d+ ms, 3 files

Every load is on record: hubproxy audit list
.* trust     in force: 0 targets of the officers, policy: mode first-use, grace of 14 days, .*
.* trust     in force: 3 targets of the officers, 3 new, until .* UTC
.* served    200  miss .* tfhub.dev/google/nnlm-en-dim50/2 .*
.* served    200  miss .* tfhub.dev/google/universal-sentence-encoder/2 .*
.* served    200  hit .* tfhub.dev/google/nnlm-en-dim50/2 .*
.* served    200  hit .* tfhub.dev/google/nnlm-en-dim50/2 .*
.* refused   403 .* tfhub.dev/google/progan-128/1  HP-T01: .*
.* refused   403 .* tfhub.dev/google/progan-128/1  HP-T01: .*
.* failed    502  miss .* tfhub.dev/google/imagenet/nasnet_large/feature_vector/1  HP-T0\d: .*
.* served    200  hit .* tfhub.dev/google/nnlm-en-dim50/2 .*
"""

# An interpreter in which `find_spec` finds no TensorFlow, whatever is installed.
WITHOUT_TENSORFLOW = """
import importlib.util
import sys

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name in ("tensorflow", "tensorflow_hub") else found(name, package)
)
from hubproxy.cli import main
sys.argv = ["hubproxy", "demo"]
main()
"""


async def demo(temporary: Path, **variables: str) -> tuple[int | None, str, str]:
    temporary.mkdir()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WITHOUT_TENSORFLOW,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path.cwd()),
            "TMPDIR": str(temporary),
            **variables,
        },
    )
    out, errors = await child.communicate()
    return child.returncode, out.decode(), errors.decode()


async def test_the_demo_tells_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Also where a hubproxy is in use: its settings are not the demo's."""
    real = tmp_path / "real"
    status, out, errors = await demo(
        tmp_path / "tmp",
        HUBPROXY_DATA=str(real),
        HUBPROXY_TRUST_ROOT="/nowhere/root.json",
        HUBPROXY_URL="http://127.0.0.1:9",
    )

    assert (status, errors) == (0, "")
    lines, wanted = out.rstrip("\n").split("\n"), STORY.rstrip("\n").split("\n")
    assert len(lines) == len(wanted), out
    for line, pattern in zip(lines, wanted, strict=True):
        assert re.fullmatch(pattern, line), (pattern, line)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not real.exists()
