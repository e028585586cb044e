"""Fuzzing with atheris: `python -m tests.fuzz TARGET [--seconds N]`.

What was fed when it crashed is kept in the folder for temporary files; libFuzzer says where.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = ("tar", "zip", "savedmodel", "modeljson")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    kept = Path(tempfile.gettempdir()) / f"hubproxy-fuzz-{asked.target}-"
    with tempfile.TemporaryDirectory() as folder:
        flags = (
            f"-max_total_time={asked.seconds}",
            "-max_len=20000",
            "-timeout=20",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
            f"-artifact_prefix={kept}",
        )
        command = (sys.executable, "-m", "tests.fuzz.run", asked.target, folder, *flags)
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
