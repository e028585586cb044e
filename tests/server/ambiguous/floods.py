"""Too much of everything, and what is not HTTP at all."""

from tests.server.ambiguous.doors import HOST, Table, fields, head, said

FLOODS: Table = {
    "target-of-40-kB": head(b"GET {base}/" + b"a" * 40_000 + b" HTTP/1.1", HOST),
    "target-of-1-MB": head(b"GET {base}/" + b"a" * 1_000_000 + b" HTTP/1.1", HOST),
    "query-of-40-kB": head(b"GET {target}?" + b"a" * 40_000 + b" HTTP/1.1", HOST),
    "a-line-without-end": said(b"GET {base}/" + b"a" * 100_000),
    "header-of-200-kB": fields(b"X-A: " + b"b" * 200_000),
    "header-without-end": said(b"GET {target} HTTP/1.1\r\nX-A: " + b"b" * 200_000),
    "name-of-200-kB": fields(b"X" * 200_000 + b": b"),
    "2000-headers": fields(*(b"X-%d: b" % number for number in range(2000))),
    "2000-empty-headers": fields(*(b"X-A:" for _ in range(2000))),
    "64-kB-of-headers": fields(*(b"X-%d: " % number + b"b" * 1000 for number in range(65))),
    "a-folded-line-of-200-kB": fields(b"X-A: b" + b"\r\n b" * 50_000),
    # What a pattern may try in as many ways as it has blanks.
    "8000-blanks-and-a-control": fields(b"X-A:" + b" " * 8000 + b"\x01"),
    "8000-tabs-and-a-control": fields(b"X-A:" + b"\t" * 8000 + b"\x01"),
    "8000-blanks-inside": fields(b"X-A: b" + b" \t" * 4000 + b"\x01"),
    "4000-labels": head(b"GET {target} HTTP/1.1", b"Host: " + b"a." * 4000 + b"!"),
    "4000-hyphens": head(b"GET {target} HTTP/1.1", b"Host: " + b"a-" * 4000 + b"!"),
    "8000-commas": fields(b"Connection: " + b"," * 8000, b"X-A: \x01"),
    "cookie-of-64-kB": fields(b"Cookie: " + b"a=b; " * 13_000),
}

FOREIGN: Table = {
    "every-byte": said(bytes(range(256)) + b"\r\n\r\n{next}"),
    "nuls": said(b"\x00" * 1000),
    "nuls-and-a-request": said(b"\x00" * 16 + b"{next}"),
    "random": said(bytes(number * 7919 % 251 for number in range(4096)) + b"\r\n\r\n{next}"),
    "tls-hello": said(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 505),
    "tls-alert": said(b"\x15\x03\x03\x00\x02\x02\x28"),
    "ssl-2-hello": said(b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x01" * 37),
    "ssh": said(b"SSH-2.0-OpenSSH_9.6\r\n{next}"),
    "smtp": said(b"EHLO client.example\r\n{next}"),
    "redis": said(b"*1\r\n$4\r\nPING\r\n{next}"),
    "memcached": said(b"get a\r\n{next}"),
    "socks-4": said(b"\x04\x01\x01\xbb\x7f\x00\x00\x01user\x00{next}"),
    "socks-5": said(b"\x05\x01\x00{next}"),
    "http-2-preface": said(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04" + b"\x00" * 5),
    "http-2-preface-and-a-request": said(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{next}"),
    "proxy-protocol-1": said(b"PROXY TCP4 10.0.0.1 10.0.0.2 1234 80\r\n{next}"),
    "proxy-protocol-1-unknown": said(b"PROXY UNKNOWN\r\n{next}"),
    "proxy-protocol-2": said(
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02\x04\xd2\x00\x50"
        b"{next}"
    ),
    "an-answer": said(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{next}"),
    "rtsp": said(b"DESCRIBE rtsp://127.0.0.1/a RTSP/1.0\r\nCSeq: 1\r\n\r\n{next}"),
    "sip": said(b"OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nHost: {host}\r\n\r\n{next}"),
    "xml": said(b'<?xml version="1.0"?>\r\n<a/>\r\n\r\n{next}'),
    "shell": said(b"() { :;}; echo; id\r\n\r\n{next}"),
}
