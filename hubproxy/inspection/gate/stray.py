"""The gate's reader of everything else: pickles, native code and scripts among a module's files."""

import io
import re
import zipfile
from collections.abc import Callable

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.gate import numpyheader, picklehead
from hubproxy.inspection.gate.names import check_name, held
from hubproxy.inspection.modulefiles import ModuleFiles
from hubproxy.inspection.region import ZIP_ERRORS, opened

_MAGICS = (
    (b"\x7fELF", "native:program", "it is native code"),
    (b"MZ", "native:program", "it is a program for Windows"),
    (b"\xcf\xfa\xed\xfe", "native:program", "it is native code"),
    (b"\xce\xfa\xed\xfe", "native:program", "it is native code"),
    (b"\xca\xfe\xba\xbe", "native:program", "it is native code"),
    (b"\0asm", "native:program", "it is WebAssembly"),
    (b"#!", "script:shell", "it is a script"),
)
_PICKLED = (
    ".pkl .pickle .pck .pcl .dill .joblib .p .pt .pth .ckpt .bin .dat .data .sav .model .npy"
).split()
_ALWAYS = (".pkl", ".pickle", ".pck", ".pcl", ".dill", ".joblib", ".p", ".sav", ".pt", ".pth")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ZIP = b"PK\x03\x04"
_ZIP_END, _LONGEST_COMMENT = b"PK\x05\x06", 0xFFFF
_PACKED = re.compile(
    rb"\x1f\x8b\x08|BZh[1-9]1AY&SY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07"
)
_TAR, _TAR_AT = b"ustar", 257
_HEAD = 16
_MOST_PICKLE = 256 * 1024 * 1024
_MOST_MEMBERS = 20_000
_WHY_PICKLE = "unpickling it runs whatever it names"
_Reader = Callable[[ModuleFiles, str, Collector], None]


def gate(files: ModuleFiles, found: Collector) -> None:
    """Look at every file that no other reader knows."""
    for path in files.paths:
        if check_name(path, found):
            continue
        head = files.at(path, 0, _HEAD)
        for magic, name, why in _MAGICS:
            if head.startswith(magic) and not (magic == b"MZ" and files.size(path) < 64):
                held(name, path, why, found)
        reader = _reader(files, path, head)
        if reader is not None:
            reader(files, path, found)


def _reader(files: ModuleFiles, path: str, head: bytes) -> _Reader | None:
    low = path.lower()
    if head.startswith(numpyheader.MAGIC) or low.endswith(".npy"):
        return _numpy
    if low.endswith(".keras"):
        return None
    if head.startswith(_ZIP) or _ends_as_zip(files, path):
        return _zip
    if _PACKED.match(head) or files.at(path, _TAR_AT, len(_TAR)) == _TAR:
        return _archive
    if low.endswith(_ALWAYS) or (_PICKLE.match(head) and _looks_pickled(files, path, low, head)):
        return _pickle
    return _pickle if picklehead.calls(files.at(path, 0, picklehead.PEEK)) else None


def _ends_as_zip(files: ModuleFiles, path: str) -> bool:
    """Whether zip's last record stands at the end, with its comment: the front can be anything."""
    size = files.size(path)
    tail = files.at(path, max(size - 22 - _LONGEST_COMMENT, 0), 22 + _LONGEST_COMMENT)
    at = tail.rfind(_ZIP_END)
    while at >= 0:
        if at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
            return True
        at = tail.rfind(_ZIP_END, 0, at)
    return False


def _archive(_: ModuleFiles, path: str, found: Collector) -> None:
    _nested(path, "what is in it is looked at by nobody", found)


def _looks_pickled(files: ModuleFiles, path: str, low: str, head: bytes) -> bool:
    """Whether bytes that begin as a pickle does are one: it ends in a stop, or says its length."""
    framed = head[1:2] in (b"\x04", b"\x05") and head[2:3] == b"\x95"
    return (
        framed or low.endswith(tuple(_PICKLED)) or files.at(path, files.size(path) - 1, 1) == b"."
    )


def _pickle(files: ModuleFiles, path: str, found: Collector) -> None:
    _pickle_at(files, path, 0, found)


def _pickle_at(files: ModuleFiles, path: str, at: int, found: Collector) -> None:
    if files.size(path) > _MOST_PICKLE:
        _held_pickle("pickle:large", path, found)
        return
    _scan(files.at(path, at, files.size(path)), path, found)


def _scan(text: bytes, path: str, found: Collector) -> None:
    from picklescan.scanner import scan_pickle_bytes  # noqa: PLC0415  # few modules have a pickle

    try:
        result = scan_pickle_bytes(io.BytesIO(text), path)
    except Exception:  # noqa: BLE001  # of what is no pickle, it raises whatever comes
        _held_pickle("pickle:damaged", path, found)
        return
    names = {f"pickle:{one.module}.{one.name}" for one in result.globals}
    for name in sorted(names) or ["pickle:plain"]:
        _held_pickle(name, path, found)
    if result.scan_err:
        _held_pickle("pickle:damaged", path, found)


def _held_pickle(name: str, path: str, found: Collector) -> None:
    found.add(
        name,
        path,
        why=_WHY_PICKLE,
        remedy="It would pass without that file; officers can allow it for this module.",
    )


def _numpy(files: ModuleFiles, path: str, found: Collector) -> None:
    """An array of numbers passes; one of Python's objects is a pickle."""
    head = files.at(path, 0, numpyheader.MOST_HEADER)
    if not head.startswith(numpyheader.MAGIC):
        _pickle(files, path, found)  # as numpy.load does
    elif not numpyheader.is_plain(head):
        _pickle_at(files, path, numpyheader.data_at(head), found)


def _zip(files: ModuleFiles, path: str, found: Collector) -> None:
    """An archive in the archive: of arrays, or of a PyTorch model, its pickles are looked at."""
    try:
        with opened(files, path) as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise ValueError(f"it has {len(members):,} members")
            arrays = path.lower().endswith(".npz")
            for member in members:
                check_name(f"{path}/{member.filename}", found)
                with archive.open(member) as inner:
                    head = inner.read(64 * 1024)
                if _PICKLE.match(head) or member.filename.lower().endswith(_ALWAYS):
                    with archive.open(member) as inner:
                        text = inner.read(_MOST_PICKLE)
                    _scan(text, f"{path}/{member.filename}", found)
                elif head.startswith(numpyheader.MAGIC) and not numpyheader.is_plain(head):
                    _held_pickle("pickle:array", f"{path}/{member.filename}", found)
    except ZIP_ERRORS as error:
        arrays = False
        _nested(path, f"it cannot be read: {error}", found)
    if not arrays and not path.lower().endswith((".pt", ".pth")):
        _archive(files, path, found)


def _nested(path: str, why: str, found: Collector) -> None:
    found.add(
        "archive:nested",
        path,
        why=f"it is an archive within the module: {why}",
        remedy="It would pass without that file; officers can allow it for this module.",
    )
