"""What looks odd and is in order: a server that refuses it turns good clients away."""

from tests.server.ambiguous.doors import HOST, Table, fields, head, hosts, said

_GET = b"GET {target} HTTP/1.1"

ACCEPTED: Table = {
    "plain": fields(),
    "http-1.0": head(b"GET {target} HTTP/1.0", HOST),
    "http-1.0-without-a-host": head(b"GET {target} HTTP/1.0"),
    "names-in-small-letters": head(_GET, b"host: {host}"),
    "no-space-behind-the-colon": head(_GET, b"Host:{host}"),
    "blanks-around-a-value": head(_GET, b"Host: \t {host} \t "),
    "an-empty-value": fields(b"X-A:"),
    "8-bit-in-a-value": fields("X-A: café".encode(), b"X-B: \xe9"),
    "tab-in-a-value": fields(b"X-A: b\tc"),
    "odd-characters-in-a-name": fields(b"!#$%&'*+-.^_`|~0aZ: b"),
    "an-empty-line-first": said(b"\r\nGET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    "header-of-4-kB": fields(b"X-A: " + b"b" * 4096),
    "60-headers": fields(*(b"X-%d: b" % number for number in range(60))),
    "http-2-offered": fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
    "websocket-offered": fields(b"Connection: Upgrade", b"Upgrade: websocket"),
    "hop-by-hop": fields(b"Connection: Authorization, X-Forwarded-For"),
    "host-called-hop-by-hop": fields(b"Connection: Host, Content-Length"),
    "trailers": fields(b"TE: trailers"),
    "expects-a-continue": fields(b"Expect: 100-Continue"),
    "an-empty-body": fields(b"Content-Length: 0"),
    "proxy-connection": fields(b"Proxy-Connection: keep-alive"),
    "compression-offered": fields(b"Accept-Encoding: gzip, br, zstd"),
    "a-list-that-is-empty": fields(b"Accept:", b"Expect:", b"Connection: ,"),
    "forwarded": fields(b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-Host: other.example"),
    "rewritten": fields(b"X-Original-URL: /other", b"X-Rewrite-URL: /other"),
    "another-method-on-the-side": fields(b"X-HTTP-Method-Override: DELETE"),
    "no-length-but-nearly": fields(b"Content_Length: 5", b"Transfer_Encoding: chunked"),
    "host-of-mixed-case": hosts(b"TFHub.Dev").at("forward", "tunnel"),
    "host-with-its-port": hosts(b"tfhub.dev:80").at("forward"),
    "host-with-its-tls-port": hosts(b"tfhub.dev:443").at("tunnel"),
    "host-of-an-address": hosts(b"127.0.0.1:8440").at("reverse"),
    "host-of-a-v6-address": hosts(b"[::1]:8440").at("reverse"),
    "host-with-a-dot-behind": hosts(b"proxy.example.").at("reverse"),
    "target-with-its-port": head(b"GET http://tfhub.dev:80/google/spice/2 HTTP/1.1", HOST).at(
        "forward"
    ),
    "target-of-https-in-the-clear": head(b"GET https://tfhub.dev/google/spice/2 HTTP/1.1", HOST).at(
        "forward"
    ),
    "target-of-mixed-case": head(b"GET http://TFHub.Dev/google/spice/2 HTTP/1.1", HOST).at(
        "forward"
    ),
}

# Accepted, and nothing behind it is answered: the client has said that it was the last.
LAST: Table = {
    "close": fields(b"Connection: close", rest=b"{next}"),
    "close-in-capitals": fields(b"Connection: CLOSE", rest=b"{next}"),
    "close-in-a-list": fields(b"Connection: x, close", rest=b"{next}"),
    "keep-alive-and-close": fields(b"Connection: keep-alive, close", rest=b"{next}"),
    "close-in-a-second-line": fields(
        b"Connection: keep-alive", b"Connection: close", rest=b"{next}"
    ),
    "http-1.0": head(b"GET {target} HTTP/1.0", HOST, rest=b"{next}"),
}
