"""Pointing a job at a daemon, and proving that it arrives: `hubproxy env`, `run` and `doctor`.

The law of this package: it knows a daemon only by what that says at `/-/env.json`, so that it works
on a machine that has nothing but a URL.
"""
