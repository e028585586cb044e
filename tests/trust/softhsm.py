"""A real token, by SoftHSM."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

LIBRARY = next(
    (
        path
        for path in map(
            Path,
            (
                "/usr/lib/softhsm/libsofthsm2.so",
                "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
                "/usr/lib64/pkcs11/libsofthsm2.so",
            ),
        )
        if path.exists()
    ),
    None,
)
with_softhsm = pytest.mark.skipif(
    LIBRARY is None or not shutil.which("softhsm2-util") or not shutil.which("openssl"),
    reason="softhsm2 or openssl is not installed",
)
PIN = "123456"


def make_tokens(folder: Path, labels: Sequence[str]) -> dict[str, str]:
    """Tokens with a P-256 key each, number 2: the environment that they are found by."""
    tokens, settings = folder / "tokens", folder / "softhsm2.conf"
    tokens.mkdir(parents=True)
    settings.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    variables = {"SOFTHSM2_CONF": str(settings), "PYKCS11LIB": str(LIBRARY)}

    def run(*words: str) -> None:
        subprocess.run(
            words, check=True, capture_output=True, env={"PATH": "/usr/bin", **variables}
        )

    for label in labels:
        pem = folder / f"{label}.pem"
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-out", str(pem))  # fmt: skip
        run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN,
            "--so-pin", "87654321")  # fmt: skip
        run("softhsm2-util", "--import", str(pem), "--token", label, "--label", label,
            "--id", "02", "--pin", PIN)  # fmt: skip
        pem.unlink()
    return variables
