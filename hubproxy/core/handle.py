"""The name of a module: one canonical spelling, to which every alias maps."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_VERSION = re.compile(r"0|[1-9][0-9]{0,9}")
_LONGEST, _DEEPEST, _LONGEST_SEGMENT = 512, 16, 128

KAGGLE_HOST = "kaggle.com"
# Kaggle's own spelling of each framework; users type any case.
_FRAMEWORKS = {
    name.lower(): name
    for name in (
        "tensorFlow1 tensorFlow2 tfLite tfJs keras pyTorch jax flax transformers paxml maxText "
        "gemmaCpp gguf scikitLearn coral api ggml tensorRtLlm jaxFlax litert other"
    ).split()
}


@dataclass(frozen=True, slots=True, order=True)
class Handle:
    """A module's name: hub, path, version or None for the latest.

    `str(handle)` is the canonical text, such as `tfhub.dev/google/nnlm-en-dim50/2` or
    `kaggle.com/google/nnlm/tensorFlow2/en-dim50/1`: the same in URLs, on the command line,
    in the trust list and in logs.
    """

    hub: str
    path: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a handle in any spelling that users type.

        Scheme, `www.`, the host's case, a trailing slash, Kaggle's long form and its
        framework's case, and a pasted (or doubled) query make no difference.

        Raises:
            ValueError: not a handle; the message says which part and why.
        """
        if len(text) > 2 * _LONGEST:
            raise ValueError(f"not a handle: longer than {2 * _LONGEST} characters")
        # urlsplit drops tabs and newlines, lower() makes ASCII of some other letters, and a
        # bracket is an address: none of these may become another spelling of a name.
        if not (text.isascii() and text.isprintable()) or "[" in text or "]" in text:
            raise ValueError(f"not a handle: {text!r} has a character that no name has")
        parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        if parts.scheme.lower() not in ("http", "https"):
            raise ValueError(f"not a handle: scheme {parts.scheme!r} in {text!r}")
        return cls.of(parse_hub(parts.netloc), parts.path)

    @classmethod
    def of(cls, hub: str, path: str) -> Self:
        """The handle of a canonical hub name and a URL path.

        Raises:
            ValueError: the path cannot be a module's; the message says which part and why.
        """
        segments = [_segment(raw) for raw in path.strip("/").split("/")]
        if len(segments) > _DEEPEST or sum(map(len, segments)) > _LONGEST:
            raise ValueError(f"not a handle: {path[:80]!r} is too long or too deep")
        if hub == KAGGLE_HOST:
            segments, version = _kaggle(segments)
        else:
            segments, version = _versioned(segments)
        return cls(hub, "/".join(segments), version)

    def at(self, version: int) -> "Handle":
        """The same module at an exact version."""
        return Handle(self.hub, self.path, version)

    @property
    def unversioned(self) -> "Handle":
        return Handle(self.hub, self.path, None)

    @property
    def url_path(self) -> str:
        """The path on the hub's own host, with its leading slash."""
        return f"/{self.path}" if self.version is None else f"/{self.path}/{self.version}"

    def __str__(self) -> str:
        return self.hub + self.url_path


def parse_hub(text: str) -> str:
    """The canonical name of a hub: a host's name in any case, with or without `www.`.

    Raises:
        ValueError: not the name of a host. A port, a user or an IPv6 address is never part of one.
    """
    hub = text.lower().removeprefix("www.")
    named = text.isascii() and len(hub) <= 253 and _HOST.fullmatch(hub) is not None
    if not named or hub.startswith("www.") or not ("." in hub or hub == "localhost"):
        raise ValueError(f"not a handle: {text[:80]!r} is not the name of a hub")
    return hub


def _segment(raw: str) -> str:
    segment = unquote(raw)
    if len(segment) > _LONGEST_SEGMENT or not _SEGMENT.fullmatch(segment):
        raise ValueError(
            f"not a handle: path segment {raw[:80]!r} is empty or has a character "
            "outside A-Za-z0-9._+-"
        )
    return segment


def _versioned(segments: list[str]) -> tuple[list[str], int | None]:
    """The path and the version that ends it, if one does."""
    if not _VERSION.fullmatch(segments[-1]):
        return segments, None
    path, version = segments[:-1], int(segments[-1])
    if not path:
        raise ValueError(f"not a handle: {version} is a version, but of no module")
    if _VERSION.fullmatch(path[-1]):
        # Without its version, such a name would read as another module's.
        raise ValueError(f"not a handle: {'/'.join(segments)[:80]!r} ends in two versions")
    return path, version


def _kaggle(segments: list[str]) -> tuple[list[str], int | None]:
    """Kaggle's long and short forms as owner, model, framework, variation; and the version."""
    if segments[0] == "models":
        segments = segments[1:]
    if len(segments) >= 6 and segments[2] == "frameworks" and segments[4] == "variations":
        tail = segments[6:]
        if tail[:1] == ["versions"]:
            tail = tail[1:]
        segments = [segments[0], segments[1], segments[3], segments[5], *tail]
    if len(segments) not in (4, 5) or segments[0] == "models":
        raise ValueError(
            "not a handle: a Kaggle model is kaggle.com/OWNER/MODEL/FRAMEWORK/VARIATION[/VERSION]"
        )
    framework = _FRAMEWORKS.get(segments[2].lower())
    if framework is None:
        raise ValueError(f"not a handle: {segments[2]!r} is not a framework that Kaggle knows")
    path = [*segments[:2], framework, segments[3]]
    if len(segments) == 4:
        return path, None  # a variation may be called "2"
    if not _VERSION.fullmatch(segments[4]):
        raise ValueError(f"not a handle: {segments[4]!r} is not a version")
    return path, int(segments[4])
