"""How a static mirror is laid out, and what a web server is to be told of it.

    /tfhub.dev/google/nnlm-en-dim50/2          a link to the archive: the path that clients ask for
    /tfhub.dev/google/nnlm-en-dim50/2@tflite   another format of it
    /tfhub.dev/google/nnlm-en-dim50/@latest    a link to the latest approved version
    /blobs/sha256/ab/<hex>                     the archives
    /-/trust/                                  the trust list, as it is published

No segment of a handle begins with `@` or has one, so no name of ours can be a module's.
"""

import base64
from collections.abc import Iterable, Mapping

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Format

LATEST = "@latest"
TRUST = "-/trust"


def blob(digest: Digest) -> str:
    """Where an archive lies, from the site's top."""
    return f"blobs/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}"


def module(exact: Handle, form: Format | None = None) -> str:
    """Where a module is asked for; with a format, where that one of several lies."""
    return f"{exact}@{form}" if form else str(exact)


def latest(handle: Handle) -> str:
    """Where the link of a handle without a version lies."""
    return f"{handle.unversioned}/{LATEST}"


def up_to(link: str, target: str) -> str:
    """What a link at one place must say to lead to another, wherever the site lies."""
    return "../" * link.count("/") + target


def repr_digest(digest: Digest) -> str:
    """The header by which a client checks what it was sent (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(digest.hex)).decode()}:"


def nginx_digests(served: Mapping[str, Digest]) -> str:
    """The lines of an nginx `map` from a path to its header."""
    lines = (f'"/{path}" "{repr_digest(digest)}";\n' for path, digest in sorted(served.items()))
    return "".join(lines)


def nginx(site: str, hubs: Iterable[str], listen: str) -> str:
    """What nginx is to be told: a file for the level of `http`.

    Args:
        site: the folder.
        hubs: names of hubs that have modules there.
        listen: HOST:PORT, or a port.
    """
    names = sorted(hubs)
    paths = "".join(_NGINX_HUB.format(hub=hub) for hub in names)
    tls = "".join(_NGINX_TLS.format(hub=hub, site=_quoted(f"{site}/{hub}")) for hub in names)
    return (
        _NGINX.format(
            site=_quoted(site), map=_quoted(f"{site}/.hubproxy/digests.map"), listen=listen
        )
        + paths
        + "}\n"
        + tls
    )


def caddy(site: str, hubs: Iterable[str], listen: str, served: Mapping[str, Digest]) -> str:
    """What Caddy 2 is to be told: a Caddyfile."""
    digests = "".join(
        f'\t\t"/{path}" "{repr_digest(digest)}"\n' for path, digest in sorted(served.items())
    )
    paths = "".join(_CADDY_HUB.format(hub=hub) for hub in sorted(hubs))
    address = listen if ":" in listen else f":{listen}"
    return _CADDY.format(site=_quoted(site), listen=address, digests=digests) + paths + _CADDY_END


def _quoted(path: str) -> str:
    """A path in quotes, as both servers read it.

    Raises:
        ValueError: it has a character that one of them takes for its own.
    """
    if any(char in '"\\${}' or not char.isprintable() for char in path):
        raise ValueError(f"{path!r} has a character that no web server's settings can have")
    return f'"{path}"'


_NGINX = """\
# Made by `hubproxy export static`, and made anew by each --update.
# In nginx.conf, within http {{ }}:  include {site}/.hubproxy/nginx.conf;
map_hash_max_size 65536;
map_hash_bucket_size 512;
map $uri $hubproxy_digest {{
    default "";
    include {map};
}}

server {{
    listen {listen};
    root {site};
    default_type application/x-tar;
    sendfile on;
    tcp_nopush on;

    # Nothing else of the folder is served.
    location / {{
        return 404;
    }}

    # For another hubproxy: trust.source = "http://THIS/-/trust"
    location /-/trust/ {{
        default_type application/octet-stream;
        add_header Cache-Control "no-cache";
    }}
"""

_NGINX_HUB = """
    # For jobs with the hook: HUBPROXY_URL=http://THIS. For another hubproxy: url = "http://THIS/{hub}"
    location /{hub}/ {{
        try_files $uri $uri/@latest =404;
        add_header Repr-Digest $hubproxy_digest;
        add_header Cache-Control "no-cache";
    }}
"""

_NGINX_TLS = """
# For jobs without the hook, where {hub} leads here, by the certificate of an authority that they
# trust. Take the # away, and name the certificate.
#server {{
#    listen 443 ssl;
#    server_name {hub} www.{hub};
#    ssl_certificate     /etc/ssl/{hub}.pem;
#    ssl_certificate_key /etc/ssl/{hub}.key;
#    root {site};
#    default_type application/x-tar;
#    sendfile on;
#    location / {{
#        try_files $uri $uri/@latest =404;
#    }}
#}}
"""

_CADDY = """\
# Made by `hubproxy export static`, and made anew by each --update:  caddy run --config THIS
{listen} {{
\troot * {site}
\tmap {{path}} {{hubproxy_digest}} {{
{digests}\t\tdefault ""
\t}}
\thandle /-/trust/* {{
\t\theader Cache-Control no-cache
\t\tfile_server
\t}}
"""

_CADDY_HUB = """\
\thandle /{hub}/* {{
\t\ttry_files {{path}} {{path}}/@latest
\t\theader Content-Type application/x-tar
\t\theader Repr-Digest {{hubproxy_digest}}
\t\theader Cache-Control no-cache
\t\tfile_server
\t}}
"""

_CADDY_END = """\
\thandle {
\t\trespond 404
\t}
}
"""
