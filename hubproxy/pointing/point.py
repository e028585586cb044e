"""Pointing a job: from what a daemon says of itself to variables, a CA bundle, and warnings."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hubproxy.pointing.ask import Site
from hubproxy.pointing.bundle import IN_CONTAINER, bundle_place, write_bundle
from hubproxy.pointing.conflicts import Conflict, bundles, certificates, conflicts
from hubproxy.pointing.place import Credentials, is_loopback
from hubproxy.pointing.shells import written
from hubproxy.pointing.variables import Variables, variables
from hubproxy.pointing.ways import CONTAINERS, Shell, Way


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a job is to be pointed.

    Args:
        way: by which way in.
        credentials: of the job's team.
        ca_file: where to write the CA bundle; None for the cache folder.
        ca_path: where the job finds it; None for where it was written.
    """

    way: Way
    credentials: Credentials | None = None
    ca_file: Path | None = None
    ca_path: str | None = None


@dataclass(frozen=True, slots=True)
class Pointed:
    """The variables, the same as text, and what is in their way."""

    variables: Variables
    text: str
    warnings: tuple[Conflict, ...]


def point(
    site: Site, wanted: Wanted, environ: Mapping[str, str], *, shell: Shell = "bash"
) -> Pointed:
    """Write the bundle, and say what to set.

    Args:
        site: the daemon.
        wanted: how.
        environ: what the job would have otherwise.
        shell: for which shell, or kind of file, the text is.

    Raises:
        UsageError: the daemon does not offer this way, or a value cannot be written so.
        BundleError: the bundle cannot be written.
        AuthorityError: this machine has no CAs to merge.
    """
    written_to, seen_at = "", ""
    if wanted.way == "proxy" and site.proxy:
        place = (wanted.ca_file or bundle_place(site, environ)).absolute()
        write_bundle(site, place, environ)
        written_to = str(place)
        seen_at = wanted.ca_path or (IN_CONTAINER if shell in CONTAINERS else written_to)
    found = variables(
        site, wanted.way, bundle=seen_at, environ=environ, credentials=wanted.credentials
    )
    text = written(found, shell, bundle_here=written_to)
    warnings = [*_loopback(site, wanted.way, shell)]
    if shell not in CONTAINERS:  # whose environment is not this one
        warnings += _told(site, wanted.way, environ, found.over(environ))
        warnings += _lost(environ, written_to)
    return Pointed(found, text, tuple(warnings))


def _told(
    site: Site, way: Way, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Conflict]:
    """The conflicts of the environment before; those that are gone after need no hand."""
    left = set(conflicts(after, site, [way]))
    for one in conflicts(before, site, [way]):
        yield one if one in left else replace(one, fix="The variables given here put that right.")


def _lost(environ: Mapping[str, str], bundle: str) -> Iterator[Conflict]:
    """Files of CAs whose place the bundle takes, without having all that is in them."""
    if not bundle:
        return
    merged = certificates(Path(bundle))
    for name, file in bundles(environ):
        try:
            missing = len(certificates(file) - merged)
        except OSError:
            continue
        if missing:
            yield Conflict(
                f"{name}={file} has {missing} CAs that the bundle for this job has not",
                f"export SSL_CERT_FILE={shlex.quote(str(file))}   # before: it is then merged",
            )


def _loopback(site: Site, way: Way, shell: Shell) -> Iterator[Conflict]:
    address = site.proxy if way == "proxy" else site.hook
    if shell in CONTAINERS and is_loopback(address):
        section = "forward" if way == "proxy" else "server"
        yield Conflict(
            f"{address} is each container's own loopback, where no hubproxy is",
            f"Let the daemon listen on 0.0.0.0 ({section}.listen)"
            + (", or set `forward.url`." if way == "proxy" else ", and name it with --url."),
        )
