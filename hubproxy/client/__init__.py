"""What a training job imports: the standard library alone, in Python 3.7 syntax.

Two distributions carry this package: `hubproxy`, and the small `hubproxy_client` that the daemon
serves to interpreters that are too old for the rest. So imports between its modules are relative.
"""
