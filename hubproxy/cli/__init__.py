"""The commands. Each parses, calls one use case, and prints.

Results go to standard output, everything else to standard error. What a command needs is
imported when it runs, so that `hubproxy --help` is quick.
"""

from hubproxy.cli.main import main

__all__ = ["main"]
