"""Through which proxies a request has come (RFC 9110, 7.6.3): what a fetch for it sends on.

It goes with the task that serves the request, and with the tasks begun by it, so that whoever
asks upstream says for whom; nothing in between needs to know.
"""

from contextvars import ContextVar

VIA: ContextVar[str] = ContextVar("hubproxy_via", default="")
"""The value of the `Via` field for requests upstream; empty for none."""
