"""Keyless OMS bundles, verified by the sigstore library without a network."""

import base64
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files as resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509

from hubproxy.core.original import Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.core.record import FileEntry
from hubproxy.errors import UsageError
from hubproxy.trust.evidence import check, check_rule
from tests.trust.evidence.keyless import ISSUER, ISSUER_OID, THEN, Sigstore
from tests.trust.evidence.publisher import (
    NOW,
    OTHER,
    PUBLISHER,
    refusal,
    statement,
    subject,
)

needs_sigstore = pytest.mark.skipif(find_spec("sigstore") is None, reason="there is no sigstore")
VECTOR = os.environ.get("HUBPROXY_TEST_OMS_KEYLESS", "")

SIGSTORE = Sigstore()


@needs_sigstore
def test_who_proved_his_identity_when_he_signed_is_taken_years_later() -> None:
    check_rule(SIGSTORE.rule())

    found = check(SIGSTORE.signed(), [SIGSTORE.rule()], subject(), at=NOW)

    assert (found.kind, found.identity, found.issuer) == ("sigstore", PUBLISHER, ISSUER)


@needs_sigstore
@pytest.mark.parametrize("identity", ["intern@publisher.example", f"x.{PUBLISHER}"])
def test_somebody_else_is_refused(identity: str) -> None:
    assert refusal(SIGSTORE.signed(identity=identity), SIGSTORE.rule()) == (
        f"identity {PUBLISHER} expected, `{identity}` found"
    )


@needs_sigstore
def test_the_same_name_by_another_issuer_is_refused() -> None:
    said = refusal(SIGSTORE.signed(issuer="https://login.evil.example"), SIGSTORE.rule())

    assert said.startswith(f"not a keyless signature by {PUBLISHER} of {ISSUER}: ")
    assert "https://login.evil.example" in said


@needs_sigstore
def test_row_12_a_valid_bundle_of_another_module_is_refused() -> None:
    assert refusal(SIGSTORE.signed(statement(OTHER)), SIGSTORE.rule()) == (
        "signs other files: `variables/variables.data-00000-of-00001` differs"
    )


@needs_sigstore
def test_row_13_a_foreign_sigstore_is_refused() -> None:
    assert refusal(Sigstore().signed(), SIGSTORE.rule()).startswith(
        f"not a keyless signature by {PUBLISHER} of {ISSUER}: "
    )


@needs_sigstore
@pytest.mark.parametrize("minutes", [-1, 11])
def test_row_13_a_signature_outside_of_its_certificates_life_is_refused(minutes: int) -> None:
    signed = SIGSTORE.signed(logged_at=THEN + timedelta(minutes=minutes))

    assert refusal(signed, SIGSTORE.rule()).startswith("not a keyless signature by ")


Made = dict[str, Any]


def change_log(made: Made, **fields: object) -> None:
    made["verificationMaterial"]["tlogEntries"][0].update(fields)


def envelope_of(other: Made) -> Callable[[Made], None]:
    return lambda made: made.update(dsseEnvelope=other["dsseEnvelope"])


@needs_sigstore
@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            envelope_of(SIGSTORE.bundle(statement(OTHER))),
            "not a keyless signature by ",
            id="another's envelope",
        ),
        pytest.param(
            lambda made: made["dsseEnvelope"].update(payload="e30="),
            "not a keyless signature by ",
            id="another payload",
        ),
        pytest.param(
            lambda made: made["verificationMaterial"].update(
                tlogEntries=SIGSTORE.bundle()["verificationMaterial"]["tlogEntries"]
            ),
            "not a keyless signature by ",
            id="another's entry in the log",
        ),
        pytest.param(
            lambda made: made["verificationMaterial"].update(tlogEntries=[]),
            "not a sigstore bundle: ",
            id="no entry in the log",
        ),
        pytest.param(
            lambda made: change_log(made, inclusionPromise={"signedEntryTimestamp": "AAAA"}),
            "not a keyless signature by ",
            id="no promise of the log",
        ),
        pytest.param(
            lambda made: change_log(made, integratedTime=str(int(THEN.timestamp()) + 30)),
            "not a keyless signature by ",
            id="another moment",
        ),
        pytest.param(
            lambda made: made["verificationMaterial"].update(certificate={"rawBytes": "AAAA"}),
            "not a sigstore bundle: ",
            id="no certificate",
        ),
        pytest.param(
            lambda made: change_log(made, kindVersion={"kind": "dsse", "version": "9"}),
            "not a sigstore bundle: ",
            id="an entry of another version",
        ),
    ],
)
def test_a_changed_bundle_is_refused(change: Callable[[Made], None], why: str) -> None:
    made = SIGSTORE.bundle()
    change(made)

    assert refusal(json.dumps(made).encode(), SIGSTORE.rule()).startswith(why)


@needs_sigstore
def test_a_trusted_root_without_keys_is_the_policys_fault() -> None:
    text = json.dumps({**json.loads(SIGSTORE.trusted_root), "tlogs": []})
    rule = msgspec.structs.replace(SIGSTORE.rule(), trusted_root=text)

    with pytest.raises(UsageError, match="its trusted root cannot be used: "):
        check(SIGSTORE.signed(), [rule], subject(), at=NOW)


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sigstore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sigstore", None)
    monkeypatch.delitem(sys.modules, "hubproxy.trust.evidence.keyless", raising=False)
    monkeypatch.delattr("hubproxy.trust.evidence.keyless", raising=False)

    with pytest.raises(UsageError, match="keyless signatures need the sigstore extra") as told:
        check(SIGSTORE.signed(), [SIGSTORE.rule()], subject(), at=NOW)

    assert "pip install 'hubproxy[sigstore]'" in told.value.remedy


@needs_sigstore
@pytest.mark.skipif(
    not VECTOR,
    reason="HUBPROXY_TEST_OMS_KEYLESS names no bundle that somebody has signed in public, such as "
    "scripts/tests/v1.1.0-sigstore/model.sig of model-transparency",
)
def test_a_bundle_signed_in_public_is_proven_by_sigstores_own_root() -> None:
    data = Path(VECTOR).read_bytes()
    bundle = json.loads(data)
    leaf = x509.load_der_x509_certificate(
        base64.b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"])
    )
    [identity] = leaf.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value.get_values_for_type(x509.RFC822Name)
    issuer = leaf.extensions.get_extension_for_oid(ISSUER_OID).value
    assert isinstance(issuer, x509.UnrecognizedExtension)
    store = resources("sigstore") / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    rule = EvidenceRule(
        pattern="**",
        kind="sigstore",
        identity=identity,
        issuer=issuer.value.decode(),
        trusted_root=(store / "trusted_root.json").read_text(),
    )
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    entries = tuple(
        FileEntry(one["name"], 0, 1, one["digest"]) for one in payload["predicate"]["resources"]
    )

    assert check(data, [rule], Subject(entries), at=NOW).issuer == rule.issuer
    assert "signed but missing: " in refusal(data, rule, of=Subject(entries[1:]))
    other = msgspec.structs.replace(rule, identity=PUBLISHER)
    assert refusal(data, other, of=Subject(entries)).startswith(f"identity {PUBLISHER} expected")
