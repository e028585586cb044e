"""What a bundle carries, and how that lies on a medium: one OCI image layout a volume.

Every byte of a volume that is not a blob's own content follows from `Bundle` alone, so whoever has
read that writes the other files anew and compares. The blobs are bound by the trust list: each
record stands on it, and names its archive, its evidence and its card.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

import msgspec

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Format

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_TAR = "application/vnd.oci.image.layer.v1.tar"
_BUNDLE = "application/vnd.hubproxy.bundle.v1"
_MODULE = "application/vnd.hubproxy.module.v1"
_RECORD = "application/vnd.hubproxy.record.v1+json"
_FILE = "application/vnd.hubproxy.list.v1"
_TITLE = "org.opencontainers.image.title"
_NAME = "org.opencontainers.image.ref.name"
_VOLUME = "dev.hubproxy.volume"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
"""The file `oci-layout`."""
LARGEST_TEXT = 64 * 1024 * 1024
"""Bytes that any file of a volume but an archive may have."""
_LONGEST_TAG = 128
# What any JSON that is not as it must be leads to; it may also be nested without end.
_WRONG = (KeyError, IndexError, TypeError, ValueError, RecursionError, msgspec.MsgspecError)
_ROOM = 2048
"""Bytes, more than enough, for what a volume says of one module."""


class BundleModule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A module that is approved where the bundle was made.

    Args:
        record: digest of its record, `sha256:<hex>`; the record lies in every volume.
        archive: digest of its archive.
        size: bytes of the archive.
        volume: that has the archive, from 1 on; 0 where the site said that it has it.
    """

    handle: str
    format: Format
    record: str
    archive: str
    size: int
    volume: int

    @property
    def exact(self) -> Handle:
        return Handle.parse(self.handle)


class BundleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of the trust list, by its published name."""

    name: str
    digest: str
    size: int


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bundle carries. `encode` is canonical.

    Args:
        since: digest of the inventory of which only what it lacks is carried; empty for none.
        volumes: how many there are.
        modules: sorted by handle and format.
        files: of the list, its records, evidence and cards; sorted by name. In every volume.
    """

    v: Literal[1] = 1
    since: str = ""
    volumes: int
    modules: tuple[BundleModule, ...]
    files: tuple[BundleFile, ...]

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read and check one.

        Raises:
            ValueError: not a bundle, one that contradicts itself, or not written canonically.
        """
        try:
            found = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ValueError(f"not a bundle: {error}") from error
        found._check()
        if found.encode() != text:
            raise ValueError("not a bundle: it is not written as bundles are")
        return found

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    @property
    def digest(self) -> Digest:
        return _digest(self.encode())

    @property
    def contents(self) -> str:
        """Digest of all but the list's metadata: what the list's own timestamp can bind."""
        files = tuple(one for one in self.files if not one.name.startswith("metadata/"))
        return str(msgspec.structs.replace(self, files=files).digest)

    def archives(self, volume: int) -> dict[str, BundleModule]:
        """The archives that a volume has: digest -> the first module of that archive."""
        found: dict[str, BundleModule] = {}
        for one in self.modules:
            if one.volume == volume:
                found.setdefault(one.archive, one)
        return found

    def _check(self) -> None:
        names = [one.name for one in self.files]
        keys = [module_key(one) for one in self.modules]
        if names != sorted(set(names)) or keys != sorted(set(keys)):
            raise ValueError("not a bundle: its parts are not sorted, or one stands there twice")
        if self.volumes < 1:
            raise ValueError("not a bundle: it has no volume")
        known = {one.digest for one in self.files if one.name.startswith("records/")}
        for file in self.files:
            Digest.parse(file.digest)
            if not 0 <= file.size <= LARGEST_TEXT:
                raise ValueError(f"not a bundle: {file.name!r} is too large")
        for module in self.modules:
            Digest.parse(module.archive)
            handle = module.exact
            if str(handle) != module.handle or handle.version is None:
                raise ValueError(f"not a bundle: {module.handle!r} is no exact handle")
            if module.record not in known:
                raise ValueError(f"not a bundle: it lacks the record of {module.handle}")
            if module.size <= 0 or not 0 <= module.volume <= self.volumes:
                raise ValueError(f"not a bundle: the size or volume of {module.handle}")
        places = {(one.archive, one.volume) for one in self.modules}
        if len({archive for archive, _ in places}) != len(places):
            raise ValueError("not a bundle: an archive lies in two volumes")


def texts(bundle: Bundle, volume: int) -> tuple[bytes, dict[str, bytes]]:
    """What a volume says of itself.

    Returns:
        Its `index.json`, and the blobs that say what it has: digest -> bytes.
    """
    blobs: dict[str, bytes] = {}
    sizes = {one.digest: one.size for one in bundle.files}
    whole = bundle.encode()
    index = [
        _put(
            blobs,
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "artifactType": _BUNDLE,
                "config": _described(f"{_BUNDLE}+json", str(bundle.digest), len(whole)),
                "layers": [
                    {**_described(_FILE, one.digest, one.size), "annotations": {_TITLE: one.name}}
                    for one in bundle.files
                ],
            },
            _BUNDLE,
            {_NAME: "bundle", _VOLUME: str(volume)},
        )
    ]
    blobs[str(bundle.digest)] = whole
    tags: set[str] = set()
    for one in bundle.modules:
        if one.volume == volume:
            manifest = {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "artifactType": _MODULE,
                "config": _described(_RECORD, one.record, sizes[one.record]),
                "layers": [
                    {
                        **_described(_TAR, one.archive, one.size),
                        "annotations": {_TITLE: "module.tar"},
                    }
                ],
            }
            index.append(_put(blobs, manifest, _MODULE, {_NAME: _tag(one, tags)}))
    text = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": index}
    return msgspec.json.encode(text), blobs


def find_bundle(index: bytes) -> tuple[Descriptor, int]:
    """Where a volume's `index.json` says that its bundle is described, and which volume it is.

    Raises:
        ValueError: it is of no bundle.
    """
    try:
        first = msgspec.json.decode(index)["manifests"][0]
        if first["artifactType"] != _BUNDLE:
            raise ValueError("another artifact comes first")
        volume = int(first["annotations"][_VOLUME])
        return Descriptor(Digest.parse(first["digest"]), _size(first["size"])), volume
    except _WRONG as error:
        raise ValueError(f"not the index of a bundle: {error}") from error


def find_config(manifest: bytes) -> Descriptor:
    """Where a bundle's manifest says that the bundle itself lies.

    Raises:
        ValueError: it is no such manifest.
    """
    try:
        config = msgspec.json.decode(manifest)["config"]
        return Descriptor(Digest.parse(config["digest"]), _size(config["size"]))
    except _WRONG as error:
        raise ValueError(f"not the manifest of a bundle: {error}") from error


def split_volumes(
    archives: Sequence[tuple[str, str, int]], files: Iterable[BundleFile], limit: int
) -> dict[str, int]:
    """Deal archives out to volumes, each whole, in their order.

    Args:
        archives: handle, digest and size of each.
        files: those that every volume has.
        limit: bytes that all files of one volume may have together; 0 for one volume.

    Returns:
        Digest -> volume, from 1 on.

    Raises:
        ValueError: one does not fit into a volume; the message names it.
    """
    found: dict[str, int] = {}
    listed = list(files)
    fixed = sum(one.size + _ROOM for one in listed) + (1 + len(archives)) * _ROOM
    volume, used = 1, fixed
    for handle, digest, size in archives:
        if digest in found:
            continue
        if limit and fixed + size + _ROOM > limit:
            raise ValueError(
                f"{handle} has {size:,} bytes, and beside it {fixed:,} must go into every volume"
            )
        if limit and used + size + _ROOM > limit:
            volume, used = volume + 1, fixed
        used += size + _ROOM
        found[digest] = volume
    return found


def _put(
    blobs: dict[str, bytes], manifest: dict[str, Any], kind: str, annotations: dict[str, str]
) -> dict[str, Any]:
    text = msgspec.json.encode(manifest)
    digest = str(_digest(text))
    blobs[digest] = text
    return {
        **_described(_MANIFEST, digest, len(text)),
        "artifactType": kind,
        "annotations": annotations,
    }


def _described(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _tag(module: BundleModule, taken: set[str]) -> str:
    """A name that registries take (OCI distribution 1.1), unlike those before it."""
    plain = f"{module.handle}.{module.format}".replace("/", "_").replace("+", "-")
    short = module.record.removeprefix("sha256:")[:12]
    tag = plain
    if len(tag) > _LONGEST_TAG or tag in taken:
        tag = f"{plain[: _LONGEST_TAG - 13]}-{short}"
    taken.add(tag)
    return tag


def module_key(module: BundleModule) -> tuple[str, int]:
    """By what the modules of a bundle are sorted."""
    return module.handle, FORMATS.index(module.format)


def _size(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= LARGEST_TEXT:
        raise ValueError(f"a size of {value!r}")
    return value


def _digest(text: bytes) -> Digest:
    return Digest.of_hex(hashlib.sha256(text).hexdigest())
