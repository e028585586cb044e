"""What officers and teams change in a trust list: values, kept in a draft's `draft.json`.

A change says what shall be so, never how a role's file looks: whoever signs builds the files
anew from the list in force and the changes.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import msgspec
from securesystemslib.signer import Key  # type: ignore[attr-defined]  # no __all__

from hubproxy.trust.thresholds import NAME_FIELD

_HOLDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 @._-]{0,62}[A-Za-z0-9])?")
_TEAM = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TOP_ROLES = ("root", "targets", "snapshot", "timestamp")


class _Change(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="do"
):
    """Base of the changes. `str` of one is a line for people and logs."""


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public key and whose it is, as it stands in a role (TUF 1.0, 4.2)."""

    id: str
    type: str
    scheme: str
    public: str
    holder: str = ""

    @classmethod
    def of(cls, key: Key, holder: str = "") -> Self:
        """The key of a signer, or of a role; `holder` names it anew.

        Raises:
            ValueError: a key of a kind that has no public text.
        """
        if not isinstance(key.keyval.get("public"), str):
            raise ValueError(f"a key of the type {key.keytype} cannot sign a trust list")
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
        try:
            return Key.from_dict(self.id, text)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a key of the type {self.type}: {error}") from error


class Put(_Change, frozen=True, tag="put"):
    """List a record, approved or revoked, in the place of an earlier one of its path."""

    role: str
    path: str
    digest: str
    size: int

    def __str__(self) -> str:
        return f"{self.role} lists {self.path} {self.digest}"


class Remove(_Change, frozen=True, tag="remove"):
    """List a path no longer; also `policy.json`."""

    role: str
    path: str

    def __str__(self) -> str:
        return f"{self.role} lists {self.path} no longer"


class SetPolicy(_Change, frozen=True, tag="policy"):
    """Let `policy.json` be the text with this digest, among the draft's records."""

    digest: str
    size: int

    def __str__(self) -> str:
        return f"the policy is {self.digest}"


class Delegate(_Change, frozen=True, tag="delegate"):
    """Let a team list what its patterns match; of a team that exists, all of it is set anew.

    The team signs too, so that a key that cannot sign is noticed before anything depends on it.
    """

    team: str
    patterns: tuple[str, ...]
    keys: tuple[PublicKey, ...]
    threshold: int = 1

    def __str__(self) -> str:
        holders = ", ".join(key.holder for key in self.keys)
        return f"team {self.team}: {self.threshold} of {holders}, for {' '.join(self.patterns)}"


class Undelegate(_Change, frozen=True, tag="undelegate"):
    """Trust a team no longer, and nothing that it lists."""

    team: str

    def __str__(self) -> str:
        return f"team {self.team} is trusted no longer"


class Officer(_Change, frozen=True, tag="officer"):
    """Let an officer, by name, have this key: a new officer, a new key, or (None) he leaves."""

    name: str
    key: PublicKey | None = None

    def __str__(self) -> str:
        return f"officer {self.name} {_has(self.key)}"


class Member(_Change, frozen=True, tag="member"):
    """The same of a member of a team."""

    team: str
    name: str
    key: PublicKey | None = None

    def __str__(self) -> str:
        return f"{self.name} of {self.team} {_has(self.key)}"


class Online(_Change, frozen=True, tag="online"):
    """Let `snapshot` or `timestamp` be signed by this key alone."""

    role: Literal["snapshot", "timestamp"]
    key: PublicKey

    def __str__(self) -> str:
        return f"{self.role} {_has(self.key)}"


class Threshold(_Change, frozen=True, tag="threshold"):
    """How many must sign root, targets or a team's role."""

    role: str
    number: int

    def __str__(self) -> str:
        return f"{self.role} needs {self.number} signatures"


class Renew(_Change, frozen=True, tag="renew"):
    """Give root, targets or a team's role a new expiry."""

    role: str

    def __str__(self) -> str:
        return f"{self.role} is renewed"


class Begin(_Change, frozen=True, tag="begin"):
    """Begin a list: the one change of its draft, and the only one that builds on nothing."""

    officers: tuple[PublicKey, ...]
    threshold: int
    snapshot: PublicKey
    timestamp: PublicKey
    days: dict[str, int]

    def __str__(self) -> str:
        holders = ", ".join(key.holder for key in self.officers)
        return f"the list begins: {self.threshold} of {holders}"


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


def _has(key: PublicKey | None) -> str:
    return "leaves" if key is None else f"has the key {key.id[:16]}"
