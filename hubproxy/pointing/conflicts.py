"""What in an environment keeps a job from the daemon, or from the modules that it brings."""

import base64
import hashlib
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hubproxy.pointing.ask import Site
from hubproxy.pointing.variables import NO_PROXY, PROXIES, TRUSTED, covers, entries
from hubproxy.pointing.ways import Way

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_LARGEST_BUNDLE = 16 << 20
# The first tensorflow_hub that looks for a module before it takes the lock.
_READS_FIRST = (0, 12)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One of them.

    Args:
        what: which variable, and what it does.
        fix: a command that puts it right.
        fatal: whether the job fails by it, or may.
    """

    what: str
    fix: str
    fatal: bool = True


def conflicts(
    environ: Mapping[str, str],
    site: Site,
    ways: Collection[Way],
    *,
    client: tuple[int, ...] | None = None,
) -> Iterator[Conflict]:
    """Find them.

    Args:
        environ: the environment.
        site: the daemon.
        ways: by which the job is to go.
        client: version of the job's `tensorflow_hub`, where it is known.
    """
    yield from _of_tensorflow_hub(environ, client)
    if "proxy" in ways and site.proxy:
        yield from _of_proxies(environ, site)
        yield from _of_no_proxy(environ, site)
        yield from _of_bundles(environ, site)
        yield from _of_cgi(environ)


def _of_tensorflow_hub(
    environ: Mapping[str, str], client: tuple[int, ...] | None
) -> Iterator[Conflict]:
    form = environ.get("TFHUB_MODEL_LOAD_FORMAT", "")
    if form not in ("", "AUTO", "COMPRESSED"):
        yield Conflict(
            f"TFHUB_MODEL_LOAD_FORMAT={form} makes tensorflow_hub look for modules in a bucket "
            "of Google's, or nowhere",
            "unset TFHUB_MODEL_LOAD_FORMAT",
        )
    if environ.get("TFHUB_DISABLE_CERT_VALIDATION") == "true":
        yield Conflict(
            "TFHUB_DISABLE_CERT_VALIDATION=true lets anybody on the way send modules",
            "unset TFHUB_DISABLE_CERT_VALIDATION",
        )
    folder = environ.get("TFHUB_CACHE_DIR", "")
    if folder and "://" not in folder and not _writable(Path(folder)):
        old = client is None or client < _READS_FIRST
        yield Conflict(
            f"TFHUB_CACHE_DIR={folder} cannot be written: a module that is not there yet cannot be "
            "loaded" + (", and tensorflow_hub before 0.12 fails, or waits for ever, also for one "
            "that is there" if old else ""),
            "export TFHUB_CACHE_DIR=$HOME/.cache/tfhub_modules",
            fatal=old,
        )  # fmt: skip


def _of_proxies(environ: Mapping[str, str], site: Site) -> Iterator[Conflict]:
    for names in (PROXIES[:2], PROXIES[2:]):
        # Small letters go first.
        name = next((name for name in reversed(names) if environ.get(name)), None)
        if name is not None and _host_port(environ[name]) != _host_port(site.proxy):
            yield Conflict(
                f"{name} names another proxy, {_host_port(environ[name])}: hubproxy's is "
                f"{_host_port(site.proxy)}",
                _eval(site),
            )


def _of_no_proxy(environ: Mapping[str, str], site: Site) -> Iterator[Conflict]:
    for name in NO_PROXY:
        found = entries(environ.get(name, ""))
        good = [entry for entry in found if not any(covers(entry, hub) for hub in site.hubs)]
        if good != found:
            covered = [hub for hub in site.hubs if any(covers(entry, hub) for entry in found)]
            bad = ", ".join(entry for entry in found if entry not in good)
            yield Conflict(
                f"{name} has {bad}, so {', '.join(covered)} is asked directly and not by hubproxy",
                f"export {name}={shlex.quote(','.join(good))}",
            )


def _of_bundles(environ: Mapping[str, str], site: Site) -> Iterator[Conflict]:
    if not any(_host_port(environ.get(name, "")) == _host_port(site.proxy) for name in PROXIES[:2]):
        return  # nothing of what is asked comes from hubproxy
    for name, file in bundles(environ):
        try:
            found = certificates(file)
        except OSError as error:
            yield Conflict(f"{name}={file} cannot be read: {error.strerror}", _eval(site))
            continue
        if not any(hashlib.sha256(der).hexdigest() == site.fingerprint for der in found):
            yield Conflict(
                f"{name}={file} does not have hubproxy's CA: no answer of hubproxy's is believed",
                _eval(site),
            )


def _of_cgi(environ: Mapping[str, str]) -> Iterator[Conflict]:
    if "REQUEST_METHOD" in environ:
        yield Conflict(
            "REQUEST_METHOD is set, as for a CGI program, so HTTP_PROXY in capitals is ignored",
            "unset REQUEST_METHOD",
            fatal=bool(environ.get("HTTP_PROXY")) and not environ.get("http_proxy"),
        )


def bundles(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """The variables that name a file of CAs, and the files. requests may be given a folder."""
    for name in TRUSTED:
        if environ.get(name) and not Path(environ[name]).is_dir():
            yield name, Path(environ[name])


def certificates(file: Path) -> set[bytes]:
    """The certificates of a file, in DER; what is none is passed over.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        content = opened.read(_LARGEST_BUNDLE)
    found = set()
    for block in _PEM.findall(content):
        try:
            found.add(base64.b64decode(b"".join(block.split()), validate=True))
        except ValueError:
            continue
    return found


def _eval(site: Site) -> str:
    return f'eval "$(hubproxy env{site.flag})"'


def _host_port(proxy: str) -> str:
    """What a proxy variable names, without scheme, and without user and password."""
    return proxy.rpartition("://")[2].partition("/")[0].rpartition("@")[2].lower()


def _writable(folder: Path) -> bool:
    """Whether a folder, or the first above it that exists, can be written in."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)
