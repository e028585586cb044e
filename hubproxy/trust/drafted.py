"""Reading a draft's folder back: its roles are built anew, only signatures are taken from it."""

from contextlib import suppress

import msgspec
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata

from hubproxy.core.policy import NO_POLICY, POLICY_PATH, Policy
from hubproxy.errors import StorageFailedError, UsageError
from hubproxy.trust.build import Built, build
from hubproxy.trust.carried import MANIFEST, CarriedFolder
from hubproxy.trust.changes import Begin
from hubproxy.trust.contents import Contents
from hubproxy.trust.drafting import DRAFT_NAME, Manifest
from hubproxy.trust.inforce import load
from hubproxy.trust.signing import take_signatures, to_file
from hubproxy.trust.thresholds import AnyFile

_ALTERED = "it was altered, or made by another release"


def read_manifest(files: CarriedFolder) -> Manifest:
    """What a draft says that it is.

    Raises:
        UsageError: it is none of this release.
    """
    where = files.path / MANIFEST
    try:
        manifest = msgspec.json.decode(files.read(MANIFEST), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{where} is not a draft's: {error}") from error
    if manifest.v != 1 or not DRAFT_NAME.fullmatch(manifest.name) or not manifest.made_at.tzinfo:
        raise UsageError(f"{where} is not a draft's of this release")
    return manifest


def rebuilt(files: CarriedFolder, manifest: Manifest) -> Built:
    """A draft's roles, built from base and changes, with the signatures that were found to count.

    Raises:
        UsageError: its files are not what its base and its changes make.
        TrustListError: HP-T09 its base does not verify.
    """
    base = None
    if not (manifest.changes and isinstance(manifest.changes[0], Begin)):
        base = load(files.path / "base", said=f"what the draft {manifest.name} builds on")
    built = build(base, manifest.changes, Contents(files.find), manifest.made_at)
    take_parts(files, built)
    return built


def take_parts(files: CarriedFolder, built: Built) -> None:
    """Take the signatures of a folder's files, if these are what was built.

    Raises:
        UsageError: they are not.
    """
    parts = {f"metadata/{part.name}": part for part in built.parts()}
    for name in files.names("metadata"):
        if name not in parts:
            raise UsageError(f"{name} of {files.path} is no part of the draft: {_ALTERED}")
    for name, part in parts.items():
        file = _parsed(files.read(name), name)
        if file.signed_bytes != part.file.signed_bytes:
            raise UsageError(
                f"{name} of {files.path} is not what the changes make of the list: {_ALTERED}",
                remedy="Nothing was signed. Ask who gave it to you for a copy, or abandon it.",
            )
        take_signatures(part, file.signatures)


def keep_parts(files: CarriedFolder, built: Built) -> None:
    """Write what has got signatures."""
    for part in built.parts():
        name, data = f"metadata/{part.name}", to_file(part.file)
        if files.find(name) != data:
            files.write(name, data)


def policy_after(files: CarriedFolder, built: Built) -> Policy:
    """The officers' policy as it will be in force.

    Raises:
        UsageError: its text is missing.
    """
    target = built.last_targets.signed.targets.get(POLICY_PATH)
    if target is None:
        return NO_POLICY
    digest = f"sha256:{target.hashes['sha256']}"
    return Contents(lambda name: files.find(name) or files.find(f"base/{name}")).policy(digest)


def remove(files: CarriedFolder) -> None:
    """Remove a draft's own files, its manifest last; then its folder, if nothing else is in it.

    Raises:
        StorageFailedError: they cannot be removed.
    """
    try:
        for name in sorted(files.names(), key=lambda name: name == MANIFEST):
            (files.path / name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageFailedError(
            f"{files.path} cannot be removed: {error.strerror}", remedy="Remove it by hand."
        ) from error
    folders = {folder for name in files.names() for folder in (files.path / name).parents}
    for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
        if folder.is_relative_to(files.path):
            with suppress(OSError):  # something else lies there, or it is a link
                folder.rmdir()


def _parsed(data: bytes, name: str) -> AnyFile:
    try:
        file: AnyFile = Metadata.from_bytes(data)
    except RepositoryError as error:
        raise UsageError(f"{name} of the draft cannot be read: {error}") from error
    return file
