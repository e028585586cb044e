"""What officers and teams change in a trust list: values, kept in a draft's `draft.json`.

A change says what shall be so, never how a role's file looks: whoever signs builds the files
anew from the list in force and the changes.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import msgspec
from securesystemslib.signer import Key  # type: ignore[attr-defined]  # no __all__

NAME_FIELD = "x-hubproxy-name"
"""The field of a public key that its holder's name rides on, under the signatures of the role."""

_HOLDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 @._-]{0,62}[A-Za-z0-9])?")
_TEAM = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TOP_ROLES = ("root", "targets", "snapshot", "timestamp")


class _Change(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="do"
):
    """Base of the changes: none has a field that it does not know."""


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public key and whose it is, as it stands in a role (TUF 1.0, 4.2)."""

    id: str
    type: str
    scheme: str
    public: str
    holder: str = ""

    @classmethod
    def of(cls, key: Key, holder: str = "") -> Self:
        """The key of a signer, or of a role; `holder` names it anew."""
        return cls(
            id=key.keyid,
            type=key.keytype,
            scheme=key.scheme,
            public=key.keyval["public"],
            holder=holder or str(key.unrecognized_fields.get(NAME_FIELD, "")),
        )

    @property
    def key(self) -> Key:
        """As tuf takes it.

        Raises:
            ValueError: not a key that can be verified with.
        """
        text: dict[str, Any] = {
            "keytype": self.type,
            "scheme": self.scheme,
            "keyval": {"public": self.public},
        }
        if self.holder:
            text[NAME_FIELD] = self.holder
        return Key.from_dict(self.id, text)


class Put(_Change, frozen=True, tag="put"):
    """List a record, approved or revoked, in the place of an earlier one of its path."""

    role: str
    path: str
    digest: str
    size: int


class Remove(_Change, frozen=True, tag="remove"):
    """List a path no longer; also `policy.json`."""

    role: str
    path: str


class SetPolicy(_Change, frozen=True, tag="policy"):
    """Let `policy.json` be the text with this digest, among the draft's records."""

    digest: str
    size: int


class Delegate(_Change, frozen=True, tag="delegate"):
    """Let a team list what its patterns match; of a team that exists, all of it is set anew.

    The team signs too, so that a key that cannot sign is noticed before anything depends on it.
    """

    team: str
    patterns: tuple[str, ...]
    keys: tuple[PublicKey, ...]
    threshold: int = 1


class Undelegate(_Change, frozen=True, tag="undelegate"):
    """Trust a team no longer, and nothing that it lists."""

    team: str


class Officer(_Change, frozen=True, tag="officer"):
    """Let an officer, by name, have this key: a new officer, a new key, or (None) he leaves."""

    name: str
    key: PublicKey | None = None


class Member(_Change, frozen=True, tag="member"):
    """The same of a member of a team."""

    team: str
    name: str
    key: PublicKey | None = None


class Online(_Change, frozen=True, tag="online"):
    """Let `snapshot` or `timestamp` be signed by this key alone."""

    role: Literal["snapshot", "timestamp"]
    key: PublicKey


class Threshold(_Change, frozen=True, tag="threshold"):
    """How many must sign root, targets or a team's role."""

    role: str
    number: int


class Renew(_Change, frozen=True, tag="renew"):
    """Give root, targets or a team's role a new expiry."""

    role: str


class Begin(_Change, frozen=True, tag="begin"):
    """Begin a list: the one change of its draft, and the only one that builds on nothing."""

    officers: tuple[PublicKey, ...]
    threshold: int
    snapshot: PublicKey
    timestamp: PublicKey
    days: dict[str, int]


Change = (
    Put
    | Remove
    | SetPolicy
    | Delegate
    | Undelegate
    | Officer
    | Member
    | Online
    | Threshold
    | Renew
    | Begin
)


def team_name(text: str) -> str:
    """A team's name: a plain word, since it is also the name of a file.

    Raises:
        ValueError: a path, one of the list's own roles, or no plain word.
    """
    if text in _TOP_ROLES:
        raise ValueError(f"{text} is one of the list's own roles, and no name for a team")
    if not _TEAM.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no name for a team: a-z, 0-9, _ and -, a letter first")
    return text


def holder_name(text: str) -> str:
    """The name of whoever holds a key.

    Raises:
        ValueError: not a plain name.
    """
    if not _HOLDER.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no name for a key's holder: A-Z, a-z, 0-9, .@_- only")
    return text


def named_keys(keys: Mapping[str, Key]) -> tuple[PublicKey, ...]:
    """Keys by their holders' names, as changes take them."""
    return tuple(PublicKey.of(key, holder_name(name)) for name, key in keys.items())
