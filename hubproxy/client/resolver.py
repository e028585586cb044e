"""tensorflow_hub's way to a module, with hubproxy in place of the internet.

Everything that is not transport stays tensorflow_hub's own: the cache folder, its key (the sha1
of the handle as typed), the lock, the temporary folder and the unpacking. So jobs with the hook
and jobs without it share one cache, and saved models keep the handle that the user wrote. What
lies there already is used as `again` says.
"""

import hashlib
import os
import warnings
from contextlib import closing
from typing import Tuple

from . import again, lock, wire
from .refusal import HubproxyError

_NOTE = ".hubproxy.txt"
_DIFFERS = "what is approved for {} is another archive than the one that is locked"
_LOCK_ANEW = "Look at what has changed, and lock it anew: hubproxy lock."


class HubproxyResolver:
    """Resolves every http(s) handle through hubproxy, while HUBPROXY_URL says where it is."""

    def is_supported(self, handle: object) -> bool:
        base = wire.hubproxy_url()
        return (
            bool(base or os.environ.get("HUBPROXY_LOCK"))
            and isinstance(handle, str)
            and handle.lower().startswith(("http://", "https://"))
            and not (base and wire.is_ours(handle, base))
        )

    def __call__(self, handle: str) -> str:
        """The folder that has the module, from the cache or from hubproxy.

        Raises:
            HubproxyError: hubproxy did not deliver it, and nothing of it stays in the cache; or it
                refuses the copy that lies there.
        """
        from tensorflow_hub import resolver as hub

        key = hashlib.sha1(handle.encode("utf8")).hexdigest()  # noqa: S324  # the cache's own key
        base = wire.hubproxy_url()
        folder = hub.create_local_module_dir(hub.tfhub_cache_dir(use_temp=True), key)
        pinned = lock.locked(handle)
        if pinned is not None:
            return _load_locked(base, pinned, folder)
        found, here_before = _load(base, handle, folder)
        if not here_before:
            return found
        approved, kept = again.approved_now(handle, base, found), _noted(folder)
        if approved and approved != kept and (kept or again.is_strict()):
            # The officers have approved other bytes since; or, in a strict job, nobody knows what
            # these are. Jobs that run may be reading them, so they stay, the approved ones beside.
            found, _ = _load(base, handle, "{}-{}".format(folder, approved[:16]), approved)
        return found


def _load_locked(base: str, pinned: lock.Locked, folder: str) -> str:
    """The folder with just the archive that a lock pins, from the cache or from hubproxy.

    Raises:
        HubproxyError: neither has it, or hubproxy refuses the copy that lies there.
    """
    handle = "https://" + pinned.handle
    beside = "{}-{}".format(folder, pinned.archive[:16])
    for place in (folder, beside):
        if _noted(place) == pinned.archive:
            if base:
                _check_approved(handle, base, place, pinned)
            return place
    if not base:
        raise HubproxyError(
            "{} is locked, and {} is not known to be the locked one".format(pinned.handle, folder),
            "Set HUBPROXY_URL, or TFHUB_CACHE_DIR to an exported cache folder.",
        )
    for place in (folder, beside):
        try:
            found, here_before = _load(base, handle, place, pinned.archive)
        except _OtherArchiveError:
            raise HubproxyError(_DIFFERS.format(pinned.handle), _LOCK_ANEW) from None
        if not here_before:  # else another archive lies there, and jobs may be reading it
            return found
    raise HubproxyError(
        "{} is not known to be the locked {}".format(beside, pinned.handle), "Remove that folder."
    )


def _check_approved(handle: str, base: str, place: str, pinned: lock.Locked) -> None:
    """See that the locked copy is not refused, nor replaced, by now."""
    approved = again.approved_now(handle, base, place)
    if approved and approved != pinned.archive:
        raise HubproxyError(_DIFFERS.format(pinned.handle), _LOCK_ANEW)


class _OtherArchiveError(HubproxyError):
    """What was sent is another archive than the one that was wanted."""


def _load(base: str, handle: str, folder: str, wanted: str = "") -> Tuple[str, bool]:
    """The folder with the module, and whether it was there before.

    Args:
        wanted: the sha-256 that its archive must have, in hex; empty for whichever is approved.
    """
    from tensorflow_hub import resolver as hub

    fetched = []

    def fetch(handle: str, into: str) -> None:
        digest = _download(base, handle, into)
        if wanted and digest != wanted:
            raise _OtherArchiveError("what is approved has changed meanwhile", "Load it again.")
        _note(folder, digest)
        fetched.append(digest)

    return str(hub.atomic_download(handle, fetch, folder)), not fetched


def _download(base: str, handle: str, folder: str) -> str:
    """Load and unpack a module. Returns the sha-256 of its archive, in hex."""
    from tensorflow_hub import resolver as hub

    with closing(wire.ask(handle, base)) as body:
        try:
            hub.DownloadManager(handle).download_and_uncompress(body, folder)
        except HubproxyError:
            raise
        except Exception:
            # Bytes that are not the promised ones explain it better than what they did to tar.
            body.finish()
            raise
        body.finish()
        return body.digest


def _note(folder: str, digest: str) -> None:
    """Keep beside a module's folder which archive it is from, as tensorflow_hub keeps its name."""
    from tensorflow_hub import resolver as hub

    text = "sha256:{}\n".format(digest)
    try:
        hub.tf_utils.atomic_write_string_to_file(folder + _NOTE, text, overwrite=True)
    except Exception:  # noqa: BLE001  # without it, the copy counts as one of a job without the hook
        return


def _noted(folder: str) -> str:
    """The sha-256, in hex, of the archive that a module's folder is from; empty if unknown."""
    from tensorflow_hub import resolver as hub

    try:
        text = str(hub.tf_utils.read_file_to_string(folder + _NOTE))
    except Exception:  # noqa: BLE001  # each file system says in its own way that there is none
        return ""
    return text.strip().partition("sha256:")[2]


def register() -> None:
    """Let tensorflow_hub, which is imported, ask hubproxy's resolver first."""
    try:
        from tensorflow_hub import registry
    except ImportError:
        warnings.warn(
            "This tensorflow_hub is older than 0.2.0 and cannot be hooked: it loads modules "
            "without hubproxy. Update it, or set HTTPS_PROXY to hubproxy.",
            RuntimeWarning,
            stacklevel=2,
        )
        return
    registry.resolver.add_implementation(HubproxyResolver())
