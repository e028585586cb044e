"""tensorflow_hub's way to a module, with hubproxy in place of the internet.

Everything that is not transport stays tensorflow_hub's own: the cache folder, its key (the sha1
of the handle as typed), the lock, the temporary folder and the unpacking. So jobs with the hook
and jobs without it share one cache, and saved models keep the handle that the user wrote.
"""

import hashlib
import warnings
from contextlib import closing
from functools import partial

from . import wire
from .refusal import HubproxyError


class HubproxyResolver:
    """Resolves every http(s) handle through hubproxy, while HUBPROXY_URL says where it is."""

    def is_supported(self, handle: object) -> bool:
        base = wire.hubproxy_url()
        return (
            bool(base)
            and isinstance(handle, str)
            and handle.lower().startswith(("http://", "https://"))
            and not wire.is_ours(handle, base)
        )

    def __call__(self, handle: str) -> str:
        """The folder that has the module, from the cache or from hubproxy.

        Raises:
            HubproxyError: hubproxy did not deliver it. Nothing of it stays in the cache.
        """
        from tensorflow_hub import resolver as hub

        key = hashlib.sha1(handle.encode("utf8")).hexdigest()  # noqa: S324  # the cache's own key
        folder = hub.create_local_module_dir(hub.tfhub_cache_dir(use_temp=True), key)
        return str(hub.atomic_download(handle, partial(_download, wire.hubproxy_url()), folder))


def _download(base: str, handle: str, folder: str) -> None:
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
