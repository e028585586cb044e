"""Request lines, line ends, and header lines: RFC 9112 sections 2, 3 and 5."""

from tests.server.ambiguous.doors import HOST, Table, fields, head, method, said, version

_GET, _HOST, _END = b"GET {target} HTTP/1.1", b"Host: {host}\r\n", b"\r\n{next}"

ENDS: Table = {
    "bare-line-feeds": said(_GET + b"\nHost: {host}\n\n{next}"),
    "line-feed-behind-the-request-line": said(_GET + b"\n" + _HOST + _END),
    "line-feed-behind-host": said(_GET + b"\r\nHost: {host}\n" + _END),
    "line-feed-behind-a-header": said(_GET + b"\r\nX-A: b\n" + _HOST + _END),
    "line-feed-at-the-end": said(_GET + b"\r\n" + _HOST + b"\n{next}"),
    "line-feeds-from-the-second-line": said(_GET + b"\r\nHost: {host}\nX-A: b\n\n{next}"),
    "line-feed-in-a-value": fields(b"X-A: b\nc", rest=b"{next}"),
    "line-feed-in-a-name": fields(b"X\nA: b", rest=b"{next}"),
    "line-feed-in-the-target": said(b"GET {target}\n HTTP/1.1\r\n" + _HOST + _END),
    "line-feed-first": said(b"\n" + _GET + b"\r\n" + _HOST + _END),
    "bare-returns": said(_GET + b"\rHost: {host}\r\r{next}"),
    "return-behind-the-request-line": said(_GET + b"\r" + _HOST + _END),
    "return-behind-host": said(_GET + b"\r\nHost: {host}\r" + _END),
    "return-at-the-end": said(_GET + b"\r\n" + _HOST + b"\r{next}"),
    "return-in-a-value": fields(b"X-A: b\rX-C: d", rest=b"{next}"),
    "return-in-a-name": fields(b"X\rA: b", rest=b"{next}"),
    "return-before-the-colon": fields(b"X-A\r: b", rest=b"{next}"),
    "return-behind-the-colon": fields(b"X-A:\rb", rest=b"{next}"),
    "return-in-the-target": said(b"GET {target}\r HTTP/1.1\r\n" + _HOST + _END),
    "return-first": said(b"\r" + _GET + b"\r\n" + _HOST + _END),
    "two-returns": said(_GET + b"\r\r\n" + _HOST + _END),
    "two-returns-behind-a-header": said(_GET + b"\r\nHost: {host}\r\r\n" + _END),
    "two-returns-at-the-end": said(_GET + b"\r\n" + _HOST + b"\r\r\n{next}"),
    "the-other-way-round": said(_GET + b"\n\rHost: {host}\n\r\n\r{next}"),
    "1000-empty-lines-first": said(b"\r\n" * 1000 + _GET + b"\r\n" + _HOST + _END),
    "space-first": said(b" " + _GET + b"\r\n" + _HOST + _END),
    "tab-first": said(b"\t" + _GET + b"\r\n" + _HOST + _END),
    "nul-first": said(b"\x00" + _GET + b"\r\n" + _HOST + _END),
    "byte-order-mark-first": said(b"\xef\xbb\xbf" + _GET + b"\r\n" + _HOST + _END),
    "first-header-indented": said(_GET + b"\r\n X-A: b\r\n" + _HOST + _END),
    "blank-line-of-a-space": said(_GET + b"\r\n" + _HOST + b" \r\n" + _END),
    "vertical-tab-for-an-end": said(_GET + b"\x0b" + _HOST + _END),
    "next-line-for-an-end": said(_GET + b"\xc2\x85" + _HOST + _END),
}

HEADERS: Table = {
    "folded": fields(b"X-A: b\r\n c"),
    "folded-with-a-tab": fields(b"X-A: b\r\n\tc"),
    "folded-to-nothing": fields(b"X-A: b\r\n "),
    "nul-in-a-value": fields(b"X-A: b\x00c"),
    "control-in-a-value": fields(b"X-A: b\x01c"),
    "escape-sequence-in-a-value": fields(b"X-A: \x1b[31mb"),
    "vertical-tab-in-a-value": fields(b"X-A: b\x0bc"),
    "delete-in-a-value": fields(b"X-A: b\x7fc"),
    "nul-in-a-name": fields(b"X\x00A: b"),
    "control-in-a-name": fields(b"X\x01A: b"),
    "8-bit-in-a-name": fields("X-é: b".encode()),
    "space-in-a-name": fields(b"X A: b"),
    "tab-in-a-name": fields(b"X\tA: b"),
    "space-behind-a-name": fields(b"X-A : b"),
    "tab-behind-a-name": fields(b"X-A\t: b"),
    "slash-in-a-name": fields(b"X/A: b"),
    "brackets-in-a-name": fields(b"X[A]: b"),
    "comma-in-a-name": fields(b"X,A: b"),
    "quotes-in-a-name": fields(b'"X-A": b'),
    "without-a-colon": fields(b"X-A"),
    "without-a-name": fields(b": b"),
    "only-a-colon": fields(b":"),
    "request-line-again": fields(b"GET / HTTP/1.1"),
    "expects-the-impossible": fields(b"Expect: 200-ok"),
    "expects-two-things": fields(b"Expect: 100-continue, 200-ok"),
    "expects-in-two-lines": fields(b"Expect: 100-continue", b"Expect: 200-ok"),
    "range-in-two-lines": fields(b"Range: bytes=0-0", b"Range: bytes=2-2"),
    "if-range-in-two-lines": fields(b"Range: bytes=0-0", b'If-Range: "a"', b'If-Range: "b"'),
    "expects-a-control": fields(b"Expect: 100-continue\x0b"),
    "expects-with-a-body": fields(
        b"Expect: 100-continue", b"Content-Length: 5", rest=b"hello{next}"
    ),
    "upgrade-with-a-body": fields(
        b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 5", rest=b"hello{next}"
    ),
    "upgrade-with-chunks": fields(
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"Transfer-Encoding: chunked",
        rest=b"0\r\n\r\n{next}",
    ),
    "upgrade-with-a-bad-length": fields(
        b"Connection: Upgrade", b"Upgrade: x", b"Content-Length: -0", rest=b"{next}"
    ),
    "length-called-hop-by-hop": fields(
        b"Connection: Content-Length", b"Content-Length: 5", rest=b"hello{next}"
    ),
    "chunks-called-hop-by-hop": fields(
        b"Connection: Transfer-Encoding", b"Transfer-Encoding: chunked", rest=b"0\r\n\r\n{next}"
    ),
}

