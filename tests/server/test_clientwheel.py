import ast
import io
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from hubproxy.server.clientwheel import SWITCH, build_client_wheel, client_index
from tests.client.interpreters import python37

INFO = "hubproxy_client-1.2.3.dist-info"


def install(python: Path, wheel_folder: Path, target: Path) -> None:
    name, wheel = build_client_wheel("1.2.3")
    (wheel_folder / name).write_bytes(wheel)
    options = ("--no-index", "--no-deps", "--no-cache-dir", "--disable-pip-version-check")
    command: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        *options,
        "--target",
        target,
        wheel_folder / name,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_pip_installs_the_wheel(tmp_path: Path) -> None:
    pip = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
    )
    if pip.returncode != 0:
        pytest.skip("this environment has no pip")
    install(Path(sys.executable), tmp_path, tmp_path / "target")

    found = {path.name for path in (tmp_path / "target").iterdir()}
    assert found >= {"hubproxy_client", "hubproxy_client.pth", INFO}
    code = "import hubproxy_client.version as v; print(v.__version__)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "target", capture_output=True, check=True
    )
    assert ran.stdout == b"1.2.3\n"


def test_python_3_7_installs_the_wheel_and_compiles_the_hook(tmp_path: Path) -> None:
    python = python37()
    install(python, tmp_path, tmp_path / "target")

    sources = sorted((tmp_path / "target" / "hubproxy_client").glob("*.py"))
    assert sources
    subprocess.run([python, "-W", "error", "-m", "py_compile", *sources], check=True, timeout=60)
    code = "import hubproxy_client.startup, hubproxy_client.resolver, hubproxy_client.pkgresources"
    subprocess.run([python, "-W", "error", "-c", code], cwd=tmp_path / "target", check=True)


def test_the_bytes_are_the_same_each_time() -> None:
    assert build_client_wheel("1.2.3") == build_client_wheel("1.2.3")


def test_the_wheel_has_the_hook_under_its_own_name() -> None:
    name, wheel = build_client_wheel("1.2.3")
    assert name == "hubproxy_client-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        pth = archive.read("hubproxy_client.pth").decode()
        metadata = archive.read(f"{INFO}/METADATA").decode()
        dates = {member.date_time for member in archive.infolist()}
    sources = {
        f"hubproxy_client/{source.name}"
        for source in resources.files("hubproxy").joinpath("client").iterdir()
        if source.name.endswith(".py")
    }
    assert set(names) == sources | {
        "hubproxy_client.pth",
        f"{INFO}/METADATA",
        f"{INFO}/WHEEL",
        f"{INFO}/RECORD",
    }
    assert pth == (
        'import os; (os.environ.get("HUBPROXY_URL") or os.environ.get("HUBPROXY_LOCK")) '
        'and __import__("hubproxy_client.startup")\n'
    )
    assert "Name: hubproxy-client\nVersion: 1.2.3\n" in metadata
    assert "Requires-Python: >=3.7\n" in metadata
    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_only_the_version_is_imported_by_an_absolute_name() -> None:
    # Any other absolute import of hubproxy would fail where only hubproxy_client is installed.
    for source in resources.files("hubproxy").joinpath("client").iterdir():
        if not source.name.endswith(".py") or source.name == "version.py":
            continue
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").partition(".")[0] != "hubproxy", source.name
            if isinstance(node, ast.Import):
                assert all(name.name.partition(".")[0] != "hubproxy" for name in node.names)


def test_the_index_links_the_wheel() -> None:
    page = client_index("hubproxy_client-1.2.3-py3-none-any.whl")
    assert (
        '<a href="hubproxy_client-1.2.3-py3-none-any.whl" data-requires-python="&gt;=3.7">'
        "hubproxy_client-1.2.3-py3-none-any.whl</a>" in page
    )
    assert '"&quot;' in client_index('"')


def test_the_wheel_is_switched_on_by_the_line_that_the_package_is() -> None:
    assert Path("hubproxy/client/hubproxy.pth").read_text(encoding="ascii") == SWITCH
