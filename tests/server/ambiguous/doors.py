"""The three doors, and rows that mean the same at each of them.

A row is a template. At a door, `{target}` is the whole target of a module that would be served
there, `{base}` what stands in front of its path, `{host}` the Host that goes with it, and `{next}`
a second request in good form: whoever takes the first one for something else answers that one.
"""

from dataclasses import dataclass, replace

SECRET = b"correct-horse-battery-staple"
COOKIE = b"Cookie: token=" + SECRET
HOST = b"Host: {host}"
WANTED, HIDDEN = "tfhub.dev/google/spice/2", "tfhub.dev/google/hidden/1"


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: its name, what stands before a path in its targets, and its Host."""

    name: str
    base: bytes
    host: bytes

    @property
    def target(self) -> bytes:
        return self.base + b"/google/spice/2"

    @property
    def next(self) -> bytes:
        return b"GET %b/google/hidden/1 HTTP/1.1\r\nHost: %b\r\n\r\n" % (self.base, self.host)

    def fill(self, template: bytes) -> bytes:
        """The bytes that a client says here."""
        for name in ("target", "base", "host", "next"):
            template = template.replace(b"{%b}" % name.encode(), getattr(self, name))
        return template


REVERSE = Door("reverse", b"/tfhub.dev", b"proxy.example")
FORWARD = Door("forward", b"http://tfhub.dev", b"tfhub.dev")
TUNNEL = Door("tunnel", b"", b"tfhub.dev")
DOORS = {door.name: door for door in (REVERSE, FORWARD, TUNNEL)}


@dataclass(frozen=True, slots=True)
class Row:
    """A template, and the doors at which it says something."""

    template: bytes
    doors: tuple[str, ...] = tuple(DOORS)

    def at(self, *doors: str) -> "Row":
        return replace(self, doors=doors)


Table = dict[str, Row]


def said(template: bytes) -> Row:
    """Verbatim."""
    return Row(template)


def head(first: bytes, *lines: bytes, rest: bytes = b"") -> Row:
    """A request line, header lines, a cookie that nobody else may see, and what is behind."""
    return Row(b"\r\n".join((first, *lines, COOKIE, b"", rest)))


def target(text: bytes) -> Row:
    return head(b"GET " + text + b" HTTP/1.1", HOST)


def version(text: bytes) -> Row:
    """What stands behind the target, with the space."""
    return head(b"GET {target}" + text, HOST, rest=b"{next}")


def hosts(*values: bytes) -> Row:
    return head(b"GET {target} HTTP/1.1", *(b"Host: " + value for value in values))


def fields(*lines: bytes, rest: bytes = b"", method: bytes = b"GET") -> Row:
    return head(method + b" {target} HTTP/1.1", HOST, *lines, rest=rest)


def method(name: bytes) -> Row:
    return head(name + b" {target} HTTP/1.1", HOST, rest=b"{next}")
