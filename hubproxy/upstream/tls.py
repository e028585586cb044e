"""Whom an upstream's certificate must satisfy. There is no way to ask for less."""

import ssl

import truststore

from hubproxy.errors import ConfigError


def tls_context() -> ssl.SSLContext:
    """The system's certificate authorities, TLS 1.2 and later."""
    return harden(truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def harden(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a context refuse what `ssl` lets pass by default; returns the same one.

    Raises:
        ConfigError: it does not verify certificates at all.
    """
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigError("a TLS context for upstreams must verify certificates and names")
    context.hostname_checks_common_name = False
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.set_alpn_protocols(["http/1.1"])
    return context
