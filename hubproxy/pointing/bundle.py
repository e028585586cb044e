"""The file with the system's CAs and hubproxy's, which a job by the proxy's way trusts."""

from collections.abc import Mapping
from pathlib import Path

from hubproxy.ca.bundle import merged_bundle
from hubproxy.errors import HubproxyError
from hubproxy.files import make_folder, write_whole
from hubproxy.pointing.ask import Site

IN_CONTAINER = "/etc/hubproxy/ca-bundle.pem"
"""Where a container finds the bundle, unless it is said otherwise."""


class BundleError(HubproxyError):
    """The CA bundle cannot be written."""

    code = "CA_BUNDLE"


def bundle_place(site: Site, environ: Mapping[str, str]) -> Path:
    """Where the bundle of a daemon lies when nobody names a place (XDG base directories).

    Raises:
        BundleError: there is no home folder.
    """
    cache = environ.get("XDG_CACHE_HOME", "")
    try:
        folder = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    except RuntimeError as error:
        raise BundleError(
            "there is no home folder to put the CA bundle in", remedy="Name a place with --ca FILE."
        ) from error
    return folder / "hubproxy" / f"ca-bundle-{site.fingerprint[:16]}.pem"


def write_bundle(site: Site, place: Path, environ: Mapping[str, str]) -> None:
    """Write the bundle, whole and for everybody to read; one that is right already is left alone.

    Args:
        site: the daemon.
        place: the file.
        environ: what SSL_CERT_FILE names in it is merged, in place of the system's CAs.

    Raises:
        BundleError: it cannot be written.
        AuthorityError: this machine has no CAs to merge.
    """
    if not site.ca:
        raise BundleError(
            f"the hubproxy at {site.url} has a forward proxy, but gives no CA for it",
            remedy="`hubproxy ca show` on its host says why.",
        )
    wanted = merged_bundle(site.ca, environ=environ)
    try:
        if (
            place.is_file()
            and place.read_bytes() == wanted
            and place.stat().st_mode & 0o444 == 0o444
        ):
            return
        make_folder(place.parent)
        write_whole(place, wanted, mode=0o644, owner=(-1, -1))  # whatever the umask is
    except OSError as error:
        raise BundleError(
            f"the CA bundle {place} cannot be written: {error.strerror}",
            remedy="Name another place with --ca FILE.",
        ) from error
