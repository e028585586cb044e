"""Loading the canary by one way in, in a child that has the real client."""

import hashlib
import json
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from hubproxy.pointing.finding import Finding
from hubproxy.server.canary import VALUE, canary_files

_LONGEST = 120.0
"""Seconds that a child may take: to import TensorFlow from a slow disk takes most of a minute."""

_LOAD = "import tensorflow_hub as hub; hub.load({!r})"
# What a failed load says, and what helps; the first that is found in it counts.
_FIXES = (
    ("pkg_resources", "{python} -m pip install 'setuptools<81'"),
    ("Tunnel connection failed: 407", "hubproxy doctor{flag} --team NAME --token-file FILE"),
    ("File system scheme", "unset TFHUB_MODEL_LOAD_FORMAT"),
    ("Expected 303", "unset TFHUB_MODEL_LOAD_FORMAT"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """One load to try.

    Args:
        way: its name.
        handle: what is given to `hub.load`.
        environ: the environment of the job.
        flag: what a command needs to find the daemon again, with a space in front.
        wheel: address of the page where the hook can be installed from.
        wanted: whether somebody asked for this way by its name.
    """

    way: str
    handle: str
    environ: Mapping[str, str]
    flag: str
    wheel: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of it; `client` is the version of `tensorflow_hub`, where that was asked."""

    finding: Finding
    client: tuple[int, ...] | None = None


def load_canary(load: Load, python: str, *, timeout: float = _LONGEST) -> Loaded:
    """Load the canary, into an empty cache.

    Args:
        load: how.
        python: the job's interpreter.
        timeout: seconds until the child is killed.
    """
    source = resources.files("hubproxy.pointing").joinpath("canaryjob.py").read_text("utf-8")
    with tempfile.TemporaryDirectory(prefix="hubproxy-doctor-") as cache:
        try:
            ran = subprocess.run(
                [python, "-c", source, load.way, load.handle],
                env={**load.environ, "TFHUB_CACHE_DIR": cache},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=timeout,
            )
        except OSError as error:
            text = f"{python} cannot be run: {error.strerror}"
            return Loaded(_failed(load, text, "hubproxy doctor --python $(command -v python3)"))
        except subprocess.TimeoutExpired:
            text = f"{load.handle} did not come within {timeout:g} seconds"
            return Loaded(_failed(load, text, _again(load, python)))
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        last = (ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"])[-1]
        return Loaded(_failed(load, f"{python}: {last[:300]}", _again(load, python)))
    return _judge(load, python, answer)


def _judge(load: Load, python: str, answer: dict[str, Any]) -> Loaded:
    client = _numbers(answer.get("versions", {}).get("tensorflow_hub", ""))
    if "no_hook" in answer:
        fix = f"{shlex.quote(python)} -m pip install --no-index --find-links {load.wheel} "
        finding = Finding(
            load.way,
            "FAIL" if load.wanted else "warn",
            f"{python} does not have the hook, which only this way needs",
            f"{fix}hubproxy-client",
        )
    elif "error" in answer:
        told = " ".join(answer["error"].split())[:600]
        fix = next((fix for sign, fix in _FIXES if sign in told), "")
        fix = fix.format(python=shlex.quote(python), flag=load.flag) or _again(load, python)
        finding = _failed(load, f"{load.handle}: {told}", fix)
    elif answer.get("value") == VALUE.decode():
        versions = answer["versions"]
        by = f"tensorflow_hub {versions['tensorflow_hub']}, TensorFlow {versions['tensorflow']}"
        finding = _good(load, by, answer["seconds"])
    elif answer.get("files") == _digests():
        by = f"urllib, since {python} has no tensorflow_hub"
        finding = _good(load, by, answer["seconds"])
    else:
        finding = _failed(load, f"{load.handle} is not the canary", _again(load, python))
    return Loaded(finding, client or None)


def _good(load: Load, by: str, seconds: float) -> Finding:
    return Finding(load.way, "ok", f"{load.handle} loaded in {seconds:.1f} s by {by}")


def _failed(load: Load, text: str, fix: str) -> Finding:
    return Finding(load.way, "FAIL", text, fix)


def _again(load: Load, python: str) -> str:
    """A command that does the same and shows all of what goes wrong."""
    script = shlex.join([python, "-c", _LOAD.format(load.handle)])
    if load.way == "reverse":
        return script
    return f"hubproxy run{load.flag} --way {load.way} -- {script}"


def _digests() -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in canary_files().items()}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
