"""Settings: default, then file, then environment, then flag; the unknown is an error."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.config import (
    DEFAULT_PATH,
    HUB_KEYS,
    KEYS,
    TFHUB,
    Config,
    Hub,
    load,
    parse_size,
)
from hubproxy.errors import ConfigError

EXAMPLE = Path(__file__).parents[1] / "config" / "hubproxy.toml"
MIB = 1024 * 1024


def load_text(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "hubproxy.toml"
    path.write_text(text)
    return load(path, environ)


def refusal(folder: Path, text: str = "", **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, **environ)
    return caught.value


def test_the_example_holds_every_default() -> None:
    assert load(EXAMPLE, {}) == Config()


def test_the_example_holds_every_key() -> None:
    document = tomllib.loads(EXAMPLE.read_text())
    named: list[str] = []
    for name, content in document.items():
        if name == "hub":
            named += [f"hub.{key}" for key in content[0]]
        elif isinstance(content, dict):
            named += [f"{name}.{key}" for key in content]
        else:
            named.append(name)
    assert sorted(named) == sorted([*KEYS, *HUB_KEYS])


def test_the_example_explains_every_key() -> None:
    lines = EXAMPLE.read_text().splitlines()
    settings = [n for n, line in enumerate(lines) if line and line[0] not in "#["]
    assert len(settings) == len(KEYS) + len(HUB_KEYS)
    assert all(lines[n - 1].startswith("# ") for n in settings)


@pytest.mark.skipif(DEFAULT_PATH.exists(), reason=f"this machine has a {DEFAULT_PATH}")
def test_without_a_file_everything_is_at_its_default() -> None:
    assert load(None, {}) == Config()


def test_the_file_goes_before_the_default(tmp_path: Path) -> None:
    config = load_text(tmp_path, 'data = "/srv"\n[server]\nlisten = "0.0.0.0:80"\n')
    assert (config.data, config.server.listen) == ("/srv", "0.0.0.0:80")
    assert config.server.senders == 2


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    config = load_text(tmp_path, 'data = "/srv"\n', HUBPROXY_DATA="/env")
    assert config.data == "/env"


def test_a_flag_goes_before_the_environment() -> None:
    environ = {"HUBPROXY_DATA": "/env", "HUBPROXY_NETWORK_OFFLINE": "no"}
    flags = {"data": "/flag", "network.offline": True, "trust.mode": None}
    config = load(EXAMPLE, environ, flags)
    assert (config.data, config.network.offline) == ("/flag", True)
    assert config.trust.mode == "enforce"


def test_a_flag_may_be_text() -> None:
    config = load(EXAMPLE, {}, {"store.budget": "1GiB", "server.senders": "3"})
    assert (config.store.budget_bytes, config.server.senders) == (1024 * MIB, 3)


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text('data = "/other"\n')
    assert load(None, {"HUBPROXY_CONFIG": str(path)}).data == "/other"
    assert load(EXAMPLE, {"HUBPROXY_CONFIG": str(path)}).data == "/var/lib/hubproxy"


def variable(key: str) -> str:
    return "HUBPROXY_" + key.replace(".", "_").upper()


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_a_variable(key: str) -> None:
    texts = {
        "server.listen": "[::1]:9",
        "trust.mode": "first-use",
        "network.offline": "true",
        "log.level": "debug",
        "store.pinned": "7",
        "forward.listen": "",
        "forward.url": "http://proxy.example:8441",
        "forward.other": "tunnel",
        "access.auth": "required",
    }
    beside = {
        "forward.other": {"HUBPROXY_FORWARD_OTHER_HOSTS": "*"},
        "forward.ca_certificate": {"HUBPROXY_FORWARD_CA_KEY": "7"},
        "forward.ca_key": {"HUBPROXY_FORWARD_CA_CERTIFICATE": "7"},
    }
    config = load(EXAMPLE, {variable(key): texts.get(key, "7"), **beside.get(key, {})})
    assert config != Config()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("true", True), ("YES", True), ("on", True), ("0", False), ("off", False)],
)
def test_a_switch_in_the_environment_has_several_words(text: str, value: bool) -> None:
    assert load(EXAMPLE, {"HUBPROXY_NETWORK_OFFLINE": text}).network.offline is value


def test_a_list_in_the_environment_has_commas() -> None:
    config = load(EXAMPLE, {"HUBPROXY_STORE_PINNED": "tfhub.dev/google/*, tfhub.dev/a/1,"})
    assert config.store.pinned == ("tfhub.dev/google/*", "tfhub.dev/a/1")


def test_variables_that_mean_something_else_are_left_alone(tmp_path: Path) -> None:
    environ = {
        "HUBPROXY_URL": "http://proxy",
        "HUBPROXY_LOCK": "x",
        "HUBPROXY_TEAM": "x",
        "HUBPROXY_CA_SHA256": "x",
        "HUBPROXY_TOKEN_FILE": "x",
        "HUBPROXY_PASSPHRASE_FILE": "x",
        "HUBPROXY_TEST_ANYTHING": "x",
        "HUBPROXY_INTERNAL_TOKEN": "secret",
        "HOME": "/root",
    }
    hub = '[[hub]]\nhost = "hub.corp.example"\nurl = "http://10.0.0.1"\n'
    config = load_text(tmp_path, hub + 'token_env = "HUBPROXY_INTERNAL_TOKEN"\n', **environ)
    assert config.hubs[1].token_env == "HUBPROXY_INTERNAL_TOKEN"


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[server]\nlistne = 1", "server.listne", "server.listen"),
        ("[srever]\nlisten = 1", "srever", "server"),
        ("dta = 1", "dta", "data"),
        ("[store]\nbudget_bytes = 1", "store.budget_bytes", "store.budget"),
        ("[[hub]]\nhots = 1", "hub.hots", "hub.host"),
        ("[[hubs]]\nhost = 1", "hubs", "hub"),
    ],
)
def test_an_unknown_key_in_the_file_is_named_with_the_nearest_one(
    tmp_path: Path, text: str, key: str, near: str
) -> None:
    error = refusal(tmp_path, text)
    assert str(error) == f"{tmp_path}/hubproxy.toml: there is no setting {key}"
    assert error.remedy == f"Did you mean {near}?"


def test_an_unknown_variable_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    error = refusal(tmp_path, HUBPROXY_SERVER_LISTN="x")
    assert str(error) == "the environment: there is no setting HUBPROXY_SERVER_LISTN"
    assert error.remedy == "Did you mean HUBPROXY_SERVER_LISTEN?"


def test_an_unknown_flag_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"the command line: there is no setting server\.port"):
        load(EXAMPLE, {}, {"server.port": None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server = 1", "server is 1, but must be a table, [server]"),
        ("hub = 1", "hub is 1, but must be tables, [[hub]]"),
        ("data = 1", "data is 1, but must be text that is not empty"),
        ('data = ""', "data is '', but must be text that is not empty"),
        ("[server]\nlisten = 8440", "server.listen is 8440, but must be HOST:PORT"),
        ('[server]\nlisten = ":80"', "server.listen is ':80', but must be HOST:PORT"),
        ('[server]\nlisten = "a:65536"', "server.listen is 'a:65536', but must be HOST:PORT"),
        ('[server]\nlisten = "::1:80"', "server.listen is '::1:80', but must be HOST:PORT"),
        ('[forward]\nlisten = ":80"', "forward.listen is ':80', but must be HOST:PORT, or"),
        ('[forward]\nurl = "https://a:1"', "forward.url is 'https://a:1', but must be http://HOST"),
        ('[forward]\nurl = "http://a"', "forward.url is 'http://a', but must be http://HOST:PORT"),
        ('[forward]\nother_hosts = ["*a"]', "forward.other_hosts is ['*a'], but must be names of"),
        ('[forward]\nother = "tunnel"', 'forward.other is "tunnel", but forward.other_hosts names'),
        ('[forward]\nurl = "http://a:0"', "forward.url is 'http://a:0', but must be http://HOST"),
        ('[forward]\nurl = "http://a:99999"', "forward.url is 'http://a:99999', but must be http"),
        ('[forward]\nlisten = "127.0.0.1:8440"', "forward.listen and server.listen are both 127."),
        ("[server]\nidle_seconds = 0", "server.idle_seconds is 0, but must be a number of seconds"),
        ("[server]\nheader_seconds = 0", "server.header_seconds is 0, but must be a number of s"),
        ('[forward]\nca_key = "k"', "forward.ca_certificate and forward.ca_key go together"),
        ('[access]\nrealm = "a \\"b\\""', "access.realm is 'a \"b\"', but must be plain text"),
        ("[server]\nsenders = 0", "server.senders is 0, but must be a whole number from 1 on"),
        ("[server]\nsenders = 1.5", "server.senders is 1.5, but must be a whole number"),
        ("[server]\nsenders = true", "server.senders is True, but must be a whole number"),
        ('[server]\nsenders = "2"', "server.senders is '2', but must be a whole number"),
        ("[server]\ndrain_seconds = -1", "server.drain_seconds is -1, but must be a number of sec"),
        ("[server]\ndrain_seconds = inf", "server.drain_seconds is inf, but must be a number"),
        ("[server]\ndrain_seconds = nan", "server.drain_seconds is nan, but must be a number"),
        (
            '[trust]\nmode = "off"',
            'trust.mode is \'off\', but must be "enforce" or "quarantine" or "first-use"',
        ),
        ("[trust]\nsource = 1", "trust.source is 1, but must be text"),
        ('[network]\noffline = "yes"', "network.offline is 'yes', but must be true or false"),
        ("[network]\noffline = 1", "network.offline is 1, but must be true or false"),
        ('[store]\nbudget = "much"', "store.budget is 'much', but must be a size such as"),
        ("[store]\nbudget = -1", "store.budget is -1, but must be a size such as"),
        ('[store]\npinned = "a"', "store.pinned is 'a', but must be a list of texts"),
        ("[store]\npinned = [1]", "store.pinned is [1], but must be a list of texts"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wanted(
    tmp_path: Path, text: str, message: str
) -> None:
    error = refusal(tmp_path, text)
    assert str(error).startswith(f"{tmp_path}/hubproxy.toml: {message}")
    assert error.remedy


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HUBPROXY_DATA", ""),
        ("HUBPROXY_SERVER_SENDERS", "many"),
        ("HUBPROXY_SERVER_SENDERS", "0"),
        ("HUBPROXY_SERVER_STALL_SECONDS", "soon"),
        ("HUBPROXY_NETWORK_OFFLINE", "perhaps"),
        ("HUBPROXY_NETWORK_OFFLINE", ""),
        ("HUBPROXY_STORE_BUDGET", "1 ZiB"),
        ("HUBPROXY_LOG_LEVEL", "INFO"),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_holds(tmp_path: Path, name: str, text: str) -> None:
    error = refusal(tmp_path, **{name: text})
    assert f"the environment ({name}): " in str(error)
    assert f" is {text!r}, but must be " in str(error)


@pytest.mark.parametrize("text", ["data = \n", "[server\nlisten = 1", "\x00", "data = /srv"])
def test_what_is_not_toml_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    error = refusal(tmp_path, "# a comment\n" + text)
    assert f"{tmp_path}/hubproxy.toml is not TOML: " in str(error)
    assert "at line 2" in str(error)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hubproxy.toml"
    path.write_bytes(b'data = "\xff"')
    with pytest.raises(ConfigError, match="is not TOML"):
        load(path, {})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path, environ in (
        (tmp_path / "missing", {}),
        (None, {"HUBPROXY_CONFIG": str(tmp_path / "missing")}),
        (tmp_path, {}),
    ):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(path, environ)


HUB = {"host": '"hub.corp.example"', "url": '"https://hub.corp.example"'}


def a_hub(**changes: str) -> str:
    lines = [f"{key} = {value}" for key, value in {**HUB, **changes}.items() if value]
    return "\n".join(["[[hub]]", *lines, ""])


def test_a_hub_is_added_to_the_built_in_one(tmp_path: Path) -> None:
    config = load_text(tmp_path, a_hub(redirects='["*.corp.example"]', private="true"))
    added = Hub(
        host="hub.corp.example",
        url="https://hub.corp.example",
        redirects=("*.corp.example",),
        private=True,
    )
    assert config.hubs == (TFHUB, added)


def test_a_table_for_tfhub_dev_replaces_the_built_in_one(tmp_path: Path) -> None:
    config = load_text(tmp_path, a_hub(host='"tfhub.dev"', url='"http://127.0.0.1:8000/hub"'))
    assert config.hubs == (Hub(host="tfhub.dev", url="http://127.0.0.1:8000/hub"),)


def test_two_hubs_of_one_host_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, a_hub() + a_hub())
    assert "hub.host 'hub.corp.example' stands in two [[hub]]" in str(error)


@pytest.mark.parametrize("key", ["host", "url"])
def test_a_hub_needs_a_host_and_a_url(tmp_path: Path, key: str) -> None:
    assert f"a [[hub]] has no hub.{key}" in str(refusal(tmp_path, a_hub(**{key: ""})))


def test_a_hub_has_one_token(tmp_path: Path) -> None:
    error = refusal(tmp_path, a_hub(token_file='"/etc/token"', token_env='"TOKEN"'))
    assert "has both hub.token_file and hub.token_env" in str(error)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "HUB.corp.example"),
        ("host", "www.corp.example"),
        ("host", "corp.example:80"),
        ("host", "https://corp.example"),
        ("host", "corp.example/hub"),
        ("host", "corp"),
        ("host", ""),
        ("protocol", "kaggle"),
        ("url", "ftp://hub.corp.example"),
        ("url", "hub.corp.example"),
        ("url", "https://"),
        ("url", "https:///path"),
        ("url", "https://user:secret@hub.corp.example"),
        ("url", "https://hub.corp.example/?key=1"),
        ("url", "https://hub.corp.example/?"),
        ("url", "https://hub.corp.example/#top"),
        ("url", "https://hub.corp.example:99999"),
        ("url", "https://hub.corp.example:0"),
        ("url", "https://[::1"),
        ("url", "https://hub.corp.example/a b"),
        ("redirects", "*"),
        ("redirects", "a.*.example"),
        ("redirects", "Example.org"),
        ("redirects", "https://example.org"),
        ("redirects", ""),
    ],
)
def test_a_hub_that_could_not_be_asked_is_refused(tmp_path: Path, key: str, value: str) -> None:
    text = f'["{value}"]' if key == "redirects" else f'"{value}"'
    error = refusal(tmp_path, a_hub(**{key: text}))
    assert f"hub.{key} is {value!r}, but must be " in str(error)


def test_hubs_must_be_tables(tmp_path: Path) -> None:
    assert "hub is ['a'], but must be tables, [[hub]]" in str(refusal(tmp_path, 'hub = ["a"]'))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("5B", 5),
        ("1KiB", 1024),
        ("512MiB", 512 * MIB),
        ("4GiB", 4096 * MIB),
        ("2 TiB", 2 * 1024**4),
        ("10GB", 10**10),
        ("3 kb", 3000),
        (" 1mib ", MIB),
        (0, 0),
        (12345, 12345),
    ],
)
def test_a_size_is_a_number_of_bytes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MiB",
        "-1",
        "1.5GiB",
        "1 PiB",
        "1  KiB",
        "1K",
        "1e3",
        "0x10",
        "\u0661",
        -1,
        1.0,
        True,
        None,
    ],
)
def test_what_is_no_size_is_an_error(text: Any) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


@given(st.integers(0, 10**6), st.sampled_from(["", "B", "KiB", "MB", "GiB", "TB"]))
def test_sizes_grow_with_their_number(number: int, unit: str) -> None:
    assert parse_size(f"{number}{unit}") == number * parse_size(f"1{unit}")


def test_a_site_without_a_network_says_so_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "hubproxy.toml"
    path.write_text('network = "offline"\n')
    assert load(path, {}).network.offline
    path.write_text('network = "online"\n')
    with pytest.raises(ConfigError, match="a table, \\[network\\]"):
        load(path, {})
