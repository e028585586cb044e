"""Where a request ends: RFC 9112 sections 6 and 7.

Rows of length zero and rows with an empty last chunk stand beside the others: a server that only
refuses bodies would let them pass.
"""

from tests.server.ambiguous.doors import HOST, Row, Table, fields, head

_TE, _END = b"Transfer-Encoding: chunked", b"0\r\n\r\n{next}"


def _length(value: bytes, rest: bytes = b"{next}") -> Row:
    return fields(b"Content-Length: " + value, rest=rest)


def _coding(value: bytes, rest: bytes = _END) -> Row:
    return fields(b"Transfer-Encoding: " + value, rest=rest)


def _chunks(body: bytes) -> Row:
    return fields(_TE, rest=body + b"{next}")


LENGTHS: Table = {
    "five": _length(b"5", b"hello"),
    "all-of-the-next": _length(b"70"),
    "that-never-comes": _length(b"1000000000", b""),
    "empty": _length(b""),
    "blank": _length(b" \t"),
    "plus": _length(b"+5", b"hello{next}"),
    "plus-zero": _length(b"+0"),
    "minus": _length(b"-5"),
    "minus-zero": _length(b"-0"),
    "hex": _length(b"0x5", b"hello{next}"),
    "hex-zero": _length(b"0x0"),
    "octal": _length(b"0o0"),
    "underscores": _length(b"0_0"),
    "decimal-point": _length(b"0.0"),
    "exponent": _length(b"0e0"),
    "a-word": _length(b"none"),
    "quoted": _length(b'"0"'),
    "arabic-digit": _length("\u0660".encode()),
    "full-width-digit": _length("\uff10".encode()),
    "inner-space": _length(b"0 0"),
    "inner-tab": _length(b"0\t0"),
    "vertical-tab": _length(b"\x0b0"),
    "form-feed": _length(b"0\x0c"),
    "nul": _length(b"0\x00"),
    "semicolon": _length(b"0;"),
    "comma": _length(b"0,"),
    "list": _length(b"0, 5", b"hello{next}"),
    "list-of-the-same": _length(b"0, 0"),
    "list-of-empties": _length(b",0"),
    "30-digits": _length(b"9" * 30),
    "more-than-64-bits": _length(b"18446744073709551616"),
    "5000-digits": _length(b"9" * 5000),
    "5000-zeros": _length(b"0" * 5000),
    "two": fields(b"Content-Length: 0", b"Content-Length: 70", rest=b"{next}"),
    "two-larger-first": fields(b"Content-Length: 70", b"Content-Length: 0", rest=b"{next}"),
    "twice-the-same": fields(b"Content-Length: 5", b"Content-Length: 5", rest=b"hello"),
    "twice-zero": fields(b"Content-Length: 0", b"content-length: 0", rest=b"{next}"),
    "space-before-the-colon": fields(b"Content-Length : 5", rest=b"hello{next}"),
    "tab-before-the-colon": fields(b"Content-Length\t: 0", rest=b"{next}"),
    "folded": fields(b"Content-Length:\r\n 0", rest=b"{next}"),
    "indented": fields(b"X-A: b", b" Content-Length: 5", rest=b"hello{next}"),
    "nul-in-the-name": fields(b"Content\x00-Length: 5", rest=b"hello{next}"),
    "behind-a-bare-line-feed": fields(b"X-A: b\nContent-Length: 5", rest=b"hello{next}"),
    "behind-a-bare-return": fields(b"X-A: b\rContent-Length: 5", rest=b"hello{next}"),
    "of-a-head": fields(b"Content-Length: 5", rest=b"hello{next}", method=b"HEAD"),
    "in-http-1.0": head(b"GET {target} HTTP/1.0", HOST, b"Content-Length: 5", rest=b"hello{next}"),
}

