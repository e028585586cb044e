"""Range and If-Range: RFC 9110 sections 13 and 14. What is not one range is no range."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranged:
    """Header lines, and the status that they bring. `size` is the body's; None is the whole."""

    status: int
    lines: tuple[bytes, ...]
    size: int | None = None


def _of(value: bytes, status: int = 200, size: int | None = None) -> Ranged:
    return Ranged(status, (b"Range: " + value,), size)


RANGES: dict[str, Ranged] = {
    "first-byte": _of(b"bytes=0-0", 206, 1),
    "last-byte": _of(b"bytes=-1", 206, 1),
    "unit-in-capitals": _of(b"BYTES=0-9", 206, 10),
    "2000-ranges": _of(b"bytes=" + b",".join([b"0-0"] * 2000)),
    "2000-without-a-start": _of(b"bytes=" + b",".join([b"-1"] * 2000)),
    "two": _of(b"bytes=0-0,2-2"),
    "overlapping": _of(b"bytes=0-9,5-14,0-"),
    "backwards": _of(b"bytes=9-0"),
    "nothing": _of(b"bytes="),
    "only-a-dash": _of(b"bytes=-"),
    "commas": _of(b"bytes=,,,"),
    "negative": _of(b"bytes=-1-5"),
    "signed": _of(b"bytes=+0-5"),
    "hex": _of(b"bytes=0x0-0x5"),
    "spaces": _of(b"bytes = 0 - 5"),
    "another-unit": _of(b"chapters=1-2"),
    "no-unit": _of(b"0-5"),
    "64-bits": _of(b"bytes=18446744073709551616-", 416),
    "30-digits": _of(b"bytes=" + b"9" * 30 + b"-", 416),
    "4000-digits": _of(b"bytes=0-" + b"9" * 4000),
    "behind-the-end": _of(b"bytes=999999999-", 416),
    "of-no-bytes": _of(b"bytes=-0", 416),
    "more-than-there-is": _of(b"bytes=-999999999", 206),
    "arabic-digits": _of("bytes=\u0660-\u0665".encode()),
    "if-range-of-another": Ranged(200, (b"Range: bytes=0-0", b'If-Range: "other"')),
    "if-range-of-a-date": Ranged(
        200, (b"Range: bytes=0-0", b"If-Range: Thu, 01 Jan 1970 00:00:00 GMT")
    ),
    "if-range-that-is-weak": Ranged(200, (b"Range: bytes=0-0", b'If-Range: W/"x"')),
    "if-range-of-anything": Ranged(200, (b"Range: bytes=0-0", b"If-Range: *")),
    "if-range-empty": Ranged(200, (b"Range: bytes=0-0", b"If-Range:")),
    "if-range-alone": Ranged(200, (b'If-Range: "other"',)),
}
