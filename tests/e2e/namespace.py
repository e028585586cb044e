"""A machine in a machine: a network namespace with one cable, and a daemon at its other end."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Namespace:
    """`address` is this machine's, as it is seen in there. Nothing else can be reached."""

    name: str
    address: str

    @property
    def inside(self) -> list[str]:
        """What goes before a command that is to run in there."""
        return ["ip", "netns", "exec", self.name]


@contextmanager
def namespace() -> Iterator[Namespace]:
    """One of its own for this process; the test is skipped where there can be none."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root, and the command ip")
    number = os.getpid() % 16_384  # each process has a /30 of 10.213.0.0/16
    base = f"10.213.{number // 64}.{number % 64 * 4}"
    head, _, last = base.rpartition(".")
    here, there = f"{head}.{int(last) + 1}", f"{head}.{int(last) + 2}"
    name = f"hubproxy-{number}"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made: {error.stderr.strip()}")
    try:
        _ip("link", "add", f"hp{number}a", "type", "veth", "peer", "name", "cable", "netns", name)
        _ip("address", "add", f"{here}/30", "dev", f"hp{number}a")
        _ip("link", "set", f"hp{number}a", "up")
        _ip("-n", name, "address", "add", f"{there}/30", "dev", "cable")
        _ip("-n", name, "link", "set", "cable", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Namespace(name, here)
    finally:
        _ip("netns", "delete", name)  # the cable goes with it


@contextmanager
def island() -> Iterator[Namespace]:
    """A machine that has no network at all, but itself; skipped where there can be none."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root, and the command ip")
    name = f"hubproxy-island-{os.getpid()}"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made: {error.stderr.strip()}")
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield Namespace(name, "127.0.0.1")
    finally:
        _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
