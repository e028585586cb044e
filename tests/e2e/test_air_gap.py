"""The whole way over an air gap: three commands, and a notebook that nobody has changed.

The connected side has the hub. The inside is a machine with no network but its own loopback. What
lies in the courier's folder is all that passes.
"""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.hub import Hub
from tests.e2e.jobs import pack
from tests.e2e.namespace import Namespace, island
from tests.e2e.sides import Side, read_only
from tests.webserver import free_port, nginx

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

NAME = "tfhub.dev/google/nnlm-en-dim50/2"
NOTEBOOK = f"""\
import tensorflow as tf, tensorflow_hub as hub
embed = hub.load("https://{NAME}")
print(embed(tf.constant(["The quick brown fox.", "word1 word2"])).shape)
"""
SHAPE = "(2, 50)\n"


@pytest.fixture(scope="module")
def far() -> Iterator[Namespace]:
    with island() as made:
        yield made


@pytest.fixture(scope="module")
def inside(far: Namespace, modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Side:
    """A site that the module was carried to."""
    folder = tmp_path_factory.mktemp("gap")
    courier = folder / "courier"
    courier.mkdir()
    with Hub() as hub:
        hub.put(NAME, gzip.compress(pack(modules / "words"), 1))
        hubs = f'[[hub]]\nhost = "tfhub.dev"\nurl = "{hub.url}"\nprivate = true\n'
        outside = Side(folder / "outside", hubs)
        outside.hubproxy("trust", "init", "--officer", "ada", "--insecure-plain-keys")
        outside.hubproxy("trust", "approve", NAME)
        (courier / "root.json").write_bytes((outside.data / "trust" / "root.json").read_bytes())

        outside.hubproxy("mirror", "sync", NAME)
        outside.hubproxy("bundle", "create", str(courier / "bundle"), NAME)

    listen = '[server]\nlisten = "127.0.0.1:0"\n[forward]\nlisten = "127.0.0.1:0"\n'
    site = Side(folder / "inside", listen, far.inside)
    site.hubproxy("bundle", "import", str(courier / "bundle"), "--root", str(courier / "root.json"))
    return site


def test_there_is_no_network_inside(inside: Side) -> None:
    assert inside.run("ip", "route") == ""


def test_a_notebook_loads_it_by_the_daemon(inside: Side, tmp_path: Path) -> None:
    """With nothing of hubproxy in the job, but where it finds its proxy."""
    (inside.folder / "notebook.py").write_text(NOTEBOOK)
    with inside.serving() as url:
        command = (sys.executable, "-m", "hubproxy", "run", "--url", url, "--")
        cache = str(tmp_path / "modules")
        assert inside.run(*command, sys.executable, "notebook.py", TFHUB_CACHE_DIR=cache) == SHAPE


def test_notebooks_load_it_from_a_mounted_cache_folder(inside: Side) -> None:
    """Eight at once, from a mount that they cannot write to, with no daemon anywhere."""
    (inside.folder / "notebook.py").write_text(NOTEBOOK)
    tree = inside.folder / "tree"
    inside.hubproxy("export", "tfhub-cache", str(tree))
    command = [*inside.within, *read_only(tree, sys.executable, "notebook.py")]
    jobs = [
        subprocess.Popen(
            command,
            cwd=inside.folder,
            env=inside.environ(TFHUB_CACHE_DIR=str(tree)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for job in jobs:
        out, errors = job.communicate(timeout=280)
        assert out == SHAPE, errors
    assert not list(tree.glob("*.lock*"))
    assert "good" in inside.hubproxy("verify-dir", str(tree))


def test_a_notebook_loads_it_from_nginx(inside: Side, hook: Path, tmp_path: Path) -> None:
    """By a web server that knows nothing of hubproxy; the job's hook checks the digest."""
    (inside.folder / "notebook.py").write_text(NOTEBOOK)
    site, port = inside.folder / "www", free_port()
    inside.hubproxy("export", "static", str(site), "--listen", f"127.0.0.1:{port}")
    with nginx(site, tmp_path / "nginx", port, inside.within) as url:
        variables = {"HUBPROXY_URL": url, "PYTHONPATH": str(hook)}
        cache = str(tmp_path / "modules")
        out = inside.run(sys.executable, "notebook.py", TFHUB_CACHE_DIR=cache, **variables)
    assert out == SHAPE
    assert list((tmp_path / "modules").glob("*.hubproxy.txt"))


def test_a_cache_folder_is_brought_up_to_date_under_the_jobs_that_read_it(inside: Side) -> None:
    (inside.folder / "notebook.py").write_text(NOTEBOOK)
    tree = inside.folder / "updated"
    inside.hubproxy("export", "tfhub-cache", str(tree))
    with subprocess.Popen(
        [*inside.within, sys.executable, "notebook.py"],
        cwd=inside.folder,
        env=inside.environ(TFHUB_CACHE_DIR=str(tree)),
        stdout=subprocess.PIPE,
        text=True,
    ) as job:
        while job.poll() is None:
            inside.hubproxy("export", "tfhub-cache", str(tree), "--update", "--prune")
        assert job.stdout is not None
        assert job.stdout.read() == SHAPE
