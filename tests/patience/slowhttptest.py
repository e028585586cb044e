"""The same from outside: slowhttptest, where it is installed."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from tests.patience.meter import row
from tests.patience.place import PATH, Daemon

_KINDS = {
    "-H": "slow heads",
    "-B": "slow bodies",
    "-X": "slow reads",
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Told:
    """What it says at the end. `available`: its own probe was answered, whenever it looked.

    It ends once no connection is left, or when its time is over.
    """

    kind: str
    forward: bool
    seconds: int
    available: bool
    ending: str

    @property
    def name(self) -> str:
        return f"{self.kind}, {'forward' if self.forward else 'reverse'}"

    def line(self) -> str:
        available = "always" if self.available else "**not always**"
        return row([self.name, f"{self.seconds}", available, self.ending])


HEADS = ["", "ended after s", "available", "with"]


def attack(daemon: Daemon, option: str, *, count: int, seconds: int, forward: bool) -> Told:
    """Run one kind of attack."""
    program = shutil.which("slowhttptest")
    assert program is not None
    url = f"{daemon.reverse}/tfhub.dev{PATH}"
    proxied = []
    if forward:
        url, proxied = f"http://tfhub.dev{PATH}", ["-d", daemon.forward.removeprefix("http://")]
    slow_read = ["-w", "1", "-y", "512", "-n", "1", "-z", "32"] if option == "-X" else []
    words = ["-c", str(count), "-r", "200", "-i", "5", "-l", str(seconds), "-p", "2"]
    done = subprocess.run(
        [program, option, *words, "-u", url, *proxied, *slow_read],
        capture_output=True,
        text=True,
        check=False,
    )
    printed = _COLOURS.sub("", done.stdout)
    ended = re.findall(r"Test ended on (\d+)", printed)
    ending = re.findall(r"Exit status: (.+)", printed)
    return Told(
        kind=_KINDS[option],
        forward=forward,
        seconds=int(ended[-1]) if ended else 0,
        available="service available:   NO" not in printed and bool(ending),
        ending=ending[-1].strip() if ending else printed[-200:],
    )
