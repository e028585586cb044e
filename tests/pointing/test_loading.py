import os
import sys
from pathlib import Path

import pytest

from hubproxy.pointing.loading import Load, load_canary

ENVIRON = {"PATH": os.environ["PATH"]}


def load(
    way: str = "proxy",
    handle: str = "http://127.0.0.1:9/tfhub.dev/-/canary/1",
    *,
    environ: dict[str, str] | None = None,
    wanted: bool = False,
) -> Load:
    return Load(
        way, handle, environ or ENVIRON, " --url http://h:1", "http://h:1/-/client/", wanted
    )


def script(folder: Path, text: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_that_is_not_there_is_told() -> None:
    found = load_canary(load(), "/nowhere/python").finding
    assert (found.state, found.text) == (
        "FAIL",
        "/nowhere/python cannot be run: No such file or directory",
    )
    assert "--python" in found.fix


def test_a_child_that_does_not_end_is_ended(tmp_path: Path) -> None:
    python = script(tmp_path, "exec sleep 600")
    found = load_canary(load(), python, timeout=0.2).finding
    assert found.state == "FAIL"
    assert "did not come within 0.2 seconds" in found.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("echo no module here >&2; exit 3", "no module here", id="error"),
        pytest.param("exit 3", "ended with 3", id="silent"),
        pytest.param("echo '{}'", "is not the canary", id="nothing"),
        pytest.param(
            """echo '{"value": "other", "versions": {}}'""", "is not the canary", id="other"
        ),
        pytest.param("""echo '{"files": {"a": "b"}}'""", "is not the canary", id="other-files"),
    ],
)
def test_whatever_else_comes_is_no_canary(tmp_path: Path, text: str, told: str) -> None:
    found = load_canary(load(), script(tmp_path, text)).finding
    assert found.state == "FAIL"
    assert told in found.text
    assert found.fix.startswith("hubproxy run --url http://h:1 --way proxy -- ")


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        pytest.param("No module named 'pkg_resources'", "pip install 'setuptools<81'", id="old"),
        pytest.param(
            "<urlopen error Tunnel connection failed: 407 x>", "--team NAME", id="no-token"
        ),
        pytest.param(
            "File system scheme 'https' not", "unset TFHUB_MODEL_LOAD_FORMAT", id="format"
        ),
        pytest.param("Expected 303 See other", "unset TFHUB_MODEL_LOAD_FORMAT", id="bucket"),
        pytest.param("anything", "hub.load(", id="else"),
    ],
)
def test_a_known_failure_has_its_own_fix(tmp_path: Path, error: str, fix: str) -> None:
    python = script(tmp_path, f"""cat <<'END'\n{{"error": "{error}"}}\nEND""")
    found = load_canary(load(), python).finding
    assert found.state == "FAIL"
    assert error in found.text
    assert fix in found.fix


def test_the_client_that_loaded_it_is_named(tmp_path: Path) -> None:
    answer = (
        '{"value": "hubproxy canary 1", "seconds": 1.5,'
        ' "versions": {"tensorflow_hub": "0.12.0", "tensorflow": "1.15.5"}}'
    )
    found = load_canary(load(), script(tmp_path, f"echo '{answer}'"))
    assert found.finding.state == "ok"
    assert found.finding.text.endswith(
        "loaded in 1.5 s by tensorflow_hub 0.12.0, TensorFlow 1.15.5"
    )
    assert found.client == (0, 12, 0)


@pytest.mark.parametrize(("wanted", "state"), [(True, "FAIL"), (False, "warn")])
def test_an_interpreter_without_the_hook_is_told_where_to_get_it(
    tmp_path: Path, wanted: bool, state: str
) -> None:
    python = script(tmp_path, f'exec {sys.executable} -S "$@"')
    found = load_canary(load("hook", wanted=wanted), python).finding
    assert found.state == state
    assert found.fix == (
        f"{python} -m pip install --no-index --find-links http://h:1/-/client/ hubproxy-client"
    )


def test_it_is_not_in_the_cache_of_the_job(tmp_path: Path) -> None:
    python = script(tmp_path, f'echo "$TFHUB_CACHE_DIR" > {tmp_path}/seen')
    load_canary(load(environ={**ENVIRON, "TFHUB_CACHE_DIR": "/the/jobs/own"}), python)
    seen = (tmp_path / "seen").read_text().strip()
    assert seen
    assert seen != "/the/jobs/own"
    assert not Path(seen).exists()
