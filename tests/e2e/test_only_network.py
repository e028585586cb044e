"""A job, unchanged, on a machine whose only network is hubproxy; and the doctor there."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.jobs import environ, pack
from tests.e2e.namespace import Namespace, namespace
from tests.e2e.place import Place

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

NAME = "tfhub.dev/google/doubler/1"
HANDLE = f"https://{NAME}"
JOB = (
    "import tensorflow as tf, tensorflow_hub as hub\n"
    f"print(hub.load('{HANDLE}')(tf.constant([3.0])).numpy().tolist())"
)
BIN = Path(sys.executable).parent
FORWARD = '[forward]\nlisten = "'


@pytest.fixture(scope="module")
def far() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


@pytest.fixture
def place(far: Namespace, tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path, address=far.address) as place:
        yield place


class Machine:
    """The namespace, with the environment of its jobs."""

    def __init__(self, far: Namespace, hook: Path, cache: Path) -> None:
        self._far = far
        trusted = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        found = {name: text for name, text in environ(hook, None).items() if name not in trusted}
        self.environ: dict[str, str] = {
            **found,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(cache),
            "TFHUB_CACHE_DIR": str(cache / "modules"),
        }

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._far.inside, *command],
            env={**self.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    def doctor(self, *words: str, **variables: str) -> dict[str, dict[str, str]]:
        """What the doctor finds here; a check that stands twice by its first failure."""
        ran = self.run("hubproxy", "doctor", "--json", *words, **variables)
        assert ran.stderr == ""
        found: dict[str, dict[str, str]] = {}
        for line in map(json.loads, ran.stdout.splitlines()):
            if found.get(line["check"], {"state": "ok"})["state"] != "FAIL":
                found[line["check"]] = line
        assert ran.returncode == any(line["state"] == "FAIL" for line in found.values())
        return found


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """An interpreter that has no packages, for what is told without the real client as well."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def machine(far: Namespace, hook: Path, tmp_path: Path) -> Machine:
    return Machine(far, hook, tmp_path / "cache")


def test_there_is_no_other_network_there(machine: Machine) -> None:
    code = "import socket; socket.create_connection(('198.51.100.1', 443), 5)"
    assert "Network is unreachable" in machine.run(sys.executable, "-c", code).stderr
    code = "import socket; socket.getaddrinfo('tfhub.dev', 443)"
    assert "socket.gaierror" in machine.run(sys.executable, "-c", code).stderr


def test_an_unchanged_job_loads_its_module(place: Place, machine: Machine, modules: Path) -> None:
    place.hub.put(NAME, gzip.compress(pack(modules / "doubler")))
    place.approve(NAME)
    url = place.start()

    ran = machine.run("hubproxy", "run", "--url", url, "--", sys.executable, "-c", JOB)

    assert (ran.stdout, ran.returncode) == ("[7.0]\n", 0), ran.stderr


def test_a_refusal_gives_its_reason_through_the_tunnel(place: Place, machine: Machine) -> None:
    url = place.start()

    ran = machine.run("hubproxy", "run", "--url", url, "--", sys.executable, "-c", JOB)

    assert ran.returncode == 1
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith(
        f"urllib.error.HTTPError: HTTP Error 403: hubproxy HP-T01: {NAME} is not on the trust list"
    )
    assert f"hubproxy trust approve {NAME}" in last


def test_all_is_well_there(place: Place, machine: Machine) -> None:
    found = machine.doctor("--url", place.start())

    assert {line["state"] for line in found.values()} == {"ok"}, found
    assert (
        list(found)
        == ("settings daemon ready clock trust ca forward reverse hook proxy environment").split()
    )
    for way in ("reverse", "hook", "proxy"):
        assert "by tensorflow_hub " in found[way]["text"]


def off(place: Place, address: str) -> None:
    place.change(f"{FORWARD}{address}:0", FORWARD)


def loopback(place: Place, address: str) -> None:
    place.change(f"{FORWARD}{address}", f"{FORWARD}127.0.0.1")


def nameless(place: Place, address: str) -> None:
    place.change(FORWARD, '[forward]\nurl = "http://nowhere.invalid:8441"\nlisten = "')


def guarded(place: Place, address: str) -> None:
    place.change("[access]\n", '[access]\nauth = "required"\n')


@pytest.mark.parametrize(
    ("broken", "failed", "fix"),
    [
        pytest.param(off, ["proxy"], "set `forward.listen`", id="forward-off"),
        pytest.param(loopback, ["forward", "proxy"], "0.0.0.0:8441", id="forward-loopback"),
        pytest.param(nameless, ["forward", "proxy"], "set `forward.url`", id="forward-nameless"),
        pytest.param(guarded, ["forward", "proxy"], "--team NAME --token-file", id="no-token"),
    ],
)
def test_a_daemon_that_is_set_wrongly_is_told_with_what_to_set(
    broken: Callable[[Place, str], None],
    failed: list[str],
    fix: str,
    place: Place,
    far: Namespace,
    machine: Machine,
    plain: str,
) -> None:
    broken(place, far.address)

    found = machine.doctor("--url", place.start(), "--way", "proxy", "--python", plain)

    assert [name for name, line in found.items() if line["state"] == "FAIL"] == failed
    assert fix in found[failed[0]]["fix"]


def test_a_daemon_that_is_down_is_to_be_started(place: Place, machine: Machine) -> None:
    url = place.start()
    place.stop()

    found = machine.doctor("--url", url)

    assert found["daemon"]["text"] == f"no hubproxy answers at {url}: Connection refused"
    assert "`hubproxy serve`" in found["daemon"]["fix"]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"TFHUB_MODEL_LOAD_FORMAT": "UNCOMPRESSED"}, id="format"),
        pytest.param({"TFHUB_DISABLE_CERT_VALIDATION": "true"}, id="validation"),
        pytest.param({"NO_PROXY": "localhost,.dev"}, id="no-proxy"),
        pytest.param({"HTTPS_PROXY": "http://corp.example:3128"}, id="other-proxy"),
        pytest.param({"HTTPS_PROXY": "{proxy}", "SSL_CERT_FILE": "{bundle}"}, id="no-ca"),
        pytest.param({"REQUEST_METHOD": "GET", "HTTP_PROXY": "{proxy}"}, id="cgi"),
    ],
)
def test_what_is_in_the_way_in_the_environment_is_put_right_by_the_fix(
    variables: Mapping[str, str], place: Place, machine: Machine, plain: str, tmp_path: Path
) -> None:
    """The fix is run as it stands there."""
    url = place.start()
    told = machine.run("hubproxy", "env", "--url", url).stdout
    proxy = told.partition("HTTPS_PROXY=")[2].partition(";")[0]
    trustme = pytest.importorskip("trustme")
    bundle = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(bundle)
    words = ("--url", url, "--way", "proxy", "--python", plain)
    given = {name: text.format(proxy=proxy, bundle=bundle) for name, text in variables.items()}

    found = machine.doctor(*words, **given)
    assert found["environment"]["state"] == "FAIL"
    fix = found["environment"]["fix"]

    mended = machine.run("bash", "-ec", f'{fix}\nhubproxy doctor "$@"', "bash", *words, **given)
    assert (mended.returncode, "FAIL" in mended.stdout) == (0, False), mended.stdout
