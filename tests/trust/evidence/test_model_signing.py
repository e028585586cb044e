"""What the real model-signing signs.

`made_by_model_signing/` holds two bundles of `MODULE` that its release 1.1.1 has made with keys
that were then thrown away; where there is a Python with it, it signs here and now as well.
"""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hubproxy.core.policy import EvidenceRule
from hubproxy.trust.evidence import check
from tests.trust.evidence.chains import Authority
from tests.trust.evidence.publisher import (
    MODULE,
    NOW,
    OMS_PYTHON,
    OTHER,
    PUBLISHER,
    Publisher,
    needs,
    needs_model_signing,
    refusal,
    subject,
    write,
)

MADE = Path(__file__).parent / "made_by_model_signing"
THEN = datetime(2026, 11, 26, 12, tzinfo=UTC)

BY_KEY = EvidenceRule(
    pattern="**", kind="oms-key", identity=PUBLISHER, key=(MADE / "key.pub").read_text()
)
BY_CHAIN = EvidenceRule(
    pattern="**", kind="oms-certificate", identity=PUBLISHER, roots=(MADE / "root.pem").read_text()
)


@pytest.mark.parametrize(
    ("bundle", "rule"),
    [pytest.param("key.sig", BY_KEY, id="key"), pytest.param("chain.sig", BY_CHAIN, id="chain")],
)
def test_a_bundle_that_model_signing_has_made_is_taken(bundle: str, rule: EvidenceRule) -> None:
    data = (MADE / bundle).read_bytes()

    assert check(data, [rule], subject(), at=THEN).kind == rule.kind
    assert check(data, [rule], subject({**MODULE, "model.sig": data}), at=THEN).kind == rule.kind
    assert refusal(data, rule, of=subject(OTHER), at=THEN).startswith("signs other files: ")


def model_signing(*words: str | Path) -> int:
    command = [OMS_PYTHON, "-m", "model_signing", *words]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "model")


@needs_model_signing
def test_a_bundle_by_key_made_now_is_taken(tmp_path: Path, model: Path) -> None:
    ada = Publisher(ec.generate_private_key(ec.SECP384R1()))
    key = tmp_path / "key.pem"
    key.write_bytes(ada.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signature = model / "model.sig"

    assert model_signing("sign", "key", "--signature", signature, "--private_key", key, model) == 0

    made = signature.read_bytes()
    beside = subject({**MODULE, "model.sig": made})
    assert check(made, [ada.rule], beside, at=NOW).identity == PUBLISHER


@needs_model_signing
@needs("openssl")
def test_a_bundle_by_chain_made_now_is_taken(tmp_path: Path, model: Path) -> None:
    authority = Authority(tmp_path / "authority")
    leaf, signature = authority.leaf(), tmp_path / "model.sig"

    assert model_signing(
        "sign", "certificate", "--signature", signature, "--private_key", leaf.key,
        "--signing_certificate", leaf.pem,
        "--certificate_chain", authority.intermediate.pem, model,
    ) == 0  # fmt: skip

    made = signature.read_bytes()
    assert check(made, [authority.rule()], subject(), at=NOW).identity == PUBLISHER


@needs_model_signing
def test_row_14_a_file_that_model_signing_ignores_is_refused(tmp_path: Path, model: Path) -> None:
    """It says of such a module that it is good: its own list of what to ignore is the signer's."""
    (tmp_path / "key.pub").write_text(BY_KEY.key)
    evil = write(model, {".git/evil.so": b"code"})

    verified = model_signing(
        "verify", "key", "--signature", MADE / "key.sig",
        "--public_key", tmp_path / "key.pub", evil,
    )  # fmt: skip

    assert verified == 0
    said = refusal(
        (MADE / "key.sig").read_bytes(), BY_KEY, of=subject({**MODULE, ".git/evil.so": b"code"})
    )
    assert said == "a file that is not signed: `.git/evil.so`"
