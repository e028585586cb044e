"""The version that the User-Agent names. `hubproxy_client` carries its own file in this place."""

from hubproxy import __version__

__all__ = ["__version__"]
