"""What the `.pth` file does, in interpreters of their own that have it in site-packages."""

import io
import json
import shutil
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hubproxy
from hubproxy.server.clientwheel import build_client_wheel

# A package in the shape of tensorflow_hub, and in that of 0.1.1 when the registry is taken away.
TOY_HUB = {
    "__init__.py": """\
from pkg_resources import parse_version
assert parse_version("2.9") < parse_version("2.10")
try:
    from tensorflow_hub import registry
    registry.resolver.add_implementation("default")
except ImportError:
    pass
""",
    "registry.py": """\
class Register:
    def __init__(self):
        self.names = []
    def add_implementation(self, implementation):
        self.names.append(getattr(type(implementation), "__name__"))
resolver = Register()
""",
}
SHOW = """
import json, sys, tensorflow_hub
print(json.dumps({
    "resolvers": tensorflow_hub.registry.resolver.names,
    "loader": type(tensorflow_hub.__loader__).__name__,
    "spec_loader": type(tensorflow_hub.__spec__.loader).__name__,
    "pkg_resources": "pkg_resources" in sys.modules,
}))
"""
NOSY_FINDER = """
import sys
class Nosy:
    def find_spec(self, *args):
        found = [other.find_spec(*args) for other in sys.meta_path if other is not self]
        return next(filter(None, found), None)
def put_first():
    sys.meta_path.insert(0, Nosy())
def put_last():
    sys.meta_path.append(Nosy())
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python with nothing in site-packages but what a test puts there."""

    python: Path
    site_packages: Path

    def run(self, code: str, url: str | None, *options: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": "/usr/bin:/bin"} | ({} if url is None else {"HUBPROXY_URL": url})
        return subprocess.run(
            [self.python, *options, "-c", code],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def show(self, code: str = SHOW, url: str | None = "http://127.0.0.1:9") -> dict[str, Any]:
        ran = self.run(code, url)
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == ""
        shown: dict[str, Any] = json.loads(ran.stdout)
        return shown

    def modules(self, url: str | None) -> set[str]:
        ran = self.run("import sys; print(*sys.modules)", url)
        assert ran.stderr == ""
        return set(ran.stdout.split())

    def put_hub(self) -> None:
        folder = self.site_packages / "tensorflow_hub"
        folder.mkdir()
        for name, text in TOY_HUB.items():
            (folder / name).write_text(text)

    def put_hubproxy(self) -> None:
        """Put what `pip install hubproxy` puts there for training jobs."""
        source = Path(hubproxy.__file__).parent
        target = self.site_packages / "hubproxy"
        target.mkdir()
        shutil.copy(source / "__init__.py", target)
        shutil.copytree(source / "client", target / "client")
        shutil.copy(source / "client" / "hubproxy.pth", self.site_packages)

    def put_client(self) -> None:
        """Put what `pip install hubproxy-client` puts there."""
        _, wheel = build_client_wheel("1.2.3")
        zipfile.ZipFile(io.BytesIO(wheel)).extractall(self.site_packages)


@pytest.fixture
def bare(tmp_path: Path) -> Interpreter:
    venv.create(tmp_path, with_pip=False, symlinks=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return Interpreter(tmp_path / "bin" / "python", tmp_path / "lib" / version / "site-packages")


@pytest.fixture(params=["hubproxy", "hubproxy_client"])
def hooked(bare: Interpreter, request: pytest.FixtureRequest) -> Interpreter:
    """An interpreter with the hook, from either distribution, and a toy tensorflow_hub."""
    bare.put_hub()
    if request.param == "hubproxy":
        bare.put_hubproxy()
    else:
        bare.put_client()
    return bare


@pytest.mark.parametrize("url", [None, ""])
def test_without_the_variable_nothing_is_imported(hooked: Interpreter, url: str | None) -> None:
    assert not {name for name in hooked.modules(url) if "hubproxy" in name}


def test_with_the_variable_only_the_finder_is_imported(hooked: Interpreter) -> None:
    more = hooked.modules("http://127.0.0.1:9") - hooked.modules(None)
    last_names = {name.rpartition(".")[2] for name in more}
    assert last_names <= {"hubproxy", "hubproxy_client", "client", "startup"}


def test_without_the_variable_tensorflow_hub_is_stock(hooked: Interpreter) -> None:
    ran = hooked.run(SHOW, None)
    assert "No module named 'pkg_resources'" in ran.stderr


def test_importing_tensorflow_hub_registers_the_resolver_and_leaves_no_other_trace(
    hooked: Interpreter,
) -> None:
    assert hooked.show() == {
        "resolvers": ["str", "HubproxyResolver"],
        "loader": "SourceFileLoader",
        "spec_loader": "SourceFileLoader",
        "pkg_resources": False,
    }


def test_the_hook_and_its_twin_install_once(bare: Interpreter) -> None:
    bare.put_hub()
    bare.put_hubproxy()
    bare.put_client()
    assert bare.show()["resolvers"] == ["str", "HubproxyResolver"]


def test_after_a_reload_the_resolver_is_asked_first_again(hooked: Interpreter) -> None:
    code = "import importlib, tensorflow_hub; importlib.reload(tensorflow_hub)\n" + SHOW
    assert hooked.show(code)["resolvers"][-1] == "HubproxyResolver"


def test_a_notebook_may_import_the_hook_after_tensorflow_hub(bare: Interpreter) -> None:
    bare.put_hub()
    bare.put_client()
    code = (
        "import os, sys, types; sys.modules['pkg_resources'] = types.SimpleNamespace("
        "parse_version=lambda text: int(text[2:]))\n"
        "import tensorflow_hub; os.environ['HUBPROXY_URL'] = 'http://127.0.0.1:9'\n"
        "import hubproxy_client.startup\n" + SHOW
    )
    assert bare.show(code, None)["resolvers"] == ["str", "HubproxyResolver"]


def test_another_finder_that_asks_all_the_others_does_no_harm(hooked: Interpreter) -> None:
    for where in ("first", "last"):
        shown = hooked.show(f"{NOSY_FINDER}put_{where}()\n{SHOW}")
        assert shown["resolvers"] == ["str", "HubproxyResolver"]


def test_a_hub_without_a_registry_stays_stock_with_one_warning(hooked: Interpreter) -> None:
    (hooked.site_packages / "tensorflow_hub" / "registry.py").unlink()

    ran = hooked.run("import tensorflow_hub; import tensorflow_hub", "http://127.0.0.1:9")

    assert ran.returncode == 0
    assert ran.stderr.count("RuntimeWarning: This tensorflow_hub is older than 0.2.0") == 1


def test_where_there_is_no_tensorflow_hub_the_error_is_the_usual_one(bare: Interpreter) -> None:
    bare.put_client()
    ran = bare.run("import tensorflow_hub", "http://127.0.0.1:9")
    assert "ModuleNotFoundError: No module named 'tensorflow_hub'" in ran.stderr
    assert "hubproxy" not in ran.stderr


def test_a_folder_that_is_no_package_imports_as_before(hooked: Interpreter) -> None:
    (hooked.site_packages / "tensorflow_hub" / "__init__.py").unlink()
    ran = hooked.run("import tensorflow_hub.registry", "http://127.0.0.1:9")
    assert ran.returncode == 0, ran.stderr
