from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.config import Config
from hubproxy.errors import ConfigError
from hubproxy.pointing.doctor import Doctor
from hubproxy.pointing.place import Place


def kept() -> ConfigError:
    """What `load` raises where the settings are another user's."""
    try:
        try:
            raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise ConfigError("it cannot be read: Permission denied") from error
    except ConfigError as error:
        return error


@pytest.mark.parametrize(
    ("config", "named", "state"),
    [
        pytest.param(Config(), False, "ok", id="good"),
        pytest.param(ConfigError("x"), True, "FAIL", id="wrong"),
        pytest.param(kept(), False, "FAIL", id="kept-and-needed"),
        pytest.param(kept(), True, "warn", id="kept-from-a-researcher"),
    ],
)
def test_settings_are_needed_where_they_say_where_the_daemon_is(
    config: Config | ConfigError, named: bool, state: str, tmp_path: Path
) -> None:
    doctor = Doctor(
        place=Place("http://127.0.0.1:9", named=named),
        config=config,
        environ={},
        python="",
        ways=(),
        credentials=None,
        bundle=tmp_path / "ca.pem",
        clock=wiring.now,
    )
    settings, daemon, *_ = doctor.examine()
    assert (settings.check, settings.state) == ("settings", state)
    assert (daemon.check, daemon.state) == ("daemon", "FAIL")
