"""Keys on a real token. Each test has a process of its own: a PKCS#11 library is loaded once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trust.softhsm import PIN, make_tokens, with_softhsm

pytestmark = with_softhsm

PROGRAM = """
import sys
from hubproxy.errors import UsageError
from hubproxy.trust.keys import load_public, load_signer
from hubproxy.trust.keyspec import parse_spec
spec, pin = parse_spec(sys.argv[1]), sys.argv[2].encode() or None
try:
    signer = load_signer(spec, pin)
    assert load_public(spec) == signer.public_key
    signer.public_key.verify_signature(signer.sign(b"a role"), b"a role")
    print("signed", signer.public_key.scheme)
except UsageError as error:
    print(error, "|", error.remedy)
"""


def told(variables: dict[str, str], spec: str, pin: str = PIN) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, spec, pin],
        capture_output=True,
        check=False,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), **variables},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_key_on_a_token_signs(tmp_path: Path) -> None:
    variables = make_tokens(tmp_path, ["officer-a", "officer-b"])
    assert told(variables, "hsm:2?label=officer-b") == "signed ecdsa-sha2-nistp256\n"


def test_with_one_token_its_label_need_not_be_said(tmp_path: Path) -> None:
    assert told(make_tokens(tmp_path, ["officer-a"]), "hsm:").startswith("signed")


@pytest.mark.parametrize(
    ("spec", "pin", "words"),
    [
        pytest.param("hsm:2?label=a", "999999", "wrong PIN for hsm:2?label=a", id="wrong-pin"),
        pytest.param("hsm:2?label=a", "1", "wrong PIN for hsm:2?label=a", id="short-pin"),
        pytest.param("hsm:2?label=a", "", "is under a PIN, and none was given", id="no-pin"),
        pytest.param("hsm:3?label=a", PIN, "could not find ECDSA key", id="no-such-key"),
        pytest.param("hsm:2?label=c", PIN, "No PKCS#11 token found for label c", id="no-token"),
        pytest.param("hsm:2", PIN, "Multiple PKCS#11 tokens found", id="which-token"),
    ],
)
def test_what_is_wrong_with_a_token_is_said(
    tmp_path: Path, spec: str, pin: str, words: str
) -> None:
    found = told(make_tokens(tmp_path, ["a", "b"]), spec, pin)
    assert words in found
    assert found.partition(" | ")[2].strip()


@pytest.mark.parametrize(
    ("library", "words"),
    [
        pytest.param("", "PYKCS11LIB names no library", id="not-named"),
        pytest.param("/nowhere.so", "/nowhere.so: cannot open shared object file", id="missing"),
        pytest.param("/etc/passwd", "invalid ELF header", id="no-library"),
    ],
)
def test_a_library_that_cannot_be_loaded_is_named(library: str, words: str) -> None:
    assert words in told({"PYKCS11LIB": library}, "hsm:2")


def test_without_the_extra_the_remedy_is_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "pkcs11.py").write_text("raise ImportError('not installed')\n")
    variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    assert "pip install 'hubproxy[hsm]'" in told(variables, "hsm:2")
