"""Compare the table of ops with an installed TensorFlow.

    python -m tests.ops            fails on an op that nobody has classed
    python -m tests.ops --write    adds those, with the class that the rules suggest

Look through what `--write` has added, by hand, before it is committed; raise `TABLE` with it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from hubproxy.inspection.gate.optable import PATH, entries, write
from tests.ops.table import merged, unclassed

_REGISTERED = Path(__file__).with_name("registered.py")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ops", description=__doc__)
    parser.add_argument("--write", action="store_true", help="add the missing ones")
    parser.add_argument("--python", default=sys.executable, help="the one that has TensorFlow")
    asked = parser.parse_args()
    ran = subprocess.run([asked.python, _REGISTERED], stdout=subprocess.PIPE, text=True, check=True)
    version, *lines = ran.stdout.splitlines()
    ops = {name: state == "1" for name, _, state in (line.partition("\t") for line in lines)}
    known = entries()
    missing = unclassed(known, ops)
    if asked.write:
        PATH.write_text(write(merged(known, ops, version)))
    for name in missing:
        sys.stdout.write(f"TensorFlow {version} has {name}, which nobody has classed\n")
    sys.stdout.write(f"TensorFlow {version}: {len(ops)} ops, {len(missing)} not in the table\n")
    return 1 if missing and not asked.write else 0


if __name__ == "__main__":
    sys.exit(main())
