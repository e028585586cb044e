"""What an OMS bundle says of a module's files, compared with the files: all, and no others.

The root digest in the statement covers no names, and the paths that the signer ignored are his
own choice: `.git/evil.so` would pass. So every file counts, by its name and its digest.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.paths import clean
from hubproxy.core.record import FileEntry
from hubproxy.errors import UnsafeArchiveError
from hubproxy.trust.evidence.refusal import quoted, refused

T = TypeVar("T")
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_HEX = re.compile(r"[0-9a-f]{64}")
_MOST_NAMED = 3
_SAME = (
    "The signature must be of exactly these files, all of them: get the module and its signature "
    "from the publisher again, both of one version."
)


class _Subject(msgspec.Struct):
    digest: dict[str, str]


class _Statement(msgspec.Struct, rename="camel"):
    subject: list[_Subject]
    predicate_type: str
    predicate: msgspec.Raw
    type: str = msgspec.field(name="_type")


class _Serialization(msgspec.Struct):
    method: str
    hash_type: str = ""
    allow_symlinks: bool = True


class _Resource(msgspec.Struct):
    name: str
    algorithm: str
    digest: str


class _Predicate(msgspec.Struct):
    serialization: _Serialization
    resources: list[_Resource]


def check(payload: bytes, files: Iterable[FileEntry], *, beside: bytes) -> None:
    """See that what was signed is these files: the same names, the same bytes, nothing else.

    Args:
        payload: the in-toto statement, known to be signed.
        files: of the module.
        beside: the bundle. It may lie in the module's root as a `.sig` file, which no signature
            can cover.

    Raises:
        DeniedError: a file differs, is not signed, or is missing; or the statement is not one
            that is taken.
    """
    signed = _signed_files(payload)
    present = {entry.path: entry.sha256 for entry in files}
    bundle = hashlib.sha256(beside).hexdigest()
    differ = [path for path in present if path in signed and signed[path] != present[path]]
    more = [
        path
        for path, digest in present.items()
        if path not in signed and not (_may_be_bundle(path) and digest == bundle)
    ]
    missing = [path for path in signed if path not in present]
    faults = []
    if differ:
        verb = "differs" if len(differ) == 1 else "differ"
        faults.append(f"signs other files: {_named(differ)} {verb}")
    if more:
        faults.append(f"{_plural(more, 'a file that is', 'files that are')} not signed: "
                      f"{_named(more)}")  # fmt: skip
    if missing:
        faults.append(f"signed but missing: {_named(missing)}")
    if faults:
        raise refused("; ".join(faults), remedy=_SAME)


def _signed_files(payload: bytes) -> dict[str, str]:
    """Name -> sha256 in hex."""
    statement = _decoded(payload, _Statement)
    if statement.type != _STATEMENT:
        raise refused(f"a statement of type {quoted(statement.type)}, not {_STATEMENT}")
    if statement.predicate_type != _PREDICATE:
        raise refused(f"a predicate of type {quoted(statement.predicate_type)}, not {_PREDICATE}")
    predicate = _decoded(bytes(statement.predicate), _Predicate)
    _check_serialization(predicate.serialization)
    signed: dict[str, str] = {}
    whole = hashlib.sha256()
    for resource in predicate.resources:
        _check_resource(resource)
        if resource.name in signed:
            raise refused(f"it names {quoted(resource.name)} twice")
        signed[resource.name] = resource.digest
        whole.update(bytes.fromhex(resource.digest))
    subjects = [subject.digest.get("sha256") for subject in statement.subject]
    if subjects != [whole.hexdigest()]:
        raise refused("its subject is not the digest of the files that it names")
    return signed


def _decoded(text: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise refused(f"it signs no list of files: {error}") from error
    except RecursionError as error:
        raise refused("it signs no list of files: it is nested too deep") from error


def _check_serialization(how: _Serialization) -> None:
    if how.method != "files":
        raise refused(f"it signs by {quoted(how.method)}, and only whole `files` are taken")
    if how.hash_type != "sha256":
        raise refused(f"it signs {quoted(how.hash_type)} digests, and only sha256 is taken")
    if how.allow_symlinks:
        raise refused("it allows symbolic links, which no module has")


def _check_resource(resource: _Resource) -> None:
    try:
        canonical = clean(resource.name.encode(), ArchiveLimits())
    except UnsafeArchiveError as error:
        why = str(error).removeprefix("unsafe archive: ")
        raise refused(f"it names a file that no module has: {why}") from error
    if canonical != resource.name:
        raise refused(f"it names {quoted(resource.name)}, and not {quoted(canonical)}")
    if resource.algorithm != "sha256" or not _HEX.fullmatch(resource.digest):
        raise refused(f"the digest of {quoted(resource.name)} is not a sha256")


def _may_be_bundle(path: str) -> bool:
    return "/" not in path and path.endswith(".sig")


def _plural(names: list[str], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def _named(names: list[str]) -> str:
    text = ", ".join(quoted(name) for name in sorted(names)[:_MOST_NAMED])
    return text if len(names) <= _MOST_NAMED else f"{text} and {len(names) - _MOST_NAMED} more"
