"""Where things lie below the data folder."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hubproxy.config import Config
from hubproxy.trust.keys import Keys


def now() -> datetime:
    """The time, timezone-aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie below the data folder."""

    data: Path

    @property
    def audit(self) -> Path:
        return self.data / "audit"

    @property
    def ca(self) -> Path:
        return self.data / "ca"

    @property
    def drafts(self) -> Path:
        return self.data / "drafts"

    @property
    def quarantine(self) -> Path:
        return self.data / "quarantine"

    @property
    def requests(self) -> Path:
        return self.data / "requests"

    @property
    def repository(self) -> Path:
        return self.data / "trust" / "repo"

    @property
    def root(self) -> Path:
        return self.data / "trust" / "root.json"

    @property
    def trust_state(self) -> Path:
        return self.data / "trust" / "state"

    @property
    def trust_log(self) -> Path:
        """The officers' own log."""
        return self.data / "trust" / "log"

    @property
    def keys(self) -> Path:
        return self.data / "trust" / "keys"

    @property
    def plain_keys(self) -> Path:
        """There where the list was begun with keys that have no passphrase."""
        return self.keys / "plain-keys"


def places(config: Config) -> Places:
    return Places(Path(config.data))


def keys(config: Config, officer: Path | None) -> Keys:
    """Where the keys lie; the officer's may be anywhere."""
    folder = places(config).keys
    return Keys(officer_pem=officer or folder / "officer.pem", online_pem=folder / "online.pem")