CODINGS: Table = {
    "chunked": _coding(b"chunked"),
    "upper-case": _coding(b"CHUNKED"),
    "of-a-head": fields(_TE, rest=_END, method=b"HEAD"),
    "in-http-1.0": head(b"GET {target} HTTP/1.0", HOST, _TE, rest=_END),
    "kept-open-in-http-1.0": head(
        b"GET {target} HTTP/1.0", HOST, b"Connection: keep-alive", _TE, rest=_END
    ),
    "length-first": fields(b"Content-Length: 4", _TE, rest=_END),
    "length-behind": fields(_TE, b"Content-Length: 4", rest=_END),
    "length-of-zero": fields(b"Content-Length: 0", _TE, rest=_END),
    "length-and-identity": fields(
        b"Content-Length: 5", b"Transfer-Encoding: identity", rest=b"hello{next}"
    ),
    "twice": fields(_TE, _TE, rest=_END),
    "twice-in-a-list": _coding(b"chunked, chunked"),
    "and-identity": fields(_TE, b"Transfer-Encoding: identity", rest=_END),
    "identity-first": fields(b"Transfer-Encoding: identity", _TE, rest=_END),
    "identity": _coding(b"identity", b"{next}"),
    "gzip": _coding(b"gzip", b"{next}"),
    "gzip-and-chunked": _coding(b"gzip, chunked"),
    "chunked-not-last": _coding(b"chunked, gzip"),
    "misspelt": _coding(b"xchunked"),
    "with-a-tail": _coding(b"chunkedx"),
    "another-word": _coding(b"cow"),
    "empty": _coding(b""),
    "blank": _coding(b" "),
    "quoted": _coding(b'"chunked"'),
    "parameter": _coding(b"chunked;q=1"),
    "comma-behind": _coding(b"chunked,"),
    "comma-before": _coding(b",chunked"),
    "tab-before": _coding(b"\tchunked"),
    "vertical-tab-before": _coding(b"\x0bchunked"),
    "vertical-tab-behind": _coding(b"chunked\x0b"),
    "form-feed-before": _coding(b"\x0cchunked"),
    "no-break-space-before": _coding(b"\xa0chunked"),
    "nul-behind": _coding(b"chunked\x00"),
    "control-before": _coding(b"\x01chunked"),
    "kelvin-sign": _coding("chun\u212aed".encode()),
    "folded": _coding(b"\r\n chunked"),
    "folded-behind": _coding(b"chunked\r\n , identity"),
    "space-before-the-colon": fields(b"Transfer-Encoding : chunked", rest=_END),
    "tab-before-the-colon": fields(b"Transfer-Encoding\t: chunked", rest=_END),
    "indented": fields(b"X-A: b", b" Transfer-Encoding: chunked", rest=_END),
    "nul-in-the-name": fields(b"Transfer\x00Encoding: chunked", rest=_END),
    "8-bit-in-the-name": fields(b"Transfer-Encoding\xa0: chunked", rest=_END),
    "space-in-the-name": fields(b"Transfer- Encoding: chunked", rest=_END),
    "behind-a-bare-line-feed": fields(b"X-A: b\nTransfer-Encoding: chunked", rest=_END),
    "behind-a-bare-return": fields(b"X-A: b\rTransfer-Encoding: chunked", rest=_END),
    "hidden-in-the-target": head(
        b"GET {target} HTTP/1.1\rTransfer-Encoding: chunked", HOST, rest=_END
    ),
}

CHUNKS: Table = {
    "of-five": _chunks(b"5\r\nhello\r\n0\r\n\r\n"),
    "of-no-size": _chunks(b"zz\r\nhello\r\n0\r\n\r\n"),
    "size-empty": _chunks(b"\r\nhello\r\n0\r\n\r\n"),
    "size-negative": _chunks(b"-1\r\nhello\r\n0\r\n\r\n"),
    "size-signed": _chunks(b"+0\r\n\r\n"),
    "size-hex": _chunks(b"0x0\r\n\r\n"),
    "size-with-a-space-before": _chunks(b" 0\r\n\r\n"),
    "size-with-a-space-behind": _chunks(b"0 \r\n\r\n"),
    "size-of-65-bits": _chunks(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "size-of-5000-digits": _chunks(b"0" * 5000 + b"\r\n\r\n"),
    "bare-line-feeds": _chunks(b"5\nhello\n0\n\n"),
    "bare-line-feed-in-an-extension": _chunks(b"0;a\nb\r\n\r\n"),
    "bare-return-behind-the-size": _chunks(b"5\rhello\r\n0\r\n\r\n"),
    "too-much": _chunks(b"5\r\nhelloo\r\n0\r\n\r\n"),
    "too-little": _chunks(b"5\r\nhell\r\n0\r\n\r\n"),
    "without-the-last": _chunks(b"5\r\nhello\r\n"),
    "extension-of-70-kB": _chunks(b"0;" + b"a" * 70_000 + b"\r\n\r\n"),
    "30000-tiny": _chunks(b"1\r\na\r\n" * 30_000 + b"0\r\n\r\n"),
    "20000-trailers": _chunks(b"0\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n"),
    "trailer-with-a-length": _chunks(b"0\r\nContent-Length: 5\r\n\r\n"),
    "trailer-folded": _chunks(b"0\r\nX-A: b\r\n c\r\n\r\n"),
    "trailer-without-an-end": _chunks(b"0\r\nX-A: b\r\n"),
}
