"""The list as it is carried over an air gap: signed for longer, where this host may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from hubproxy.config import Config
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import UsageError
from hubproxy.files import make_folder, write_whole
from hubproxy.store.folder import disk_errors
from hubproxy.trust.client import TrustClient
from hubproxy.trust.contents import published_name
from hubproxy.trust.fetcher import LARGEST_FILE
from hubproxy.trust.whole import beside, metadata
from hubproxy.wiring.officers import online_files, online_signers
from hubproxy.wiring.places import now, places
from hubproxy.wiring.reports import lookup
from hubproxy.wiring.trust import repository, trust_client, whole_list

_SAME_DAY = timedelta(days=1)


class _Carried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was signed last, to be carried again while nothing has changed.

    Args:
        files: name in `metadata/` -> text.
        versions: of the list here, as it was right after that.
    """

    files: dict[str, str]
    versions: str
    contents: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class CarriedList:
    """The files of a list's metadata by published name, `timestamp.json` last.

    Args:
        expires: until when a site may bring new modules in by it.
        signed: whether it was signed here for what it is carried with.
    """

    files: tuple[tuple[str, bytes], ...]
    expires: datetime
    signed: bool


def carried_list(
    config: Config,
    client: TrustClient,
    snapshot: TrustSnapshot,
    *,
    days: int,
    contents: str,
    told: Callable[[str], None],
) -> CarriedList:
    """The list's metadata for a site behind an air gap.

    On the host that publishes the list, snapshot and timestamp are signed to live `days`; and not
    anew, where what was signed within the last day is still right: so the bytes are the same. On
    any other host it is the list as it was read.

    Args:
        contents: digest of what the list is carried with; empty for anything.
        told: is told what shortens the days.
    """
    files = dict(metadata(client, snapshot))
    expires, signed = snapshot.expires, False
    if not online_files(config):
        told(
            f"the list is carried as it is, until {expires:%Y-%m-%d}: this host has not the key "
            "that could sign it for longer. On the host that has: `hubproxy trust export DIR`, "
            "then here: `hubproxy bundle create --trust DIR`"
        )
    else:
        found = _signed(config, snapshot.versions, days, contents)
        for name in [*files]:
            if name.endswith((".snapshot.json", "/timestamp.json")):
                del files[name]
        files |= {f"metadata/{name}": text.encode() for name, text in found.files.items()}
        others = [role.expires for role in snapshot.roles.values() if role.name == "targets"]
        expires, signed = min(found.expires, *others), bool(contents)
        if expires < found.expires - _SAME_DAY:
            told(
                f"the officers' own role expires on {expires:%Y-%m-%d}, before the {days} days are "
                "over: `hubproxy trust renew --all` first gives it longer"
            )
    return CarriedList(tuple(files.items()), expires, signed)


def _signed(config: Config, read: Versions, days: int, contents: str) -> _Carried:
    own, place = repository(config), places(config).data / "trust" / "carried.json"
    before = _last(place)
    wanted = now() + timedelta(days=days)
    if (
        before is not None
        and before.contents == contents
        and before.versions == own.in_force().versions.full
        and wanted - _SAME_DAY <= before.expires <= wanted
    ):
        return before
    carried, after = own.carry(online=online_signers(config), days=days, contents=contents)
    if (carried.versions.root, carried.versions.targets) != (read.root, read.targets):
        raise UsageError("the list has changed meanwhile", remedy="Run it again.")
    files = {name: data.decode() for name, data in carried.files}
    made = _Carried(files, after.full, contents, wanted)
    write_whole(place, msgspec.json.encode(made), mode=0o600)
    return made


def _last(path: Path) -> _Carried | None:
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        return msgspec.json.decode(path.read_bytes(), type=_Carried)
    except (OSError, msgspec.MsgspecError):
        return None


def export_list(
    config: Config, folder: Path, *, days: int, told: Callable[[str], None]
) -> datetime:
    """Write the whole list into a folder, signed to live so many days; gives until when it does.

    It is a published folder, with the records, evidence and cards of all that is listed.

    Raises:
        UsageError: something lies at `folder`, or this host has not the list's online key.
        TrustListError: the list cannot be read, or does not verify.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is not empty", remedy="Name a folder that is not there, or is empty."
        )
    online_signers(config)
    found = lookup(config)
    records = [record for _, record in found.everything()]
    client = trust_client(config)
    snapshot = whole_list(client)
    files = {
        published_name("records", str(record.descriptor.digest)): record.encode()
        for record in records
    }
    files |= {name: client.fetch_file(name, digest) for name, digest in beside(records)}
    carried = carried_list(config, client, snapshot, days=days, contents="", told=told)
    with disk_errors():
        for name, data in (*files.items(), *carried.files):  # the timestamp is the last of all
            make_folder((folder / name).parent)
            write_whole(folder / name, data)
    return carried.expires
