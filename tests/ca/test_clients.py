"""Real TLS clients, with our CA as their only root, in front of a real TLS server."""

import asyncio
import shutil
import ssl
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hubproxy.ca.authority import Authority, Leaf
from hubproxy.ca.certificates import LEAF_LIFE, build_leaf
from hubproxy.ca.own import load_own
from tests.ca.forging import NOW, cert_pem, key_pem, new_authority, new_key
from tests.ca.sites import own_files
from tests.client.interpreters import python

PYTHON = """
import socket, ssl, sys
file, host, port = sys.argv[1:]
context = ssl.create_default_context(cafile=file)
with socket.create_connection(("127.0.0.1", int(port)), 30) as plain:
    with context.wrap_socket(plain, server_hostname=host) as tls:
        tls.sendall(b"GET / HTTP/1.1\\r\\nConnection: close\\r\\nHost: " + host.encode() + b"\\r\\n\\r\\n")
        data = b""
        while True:
            piece = tls.recv(4096)
            if not piece:
                break
            data += piece
print(data.decode())
"""  # noqa: E501  # a request's head
NODE = """
const [host, port] = process.argv.slice(1);
const options = {host: "127.0.0.1", servername: host.match(/^[0-9.]+$/) ? "" : host, port};
options.checkServerIdentity = (_, cert) => require("tls").checkServerIdentity(host, cert);
require("https").get({...options, headers: {host}}, answer => answer.pipe(process.stdout))
  .on("error", error => { console.error(error.message); process.exit(1); });
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
LONG = f"{'a' * 60}.tfhub.dev"
Client = Callable[[Path, str, int], list[str]]


def with_python(version: str) -> Client:
    return lambda file, host, port: [
        *(str(python(version)), "-I", "-c", PYTHON, str(file), host, str(port))
    ]


def with_curl(file: Path, host: str, port: int) -> list[str]:
    resolve = f"{host}:{port}:127.0.0.1"
    return ["curl", "-q", "-sS", "--noproxy", "*", "--capath", "/dev/null", "--cacert", str(file),
            "--resolve", resolve, f"https://{host}:{port}/"]  # fmt: skip


def with_node(file: Path, host: str, port: int) -> list[str]:
    return ["env", f"NODE_EXTRA_CA_CERTS={file}", "node", "-e", NODE, host, str(port)]


CLIENTS: list[object] = [
    *(
        pytest.param(with_python(version), id=f"python{version}")
        for version in ("3.7", "3.11", "3.13")
    ),
    pytest.param(
        with_curl,
        id="curl",
        marks=pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
    ),
    pytest.param(
        with_node,
        id="node",
        marks=pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
    ),
]


@asynccontextmanager
async def serving(folder: Path, chain: bytes, key: bytes) -> AsyncIterator[int]:
    """A TLS server with a certificate: its port."""
    pem = folder / "server.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(key + chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            writer.transport.abort()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(
    client: Client, folder: Path, trusted: bytes, host: str, chain: bytes, key: bytes
) -> tuple[bool, str]:
    """Whether a client takes the answer, and what it says else."""
    (folder / "trusted.pem").write_bytes(trusted)
    async with serving(folder, chain, key) as port:
        child = await asyncio.create_subprocess_exec(
            *client(folder / "trusted.pem", host, port), stdout=PIPE, stderr=PIPE
        )
        out, errors = await child.communicate()
    return child.returncode == 0 and out.strip().endswith(b"hello"), errors.decode()


async def ask_with(
    client: Client, folder: Path, authority: Authority, leaf: Leaf, host: str
) -> tuple[bool, str]:
    return await ask(client, folder, authority.certificate_pem, host, leaf.chain_pem, leaf.key_pem)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("hubs", "host"),
    [
        pytest.param(["tfhub.dev"], "tfhub.dev", id="a-hub"),
        pytest.param(["tfhub.dev"], "www.tfhub.dev", id="www"),
        pytest.param(["tfhub.dev"], LONG, id="a-long-name"),
        pytest.param(["127.0.0.1"], "127.0.0.1", id="an-address"),
        pytest.param(["tfhub.dev", "127.0.0.1"], "127.0.0.1", id="an-address-beside-a-name"),
    ],
)
async def test_a_client_that_trusts_the_ca_takes_a_leaf_for_a_hub(
    tmp_path: Path, client: Client, hubs: list[str], host: str
) -> None:
    authority = new_authority(*hubs)
    took, errors = await ask_with(client, tmp_path, authority, authority.issue(host, now=NOW), host)
    assert took, errors


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("hubs", "host"),
    [
        pytest.param(["tfhub.dev"], "example.com", id="a-foreign-name"),
        pytest.param(["tfhub.dev"], "127.0.0.1", id="an-address"),
        pytest.param(["10.0.0.1"], "127.0.0.1", id="another-address"),
        pytest.param(["10.0.0.1"], "example.com", id="a-name-where-none-is-a-hub"),
        pytest.param(["::1"], "127.0.0.1", id="an-address-of-the-other-version"),
    ],
)
async def test_no_client_takes_a_leaf_that_a_stolen_key_has_signed(
    tmp_path: Path, client: Client, hubs: list[str], host: str
) -> None:
    authority = new_authority(*hubs)
    leaf = build_leaf(
        host,
        new_key().public_key(),
        authority.issuer,
        authority._key,
        now=NOW,
        expires=authority.expires,
    )
    took, errors = await ask(
        client, tmp_path, authority.certificate_pem, host, cert_pem(leaf), key_pem(new_key())
    )
    assert not took
    assert "subtree violation" in errors.lower().replace("_", " "), errors


@pytest.mark.parametrize("client", CLIENTS)
async def test_no_client_takes_a_leaf_after_its_end(tmp_path: Path, client: Client) -> None:
    authority = new_authority("tfhub.dev", now=NOW - 2 * LEAF_LIFE)
    leaf = authority.issue("tfhub.dev", now=NOW - 1.5 * LEAF_LIFE)
    took, errors = await ask_with(client, tmp_path, authority, leaf, "tfhub.dev")
    assert not took
    assert "expired" in errors


@pytest.mark.parametrize("client", CLIENTS)
async def test_during_a_rotation_a_client_trusts_both(tmp_path: Path, client: Client) -> None:
    old, new = new_authority("tfhub.dev"), new_authority("tfhub.dev")
    for one in (old, new):
        leaf = one.issue("tfhub.dev", now=NOW)
        trusted = new.certificate_pem + old.certificate_pem
        took, errors = await ask(
            client, tmp_path, trusted, "tfhub.dev", leaf.chain_pem, leaf.key_pem
        )
        assert took, errors


@pytest.mark.parametrize("client", CLIENTS)
async def test_who_trusts_the_sites_root_takes_a_leaf_of_its_intermediate(
    tmp_path: Path, client: Client
) -> None:
    authority = load_own(*own_files(tmp_path), now=NOW)
    leaf = authority.issue("tfhub.dev", now=NOW)
    took, errors = await ask_with(client, tmp_path, authority, leaf, "tfhub.dev")
    assert took, errors
