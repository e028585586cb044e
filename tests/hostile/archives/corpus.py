"""All rows: each is refused by the reader, in a child of `hubproxy inspect`."""

from functools import partial

from tests.archives import long_name, member, pax, record, tarball
from tests.hostile.archives import bombs, ends, zipends
from tests.hostile.archives.headers import HEADERS
from tests.hostile.archives.members import MEMBERS
from tests.hostile.archives.names import NAMES
from tests.hostile.archives.rows import Row, Table
from tests.hostile.archives.streams import STREAMS
from tests.hostile.archives.zipentries import ENTRIES, OK
from tests.zips import entry, zipped

_OK = member(b"ok")

_EVERYWHERE = (
    "absolute", "up", "up from within", "up by backslash", "drive", "line feed", "latin-1",
    "trailing dot", "con", "stream by default", "segment of 256 bytes", "too deep",
)  # fmt: skip
"""Names that are carried in every way; the others in the one that has room for them."""


def _in_tar(name: bytes) -> bytes:
    if len(name) > 100:
        return _in_long_name(name)
    return tarball(_OK, member(name))


def _in_long_name(name: bytes) -> bytes:
    return tarball(_OK, long_name(name), member(b"x"))


def _in_pax(name: bytes) -> bytes:
    return tarball(_OK, pax(record(b"path", name)), member(b"x"))


def _in_zip(name: bytes) -> bytes:
    return zipped(OK, entry(name))


_CARRIED = {"long name": _in_long_name, "pax": _in_pax, "zip": _in_zip}


def _whole(what: str, table: Table) -> dict[str, Row]:
    return {
        f"{what}: {key}": Row(partial(bytes, whole), why) for key, (whole, why) in table.items()
    }


BOMBS: dict[str, Row] = {f"bomb: {key}": row for key, row in bombs.ROWS.items()}
"""Those that take a while."""

HOSTILE: dict[str, Row] = {
    **{f"name: {key}": Row(partial(_in_tar, name), why) for key, (name, why) in NAMES.items()},
    **{
        f"name in a {how}: {key}": Row(partial(carry, NAMES[key][0]), NAMES[key][1])
        for key in _EVERYWHERE
        for how, carry in _CARRIED.items()
    },
    **{
        f"{what}: {key}": Row(partial(tarball, _OK, members), why)
        for what, table in (("member", MEMBERS), ("header", HEADERS))
        for key, (members, why) in table.items()
    },
    **_whole("end", ends.ENDS),
    **_whole("stream", STREAMS),
    **_whole("zip", ENTRIES),
    **_whole("end of a zip", zipends.ENDS),
    **BOMBS,
}
