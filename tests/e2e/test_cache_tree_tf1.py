"""An exported cache folder, read by the stock clients of TensorFlow 1.15's time, without a network.

HUBPROXY_TEST_PY37 names the interpreter; older clients lie in `hubs/VERSION` beside its `bin`.
"""

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.interpreters import tf1_python
from tests.e2e.jobs import environ, pack
from tests.e2e.namespace import Namespace, island
from tests.e2e.place import Place
from tests.e2e.sides import Side, read_only

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NAME = "tfhub.dev/google/universal-sentence-encoder/2"
JOB = f"""\
import tensorflow as tf, tensorflow_hub as hub
print(hub.__version__)
with tf.Graph().as_default():
    rows = hub.Module("https://{NAME}")(["The quick brown fox.", "I am a sentence."])
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        print(session.run(rows).shape)
"""
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def far() -> Iterator[Namespace]:
    with island() as made:
        yield made


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, hook: Path) -> Path:
    """A cache folder with a module in TF1's own format."""
    folder = tmp_path_factory.mktemp("tf1")
    (folder / "modules").mkdir()
    made = subprocess.run(
        [tf1_python(), HERE / "make_tf1_modules.py", folder / "modules"],
        env=environ(hook, None),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert made.returncode == 0, made.stderr
    with Place(folder, one_host=True) as place:
        place.hub.put(NAME, gzip.compress(pack(folder / "modules" / "text")))
        place.approve(NAME)
        hubs = f'[[hub]]\nhost = "tfhub.dev"\nurl = "{place.hub.url}"\nprivate = true\n'
        side = Side(folder / "side", hubs)
        side.settings.write_text(f'data = "{folder}/data"\n{hubs}')
        side.hubproxy("mirror", "sync", NAME)
        side.hubproxy("export", "tfhub-cache", str(folder / "tree"))
    return folder / "tree"


def job(hook: Path, far: Namespace, tree: Path, version: str, *within: str) -> list[str]:
    """What a job prints that has a client of this version."""
    python = tf1_python()
    older = python.parent.parent / "hubs" / version
    variables = {**environ(hook, None), "TFHUB_CACHE_DIR": str(tree)}
    del variables["PYTHONPATH"]
    if version != "0.12.0":
        if not older.is_dir():
            pytest.skip(f"tensorflow_hub {version} is not installed at {older}")
        variables["PYTHONPATH"] = str(older)
    ran = subprocess.run(
        [*far.inside, *within, python, "-c", JOB],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()[-2:]


@pytest.mark.parametrize("version", ["0.2.0", "0.7.0", "0.12.0"])
def test_every_client_reads_it(hook: Path, far: Namespace, tree: Path, version: str) -> None:
    assert job(hook, far, tree, version) == [version, "(2, 16)"]
    assert not list(tree.glob("*.lock*"))


def test_the_later_ones_read_it_from_a_mount_that_they_cannot_write_to(
    hook: Path, far: Namespace, tree: Path
) -> None:
    within = read_only(tree)
    assert job(hook, far, tree, "0.12.0", *within) == ["0.12.0", "(2, 16)"]
