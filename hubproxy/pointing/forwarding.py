"""A check of the forward port as any client comes to it: CONNECT, then TLS with the hub's name."""

import base64
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from hubproxy.pointing.ask import Site
from hubproxy.pointing.finding import Finding
from hubproxy.pointing.place import Credentials, is_loopback

_TIMEOUT = 10.0
_LONGEST_HEAD = 1 << 16


def check_forward(
    site: Site, hub: str, *, bundle: Path, credentials: Credentials | None
) -> Finding:
    """Whether a hub can be reached through the proxy, and believed.

    Args:
        site: the daemon.
        hub: one of its hosts.
        bundle: the merged CAs.
        credentials: of a team, where there are some.
    """
    parts = urlsplit(site.proxy)
    try:
        connection = socket.create_connection((parts.hostname or "", parts.port or 80), _TIMEOUT)
    except OSError as error:
        return Finding(
            "forward",
            "FAIL",
            f"{site.proxy} cannot be reached: {error.strerror or error}",
            _reach(site, error),
        )
    with connection:
        try:
            status = _connect(connection, hub, credentials)
            if status.split()[1:2] != ["200"]:
                return _refused(site, hub, status)
            context = ssl.create_default_context(cafile=str(bundle))
            context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python does since 3.13
            with context.wrap_socket(connection, server_hostname=hub) as tls:
                version = tls.version()
        except ssl.SSLCertVerificationError as error:
            return Finding(
                "forward",
                "FAIL",
                f"the certificate for {hub} does not verify: {error.verify_message}",
                "systemctl reload hubproxy   # on the daemon's host: it then reads its CA again",
            )
        except OSError as error:
            return Finding(
                "forward",
                "FAIL",
                f"{site.proxy} broke off CONNECT {hub}:443: {error.strerror or error}",
                "journalctl -u hubproxy   # on the daemon's host",
            )
    return Finding("forward", "ok", f"CONNECT {hub}:443 by {site.proxy}, {version}, CA verified")


def _connect(connection: socket.socket, hub: str, credentials: Credentials | None) -> str:
    """Ask for a tunnel; gives the status line of the answer.

    Raises:
        OSError: there was none.
    """
    lines = [f"CONNECT {hub}:443 HTTP/1.1", f"Host: {hub}:443"]
    if credentials is not None:
        pair = f"{credentials.team}:{credentials.token}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        # Byte by byte: what follows the head belongs to TLS.
        piece = connection.recv(1)
        if not piece or len(head) > _LONGEST_HEAD:
            raise ConnectionError("it is no answer of a proxy")
        head += piece
    return head.partition(b"\r\n")[0].decode("latin-1")


def _refused(site: Site, hub: str, status: str) -> Finding:
    plain = "".join(char if char.isprintable() else "?" for char in status[:600])
    if " 407 " in f"{status} ":
        fix = f"hubproxy doctor{site.flag} --team NAME --token-file FILE"
        return Finding(
            "forward", "FAIL", f"{plain}; a token comes from an admin, by `hubproxy team add`", fix
        )
    return Finding("forward", "FAIL", f"CONNECT {hub}:443 was answered {plain}", _LOOK)


_LOOK = "hubproxy config check   # on the daemon's host: is this port `forward.listen`?"


def _reach(site: Site, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "set `forward.url` in the daemon's settings to an address that jobs can resolve"
    if is_loopback(site.proxy) and not is_loopback(site.url):
        return "set `forward.listen` in the daemon's settings to 0.0.0.0:8441: it is loopback only"
    return f"curl -v {site.proxy}   # a firewall? else set `forward.url` to where jobs reach it"