VERSIONS: Table = {
    "none": said(b"GET {target}\r\n\r\n{next}"),
    "none-and-headers": version(b""),
    "space-and-none": version(b" "),
    "0.9": version(b" HTTP/0.9"),
    "1.2": version(b" HTTP/1.2"),
    "2.0": version(b" HTTP/2.0"),
    "2": version(b" HTTP/2"),
    "3.7": version(b" HTTP/3.7"),
    "1": version(b" HTTP/1"),
    "1-and-a-dot": version(b" HTTP/1."),
    "1.10": version(b" HTTP/1.10"),
    "01.1": version(b" HTTP/01.1"),
    "1.1x": version(b" HTTP/1.1x"),
    "1,1": version(b" HTTP/1,1"),
    "negative": version(b" HTTP/-1.1"),
    "letters": version(b" HTTP/a.b"),
    "arabic-digits": version(" HTTP/\u0661.\u0661".encode()),
    "huge": version(b" HTTP/" + b"1" * 1000 + b".1"),
    "small-letters": version(b" http/1.1"),
    "https": version(b" HTTPS/1.1"),
    "icy": version(b" ICY/1.1"),
    "space-inside": version(b" HTTP/ 1.1"),
    "space-before-the-slash": version(b" HTTP /1.1"),
    "space-behind": version(b" HTTP/1.1 "),
    "tab-behind": version(b" HTTP/1.1\t"),
    "nul-behind": version(b" HTTP/1.1\x00"),
    "twice": version(b" HTTP/1.1 HTTP/1.1"),
    "two-spaces": version(b"  HTTP/1.1"),
    "tab": version(b"\tHTTP/1.1"),
    "vertical-tab": version(b"\x0bHTTP/1.1"),
    "no-break-space": version(b"\xa0HTTP/1.1"),
    "two-spaces-before-the-target": head(b"GET  {target} HTTP/1.1", HOST, rest=b"{next}"),
    "tab-before-the-target": head(b"GET\t{target} HTTP/1.1", HOST, rest=b"{next}"),
    "only-a-target": head(b"{target} HTTP/1.1", HOST, rest=b"{next}"),
}

METHODS: Table = {
    **{
        name.lower().decode(): method(name)
        for name in (
            b"POST",
            b"PUT",
            b"DELETE",
            b"PATCH",
            b"OPTIONS",
            b"TRACE",
            b"PROPFIND",
            b"QUERY",
            b"PURGE",
            b"STEAL",
            b"G",
        )
    },
    "small-letters": method(b"get"),
    "mixed-case": method(b"Get"),
    "8-bit": method("GÉT".encode()),
    "nul-in-it": method(b"GE\x00T"),
    "colon": method(b"GET:"),
    "two-words": method(b"GET GET"),
    "long": method(b"G" * 10_000),
    "options-of-everything": head(b"OPTIONS * HTTP/1.1", HOST, rest=b"{next}"),
    "trace-with-max-forwards": fields(b"Max-Forwards: 0", rest=b"{next}", method=b"TRACE"),
    "post-with-a-body": fields(b"Content-Length: 5", rest=b"hello{next}", method=b"POST"),
    "post-whose-body-never-comes": fields(b"Content-Length: 1000000000", method=b"POST"),
    "put-in-chunks": fields(
        b"Transfer-Encoding: chunked", rest=b"5\r\nhello\r\n0\r\n\r\n{next}", method=b"PUT"
    ),
    "connect-to-a-path": head(b"CONNECT {target} HTTP/1.1", HOST, rest=b"{next}"),
    "connect": head(b"CONNECT tfhub.dev:443 HTTP/1.1", b"Host: tfhub.dev:443", rest=b"{next}").at(
        "reverse", "tunnel"
    ),
    "connect-by-an-old-client": head(b"CONNECT tfhub.dev:443 HTTP/1.0", rest=b"{next}").at(
        "reverse", "tunnel"
    ),
    "connect-to-ourselves": head(b"CONNECT 127.0.0.1:443 HTTP/1.1", HOST, rest=b"{next}").at(
        "reverse", "tunnel"
    ),
    "connect-with-a-length": head(
        b"CONNECT tfhub.dev:443 HTTP/1.1",
        b"Host: tfhub.dev:443",
        b"Content-Length: 5",
        rest=b"hello{next}",
    ),
    "connect-with-chunks": head(
        b"CONNECT tfhub.dev:443 HTTP/1.1",
        b"Host: tfhub.dev:443",
        b"Transfer-Encoding: chunked",
        rest=b"0\r\n\r\n{next}",
    ),
}
