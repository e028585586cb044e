"""Warm hits in TLS, and what a handshake costs: ours in a tunnel that CONNECT opened."""

import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import trustme

from tests.bench.bench import GB, HUBPROXY, MIB, Bench, Result, peer_name
from tests.bench.clients import Tls
from tests.bench.peer import Certificate
from tests.bench.processes import watched
from tests.bench.site import get
from tests.bench.table import Goal, Table

_PEERS = (peer_name(1), peer_name(2))
# At least so many bytes a cell, as the CPU is counted in steps of 10 ms.
_ENOUGH = 2048 * MIB


@dataclass(frozen=True, slots=True)
class _Secret:
    """Somebody who speaks TLS."""

    url: str
    pid: int
    tls: Tls

    def agreed(self) -> str:
        """What it and OpenSSL agree on: version and cipher."""
        parts = urlsplit(self.url)
        context = ssl.create_default_context(cafile=self.tls.roots)
        host, _, port = (self.tls.proxy or parts.netloc).partition(":")
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=60)
        if self.tls.proxy:
            connection.set_tunnel(str(parts.hostname), parts.port or 443)
        connection.connect()
        try:
            assert isinstance(connection.sock, ssl.SSLSocket)
            cipher = connection.sock.cipher()
            return f"{connection.sock.version()} {cipher[0] if cipher else ''}"
        finally:
            connection.close()


def large(bench: Bench) -> Result:
    """CPU and bytes per second of a warm hit."""
    sizes = bench.sizes
    with _serving(bench, "warm") as servers:
        table = Table(
            f"Warm hit of {sizes.warm // MIB} MiB, {_terms(bench, servers)}", list(servers)
        )
        cpu = {count: f"CPU s/GB, {count} clients" for count in sizes.tls_clients}
        rate = {count: f"GB/s, {count} clients" for count in sizes.tls_clients}
        for count in sizes.tls_clients * bench.rounds:
            requests = max(1, _ENOUGH // (count * sizes.warm))
            for name, server in servers.items():
                started = time.monotonic()
                with watched(server.pid) as seen:
                    answers = bench.sink.read(
                        server.url, connections=count, requests=requests, tls=server.tls
                    )
                sent = sum(answer.size for answer in answers) / GB
                table.add(cpu[count], name, seen.cpu / sent)
                table.add(rate[count], name, sent / (time.monotonic() - started))
    return Result(
        [table],
        [
            Goal(f"warm hit in TLS: CPU/GB, {count} clients, by {peer}", found, 1.0)
            for count, row in cpu.items()
            for peer in _PEERS
            for found in [table.ratio([row], HUBPROXY, peer)]
        ],
    )


def handshake(bench: Bench) -> Result:
    """CPU of a new connection: with nothing after the handshake, and with one small hit."""
    count = bench.sizes.handshakes
    alone, hit = "CPU us, handshake alone", "CPU us, handshake and a small hit"
    with _serving(bench, "small") as servers:
        table = Table(f"{count} new connections, {_terms(bench, servers)}", list(servers))
        for _ in range(bench.rounds):
            for name, server in servers.items():
                for row, url in ((alone, urljoin(server.url, "/")[:-1]), (hit, server.url)):
                    with watched(server.pid) as seen:
                        bench.sink.read(url, requests=count, tls=server.tls)
                    table.add(row, name, seen.cpu / count * 1e6)
    return Result(
        [table],
        [
            Goal(f"handshake: CPU, by {peer}", table.ratio([alone], HUBPROXY, peer), 2.0)
            for peer in _PEERS
        ],
    )


@contextmanager
def _serving(bench: Bench, name: str) -> Iterator[dict[str, _Secret]]:
    """hubproxy with a module in its store, and its peers with the same file."""
    certificate = _certificate(bench.folder)
    with bench.site.origin() as origin, bench.site.daemon(origin.url) as daemon:
        bench.sink.read(daemon.module(name))
        daemon.settle()
        roots = bench.folder / "hubproxy-ca.pem"
        roots.write_text(get(f"{daemon.url}/-/ca.pem"))
        ours = _Secret(daemon.secret(name), daemon.pid, Tls(roots, daemon.forward()))
        with bench.serving({name: daemon.archive(name)}, (1, 2), certificate) as peers:
            theirs = Tls(certificate.root)
            yield {
                HUBPROXY: ours,
                **{who: _Secret(peer.file(name), peer.pid, theirs) for who, peer in peers.items()},
            }


def _certificate(folder: Path) -> Certificate:
    """Of the same kind as ours: a P-256 key, signed by one."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
    certificate = Certificate(*(folder / f"{name}.pem" for name in ("chain", "key", "root")))
    certificate.chain.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
    certificate.key.write_bytes(leaf.private_key_pem.bytes())
    certificate.root.write_bytes(authority.cert_pem.bytes())
    return certificate


def _terms(bench: Bench, servers: dict[str, _Secret]) -> str:
    """How the bytes travel: the same for all, or said of each."""
    agreed = {name: server.agreed() for name, server in servers.items()}
    if len(set(agreed.values())) == 1:
        told = agreed[HUBPROXY]
    else:
        told = "; ".join(f"{name} {what}" for name, what in agreed.items())
    return f"{told}, client {bench.sink.tls_made_of}"
