"""Runs a command, and tells what it took, with all that it started.

    python metered.py COMMAND...

A program of its own, and a small one: what a process has in memory when it starts another counts
for that one as well, and tests have a lot. The last line of standard error is JSON.
"""

import json
import os
import sys


def main() -> None:
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    _, status, used = os.wait4(child, 0)
    told = {
        "status": os.waitstatus_to_exitcode(status),
        "peak": used.ru_maxrss * 1024,
        "seconds": used.ru_utime + used.ru_stime,
    }
    sys.stderr.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
