"""A caching proxy and offline mirror for machine-learning modules.

Kept empty of imports: training jobs on old interpreters import `hubproxy.client` through it.
"""

__version__ = "0.1.0"
