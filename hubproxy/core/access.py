"""Who may call: teams, and the tokens that they are known by.

A token is kept as its sha256 alone. Tokens are random and long, so a slow hash would protect
nothing, and every request would pay for it.
"""

import base64
import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import msgspec

from hubproxy.errors import AuthenticationError

LONGEST_HEADER = 4096
"""Characters of a credential that are looked at; a longer one is refused unread."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# An audit line's caller is a team or an address: no name may be read as an address, in any of
# the spellings of inet_aton, nor as the word for a caller who has none.
_ADDRESS = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)(?:\.(?:0[xX][0-9A-Fa-f]*|[0-9]+))*\.?")
_TAKEN = frozenset({"unknown"})

_HEX = re.compile(r"[0-9a-f]{64}")
_NOTHING = hashlib.sha256().hexdigest()
_CREDENTIAL = re.compile(r"(?P<scheme>[A-Za-z0-9!#$%&'*+.^_`|~-]+) +(?P<value>[!-~]+)")

_HEAD = """\
# The teams that may use hubproxy, and the sha256 of each one's token: never the token itself.
# Written by `hubproxy team add` and `hubproxy team revoke`, which keep the comments on top alone.
"""


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    token_sha256: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Team:
    """One team.

    Args:
        name: 1 to 64 of letters, digits, `.`, `_` and `-`; nothing that reads as an address.
        token_sha256: 64 hex digits, in small letters.
        created: timezone-aware; kept to the second, in UTC.

    Raises:
        ValueError: one of them is not so. The message does not hold the hash.
    """

    name: str
    token_sha256: str
    created: datetime

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"team {self.name[:64]!r}: a name is 1 to 64 letters, digits, '.', '_' or '-', "
                "and begins with a letter or a digit"
            )
        if _ADDRESS.fullmatch(self.name) or self.name.lower() in _TAKEN:
            raise ValueError(
                f"team {self.name!r}: the audit log would read this name as a caller without one"
            )
        if not _HEX.fullmatch(self.token_sha256):
            raise ValueError(
                f"team {self.name!r}: token_sha256 must be 64 hex digits in small letters, "
                "the hash of the token and not the token"
            )
        if self.token_sha256 == _NOTHING:
            raise ValueError(f"team {self.name!r}: token_sha256 is the hash of an empty token")
        if self.created.tzinfo is None:
            raise ValueError(f"team {self.name!r}: created must have a time zone, such as a Z")
        try:
            whole = self.created.astimezone(UTC).replace(microsecond=0)
        except OverflowError:
            raise ValueError(f"team {self.name!r}: created is no time in UTC") from None
        object.__setattr__(self, "created", whole)

    @classmethod
    def of_token(cls, name: str, token: str, created: datetime) -> Self:
        """The team that a token is made for.

        Raises:
            ValueError: as the class does.
        """
        return cls(name, _hash(token), created)


@dataclass(frozen=True, slots=True)
class Teams:
    """Every team there is, in the order of the file.

    Raises:
        ValueError: two have one name (case does not matter), or one token.
    """

    teams: tuple[Team, ...] = ()

    def __post_init__(self) -> None:
        names: set[str] = set()
        hashes: dict[str, str] = {}
        for team in self.teams:
            if team.name.lower() in names:
                raise ValueError(f"team {team.name!r}: there are two of that name")
            names.add(team.name.lower())
            other = hashes.setdefault(team.token_sha256, team.name)
            if other != team.name:
                raise ValueError(f"team {team.name!r}: it has the token of team {other!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the TOML that `render` writes: `[[team]]` tables and nothing else.

        Raises:
            ValueError: any other text; names the team, or the line where it is no TOML.
        """
        try:
            document = tomllib.loads(text)
        except RecursionError:
            raise ValueError("not a list of teams: it is nested too deep") from None
        for key in document:
            if key != "team":
                raise ValueError(f"there is no setting {key[:64]!r}, only tables [[team]]")
        tables = document.get("team", [])
        if not isinstance(tables, list):
            raise ValueError("a team is a table [[team]], in two pairs of brackets")
        return cls(tuple(_team(table, place) for place, table in enumerate(tables, 1)))

    def render(self, head: str = _HEAD) -> str:
        """The same as TOML.

        Args:
            head: lines of comments that go first.
        """
        return head + "".join(
            f'\n[[team]]\nname = "{team.name}"\ntoken_sha256 = "{team.token_sha256}"\n'
            f"created = {team.created.replace(tzinfo=None).isoformat()}Z\n"
            for team in self.teams
        )

    def find(self, name: str) -> Team | None:
        """The team of a name, in small letters or capitals."""
        return next((team for team in self.teams if team.name.lower() == name.lower()), None)

    def with_team(self, team: Team) -> "Teams":
        """These and one more.

        Raises:
            ValueError: its name or its token is another's already.
        """
        taken = self.find(team.name)
        if taken is not None:
            raise ValueError(f"there is a team {taken.name!r} already")
        return Teams((*self.teams, team))

    def without(self, name: str) -> "Teams":
        """All but one.

        Raises:
            ValueError: there is none of exactly that name.
        """
        fewer = tuple(team for team in self.teams if team.name != name)
        if len(fewer) == len(self.teams):
            raise ValueError(f"there is no team {name[:64]!r}")
        return Teams(fewer)

    def identify(self, header: str | None) -> str | None:
        """The name of the team whose token a request brings.

        Args:
            header: the value of Proxy-Authorization or Authorization: `Basic` (RFC 7617; the
                user is the team's name, the password its token) or `Bearer` (RFC 6750). None
                where there is no such header.

        Returns:
            The name; None where nobody said anything.

        Raises:
            AuthenticationError: the header does not parse, or its token is not that team's. A
                wrong credential never counts as none.
        """
        if header is None:
            return None
        if len(header) > LONGEST_HEADER:
            raise AuthenticationError("the credentials are too long to be a team's")
        match = _CREDENTIAL.fullmatch(header.strip(" \t"))
        if match is None:
            raise AuthenticationError("the credentials do not parse")
        scheme, value = match["scheme"].lower(), match["value"]
        if scheme == "basic":
            return self._of_basic(value)
        if scheme == "bearer":
            return self._known(_hash(value), None)
        raise AuthenticationError("only Basic and Bearer credentials are understood here")

    def _of_basic(self, value: str) -> str:
        pair = _decoded(value)
        if pair is None or ":" not in pair:
            raise AuthenticationError("the Basic credentials do not parse")
        name, _, token = pair.partition(":")
        return self._known(_hash(token), name)

    def _known(self, presented: str, name: str | None) -> str:
        """The team that has a token's hash, and the name that goes with it unless that is None."""
        found = None
        for team in self.teams:  # all of them: how long it takes tells nothing
            if hmac.compare_digest(team.token_sha256, presented):
                found = team.name
        if found is None or name not in (None, found):
            raise AuthenticationError("the token is not a team's, or not that team's")
        return found


def leading_comments(text: str) -> str:
    """The lines before the first that is no comment, which `render` takes as its head."""
    lines = []
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            break
        lines.append(line)
    head = "".join(lines).rstrip()
    return head + "\n" if head else ""


def _team(table: Mapping[str, object], place: int) -> Team:
    try:
        row = msgspec.convert(table, _Row)
    except msgspec.ValidationError as error:
        name = table.get("name") if isinstance(table, dict) else None
        known = repr(name[:64]) if isinstance(name, str) else f"{place} of the file"
        raise ValueError(f"team {known}: {error}") from error
    return Team(row.name, row.token_sha256, row.created)


def _decoded(value: str) -> str | None:
    """What base64 holds, as UTF-8 or else Latin-1 (RFC 7617, section 2.1); None if it is none."""
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
