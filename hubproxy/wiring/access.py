"""Who may call."""

from pathlib import Path

from hubproxy.config import Config
from hubproxy.store.teamfile import TeamFile


def team_file(config: Config) -> TeamFile:
    """The file of the teams. It need not be there."""
    return TeamFile(Path(config.access.teams))
