"""The launch post's own code on TensorFlow 1.15 and Python 3.7, through the hook, unchanged."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.interpreters import tf1_python
from tests.client.wireserver import WireServer, module, refusal
from tests.e2e.jobs import environ, pack, pip_install, wheel_url
from tests.e2e.place import Place

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
TEXT, IMAGE = "universal-sentence-encoder/2", "imagenet/nasnet_large/feature_vector/1"
HANDLES = [f"https://tfhub.dev/google/{name}" for name in (TEXT, IMAGE)]


def run(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tf1_python(), HERE / script, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, hook: Path) -> dict[str, bytes]:
    """Stand-ins for the post's modules, as archives by name."""
    folder = tmp_path_factory.mktemp("modules")
    made = run("make_tf1_modules.py", str(folder), **environ(hook, None))
    assert made.returncode == 0, made.stderr
    return {TEXT: pack(folder / "text"), IMAGE: pack(folder / "image")}


@pytest.fixture
def server(archives: dict[str, bytes]) -> Iterator[WireServer]:
    with WireServer() as running:
        for name, archive in archives.items():
            running.put(f"/tfhub.dev/google/{name}", module(archive))
        yield running


def test_the_launch_posts_code_runs_through_the_hook(
    hook: Path, server: WireServer, tmp_path: Path
) -> None:
    variables = {**environ(hook, server.url), "TFHUB_CACHE_DIR": str(tmp_path)}

    ran = run("launch_post_tf1.py", *HANDLES, **variables)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("all parts worked\n")
    assert [asked.path for asked in server.requests] == [
        f"/tfhub.dev/google/{name}?tf-hub-format=compressed" for name in (TEXT, IMAGE)
    ]
    assert server.requests[0].headers["User-Agent"].startswith("hubproxy-client/")


def test_the_launch_posts_code_runs_with_the_hook_that_the_real_daemon_gives(
    archives: dict[str, bytes], place: Place, tmp_path: Path
) -> None:
    for name, archive in archives.items():
        place.hub.put(f"tfhub.dev/google/{name}", gzip.compress(archive))
    records = place.approve(*(f"tfhub.dev/google/{name}" for name in archives))
    url = place.start()
    hook = pip_install(tf1_python(), wheel_url(url), tmp_path / "site")
    variables = {**environ(hook, url), "TFHUB_CACHE_DIR": str(tmp_path / "cache")}

    ran = run("launch_post_tf1.py", *HANDLES, **variables)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("all parts worked\n")
    assert [record.format for record in records] == ["tf1_hub", "tf1_hub"]


def test_the_launch_posts_code_runs_with_variables_alone(
    archives: dict[str, bytes], hook: Path, place: Place, tmp_path: Path
) -> None:
    """No hook, nothing of hubproxy in the job: `HTTPS_PROXY` and a CA around it."""
    for name, archive in archives.items():
        place.hub.put(f"tfhub.dev/google/{name}", gzip.compress(archive))
    place.approve(*(f"tfhub.dev/google/{name}" for name in archives))
    job = [str(tf1_python()), str(HERE / "launch_post_tf1.py"), *HANDLES]
    words = [sys.executable, "-m", "hubproxy", "run", "--url", place.start(), "--", *job]
    variables = {**environ(hook, None), "PYTHONPATH": str(HERE.parents[1])}

    ran = subprocess.run(
        words,
        env={**variables, "TFHUB_CACHE_DIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("all parts worked\n")
    assert [place.hub.fetches(handle) for handle in HANDLES] == [2, 2]  # to sign it, to serve it


def test_a_refusal_reaches_the_launch_posts_user(
    hook: Path, server: WireServer, tmp_path: Path
) -> None:
    server.put(f"/tfhub.dev/google/{TEXT}", refusal(403, code="HP-T01", detail="not listed"))
    variables = {**environ(hook, server.url), "TFHUB_CACHE_DIR": str(tmp_path)}

    ran = run("launch_post_tf1.py", *HANDLES, **variables)

    assert ran.returncode != 0
    assert "HubproxyError: hubproxy HP-T01: not listed" in ran.stderr
    assert list(tmp_path.iterdir()) == []
