"""The content gate: what in a module a person should know of before anybody loads it.

Each reader looks at every file of a module that may be of its kind, wherever it lies, and says
what it finds; none believes the format that the module's record names. What a reader does not
understand, it holds.
"""

from collections.abc import Callable

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.modulefiles import ModuleFiles

VERSION = 2
"""Of the gate; raised whenever it may find in a module what it did not find before."""

Reader = Callable[[ModuleFiles, Collector], None]
"""Looks at the files that are of its kind. Raises nothing that hostile bytes can cause."""
