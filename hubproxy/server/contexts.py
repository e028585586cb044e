"""The TLS contexts of intercepted hosts: one for each, with a leaf of its own."""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hubproxy.ca.authority import Authority, Leaf
from hubproxy.protocols.authority import Authority as Destination

# Mozilla's "intermediate" configuration, version 5.7, less what TLS 1.3 brings by itself.
_CIPHERS = ":".join(
    (
        *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        *("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"),
    )
)


@dataclass(frozen=True, slots=True)
class _Kept:
    context: ssl.SSLContext
    renew_at: datetime


class Contexts:
    """Makes a host's context when it is first asked for, and anew at two thirds of its life.

    Args:
        authority: signs the leaves, until another one is put in its place.
        clock: the time, timezone-aware UTC.
    """

    def __init__(self, authority: Authority, clock: Callable[[], datetime]) -> None:
        self.authority, self._clock = authority, clock
        self._kept: dict[str, _Kept] = {}
        self._making: dict[str, asyncio.Task[_Kept]] = {}

    def ready(self, host: str) -> ssl.SSLContext | None:
        """The context of a host if there is one that is fresh."""
        kept = self._kept.get(host)
        return kept.context if kept is not None and self._clock() < kept.renew_at else None

    async def get(self, host: str) -> ssl.SSLContext:
        """The context of a host, which the caller has found to be one that is intercepted.

        Raises:
            HubproxyError: the CA cannot be used, or does not permit the host.
        """
        found = self.ready(host)
        if found is None:
            task = self._making.get(host)
            if task is None:
                task = self._making[host] = asyncio.create_task(
                    asyncio.to_thread(self._make, self.authority, host)
                )
                task.add_done_callback(lambda done: self._made(host, done))
            found = (await asyncio.shield(task)).context
        return found

    def use(self, authority: Authority) -> None:
        """Let another CA sign from now on: every context is made anew when it is next asked for."""
        self.authority = authority
        self._kept.clear()
        self._making.clear()

    def _made(self, host: str, task: asyncio.Task[_Kept]) -> None:
        wanted = self._making.get(host) is task  # else another CA signs by now
        if wanted:
            del self._making[host]
        # What went wrong is so seen, also when nobody waits for it any more.
        if not task.cancelled() and task.exception() is None and wanted:
            self._kept[host] = task.result()

    def _make(self, authority: Authority, host: str) -> _Kept:
        leaf = authority.issue(host, now=self._clock())
        return _Kept(server_context(leaf, host), leaf.renew_at)


def server_context(leaf: Leaf, host: str) -> ssl.SSLContext:
    """The server's side of TLS for one host: 1.2 and later, AEAD alone, HTTP/1.1 alone.

    A client that names another host (SNI) is refused.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0  # no client of ours comes back with one
    context.set_alpn_protocols(["http/1.1"])

    def check_name(
        _tls: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> int | None:
        try:
            if name is None or Destination.parse(name) == Destination(host):
                return None
        except ValueError:
            pass
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = check_name
    # `ssl` reads chains from files alone; this one is in memory, and has no name on disk.
    memory = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(leaf.key_pem + leaf.chain_pem)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
    return context
