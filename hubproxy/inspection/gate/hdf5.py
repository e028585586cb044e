"""The attributes of an HDF5 file's root group, where Keras keeps a model's configuration.

As far as h5py and Keras write them (HDF5 File Format Specification 3.0): superblocks 0 to 3, object
headers 1 and 2 with their continuations, strings of fixed length and in the global heap. Whatever
else the format allows is not read, and said so: it is then for a person to look at.
"""

import struct
from collections.abc import Iterator

from hubproxy.inspection.facts import UnreadableError
from hubproxy.inspection.gate.kerasconfig import MOST_CONFIG
from hubproxy.inspection.modulefiles import ModuleFiles

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_ATTRIBUTE, _CONTINUED, _ATTRIBUTE_INFO = 0x0C, 0x10, 0x15
_FIXED, _VARIABLE = 3, 9
_MOST_MESSAGES = 100_000
_MOST_BLOCK = 16 * 1024 * 1024
_UNDEFINED = 2**64 - 1


def attributes(files: ModuleFiles, path: str) -> Iterator[tuple[str, bytes]]:
    """Names and values of the attributes that are text.

    Raises:
        UnreadableError: while iterating: it is no HDF5, or laid out as Keras never does.
    """
    try:
        yield from _File(files, path).attributes()
    except (struct.error, IndexError) as error:
        raise UnreadableError("it is cut short, or damaged", damaged=True) from error


class _File:
    def __init__(self, files: ModuleFiles, path: str) -> None:
        self._files, self._path = files, path
        head = self._read(0, 128)
        if not head.startswith(SIGNATURE):
            raise UnreadableError("it does not begin as HDF5 does")
        version = head[8]
        if version in (0, 1):
            sizes, first = head[13:15], 24 + 4 * version
            # Base, free space, end, driver; then the root's entry: its name, then its header.
            self._root_at, base_at = first + 5 * 8, first
        elif version in (2, 3):
            sizes, base_at, self._root_at = head[9:11], 12, 12 + 3 * 8
        else:
            raise UnreadableError(f"its superblock is of version {version}")
        if sizes != b"\x08\x08":
            raise UnreadableError("its offsets have not 8 bytes")
        if _u64(head, base_at) != 0:
            raise UnreadableError("its addresses do not begin at 0")
        self._root = _u64(head, self._root_at)

    def attributes(self) -> Iterator[tuple[str, bytes]]:
        for kind, flags, body in self._messages():
            if kind == _ATTRIBUTE_INFO:
                at = 2 + 2 * (body[1] & 1)
                if _u64(body, at) != _UNDEFINED:
                    raise UnreadableError("its attributes lie apart from their object")
            if kind == _ATTRIBUTE:
                if flags & 2:
                    raise UnreadableError("an attribute of it is shared")
                found = self._attribute(body)
                if found is not None:
                    yield found

    def _messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Type, flags and body of each message of the root's object header."""
        head = self._read(self._root, 64)
        if head.startswith(b"OHDR"):
            flags = head[5]
            at = 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
            width = 1 << (flags & 3)
            size = int.from_bytes(head[at : at + width], "little")
            blocks = [(self._root + at + width, size)]
            parse = _messages_2 if flags & 4 else _messages_2_plain
        elif head[:1] == b"\x01":
            blocks = [(self._root + 16, struct.unpack_from("<I", head, 8)[0])]
            parse = _messages_1
        else:
            raise UnreadableError("its root is not where it should be", damaged=True)
        seen, count = set(), 0
        while blocks:
            where, size = blocks.pop(0)
            if where in seen:
                raise UnreadableError("its root goes round in a circle", damaged=True)
            seen.add(where)
            block = self._read(where, size)
            if len(block) < size:
                raise UnreadableError("its root is cut short", damaged=True)
            for kind, flags, body in parse(block):
                count += 1
                if count > _MOST_MESSAGES:
                    raise UnreadableError("its root has too many parts")
                if kind == _CONTINUED:
                    where, size = _u64(body, 0), _u64(body, 8)
                    if parse is not _messages_1:
                        where, size = where + 4, size - 8  # its mark, and its checksum
                    blocks.append((where, size))
                else:
                    yield kind, flags, body

    def _attribute(self, body: bytes) -> tuple[str, bytes] | None:
        version = body[0]
        if version not in (1, 2, 3):
            raise UnreadableError(f"an attribute of it is of version {version}")
        if version > 1 and body[1] & 3:
            raise UnreadableError("the type of an attribute is shared")
        sizes = struct.unpack_from("<3H", body, 2)
        at = 8 + (version == 3)
        parts = []
        for size in sizes:
            parts.append(body[at : at + size])
            at += -(-size // 8) * 8 if version == 1 else size
        name, kind, _space = parts
        text = name.partition(b"\0")[0].decode("utf-8", "replace")
        size = struct.unpack_from("<I", kind, 4)[0]
        if kind[0] & 15 == _FIXED:
            if text in ("model_config", "training_config") and len(body) - at > size + 8:
                raise UnreadableError(f"{text} of it is not one text")
            return text, body[at : at + size].rstrip(b"\0 ")
        if kind[0] & 15 == _VARIABLE and kind[1] & 15 == 1:
            length, where, number = struct.unpack_from("<IQI", body, at)
            return text, self._heap(where, number)[:length]
        return None

    def _heap(self, where: int, wanted: int) -> bytes:
        """An object of the global heap."""
        head = self._read(where, 16)
        if not head.startswith(b"GCOL\x01"):
            raise UnreadableError("a text of it is not where it should be", damaged=True)
        end, at = where + _u64(head, 8), where + 16
        found: list[tuple[int, int]] = []
        while at + 16 <= end:
            entry = self._read(at, 16)
            number, size = struct.unpack_from("<H", entry)[0], _u64(entry, 8)
            if number == wanted:
                found.append((at + 16, size))
            if number == 0:
                break
            at += 16 + -(-size // 8) * 8
        if len(found) != 1:  # of several, the library takes another one than a reader may
            raise UnreadableError("a text of it is missing, or there twice", damaged=True)
        ((at, size),) = found
        if size > MOST_CONFIG:
            raise UnreadableError(f"a text of it has {size:,} bytes")
        return self._read(at, size)

    def _read(self, where: int, size: int) -> bytes:
        if size < 0 or size > max(_MOST_BLOCK, MOST_CONFIG) or where > self._files.size(self._path):
            raise UnreadableError("it points to a place that it does not have", damaged=True)
        return self._files.at(self._path, where, size)


def _messages_1(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 8 <= len(block):
        kind, size, flags = struct.unpack_from("<HHB", block, at)
        yield kind, flags, block[at + 8 : at + 8 + size]
        at += 8 + size


def _messages_2(block: bytes, head: int = 6) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + head <= len(block):
        kind, size, flags = struct.unpack_from("<BHB", block, at)
        yield kind, flags, block[at + head : at + head + size]
        at += head + size


def _messages_2_plain(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    return _messages_2(block, 4)


def _u64(text: bytes, at: int) -> int:
    found: int = struct.unpack_from("<Q", text, at)[0]
    return found
