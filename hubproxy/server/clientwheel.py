"""The client hook as a wheel of its own, for interpreters that cannot install hubproxy itself.

The daemon builds it from the sources that it was installed with, so the two always match. They
are copied, not imported, under the name `hubproxy_client`; only `version.py`, which asks
hubproxy for its version, is written anew.
"""

import base64
import hashlib
import io
import zipfile
from html import escape
from importlib import resources

_NAME = "hubproxy_client"
_REQUIRES_PYTHON = ">=3.7"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_METADATA = """\
Metadata-Version: 2.1
Name: hubproxy-client
Version: {version}
Summary: Lets tensorflow_hub load modules through hubproxy when HUBPROXY_URL says where it is
License: Apache-2.0
Requires-Python: {requires_python}
"""
_WHEEL = """\
Wheel-Version: 1.0
Generator: hubproxy
Root-Is-Purelib: true
Tag: py3-none-any
"""

SWITCH = (
    'import os; (os.environ.get("HUBPROXY_URL") or os.environ.get("HUBPROXY_LOCK")) '
    'and __import__("hubproxy.client.startup")\n'
)
"""What `hubproxy/client/hubproxy.pth` holds; an installed package has that file elsewhere."""


def build_client_wheel(version: str) -> tuple[str, bytes]:
    """The wheel's file name and its bytes, always the same for the same sources and version.

    Args:
        version: as PEP 440 writes it; it becomes the wheel's version and the hook's own.
    """
    files = _package(version)
    info = f"{_NAME}-{version}.dist-info"
    files[f"{info}/METADATA"] = _METADATA.format(
        version=version, requires_python=_REQUIRES_PYTHON
    ).encode()
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    return f"{_NAME}-{version}-py3-none-any.whl", _zip(files)


def client_index(file_name: str) -> str:
    """A page that `pip --index-url` or `--find-links` reads (PEP 503), with one link beside it."""
    name = escape(file_name)
    return (
        "<!DOCTYPE html>\n"
        '<html><head><meta name="pypi:repository-version" content="1.0">'
        "<title>Links for hubproxy-client</title></head>\n"
        f'<body><a href="{name}" data-requires-python="{escape(_REQUIRES_PYTHON)}">{name}</a>'
        "</body></html>\n"
    )


def _package(version: str) -> dict[str, bytes]:
    """The hook's files by their place in site-packages."""
    sources = resources.files("hubproxy").joinpath("client")
    files = {
        f"{_NAME}/{source.name}": source.read_bytes()
        for source in sources.iterdir()
        if source.name.endswith(".py")
    }
    files[f"{_NAME}/version.py"] = (
        f'"""The version that the User-Agent names."""\n\n__version__ = {version!r}\n'
    ).encode()
    files[f"{_NAME}.pth"] = SWITCH.replace("hubproxy.client", _NAME).encode()
    return files


def _record(files: dict[str, bytes], own_name: str) -> bytes:
    lines = []
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
        lines.append(f"{name},sha256={digest.decode()},{len(files[name])}\n")
    return ("".join(lines) + f"{own_name},,\n").encode()


def _zip(files: dict[str, bytes]) -> bytes:
    """The files as a zip that does not depend on the day, the machine or its zlib."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        # The folder of metadata comes last, as the wheel format recommends.
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            member = zipfile.ZipInfo(name, _ZIP_EPOCH)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, files[name])
    return whole.getvalue()
