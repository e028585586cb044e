"""OMS bundles by a bare key, and what they say of the files."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hubproxy.core.policy import EvidenceRule
from hubproxy.errors import UsageError
from hubproxy.trust.evidence import check, check_rule
from tests.trust.evidence.publisher import (
    MODULE,
    NOW,
    OTHER,
    PUBLISHER,
    Publisher,
    refusal,
    sha256,
    statement,
    subject,
    with_root_digest,
)

ADA = Publisher()
BOB = Publisher()


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_a_key_of_each_curve_signs(curve: ec.EllipticCurve) -> None:
    ada = Publisher(ec.generate_private_key(curve))

    assert check(ada.signed(), [ada.rule], subject(), at=NOW).identity == PUBLISHER


def test_another_publishers_key_is_refused() -> None:
    assert refusal(BOB.signed(), ADA.rule) == (
        f"identity {PUBLISHER} expected, and his key did not make this signature"
    )


@pytest.mark.parametrize(
    "key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())]
)
def test_a_key_that_oms_has_not_is_refused_before_it_is_signed(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
) -> None:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    rule = EvidenceRule(pattern="**", kind="oms-key", identity="Ada", key=public.decode())

    with pytest.raises(UsageError, match="the key is not ECDSA on P-256, P-384 or P-521"):
        check_rule(rule)


# What the files say.


def test_row_12_a_valid_bundle_of_another_module_of_the_same_publisher_is_refused() -> None:
    signed = ADA.signed(statement(OTHER))
    assert check(signed, [ADA.rule], subject(OTHER), at=NOW).identity == PUBLISHER

    assert refusal(signed, ADA.rule) == (
        "signs other files: `variables/variables.data-00000-of-00001` differs"
    )


def renamed(old: str, new: str) -> dict[str, bytes]:
    return {new if name == old else name: content for name, content in MODULE.items()}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param(
            {**MODULE, ".git/evil.so": b"code"},
            "a file that is not signed: `.git/evil.so`",
            id="row 14: an extra file in a path that signers ignore",
        ),
        pytest.param(
            renamed("saved_model.pb", "z.pb"),
            "a file that is not signed: `z.pb`; signed but missing: `saved_model.pb`",
            id="row 14: a renamed file, by which the root digest does not change",
        ),
        pytest.param(
            {name: content for name, content in MODULE.items() if name != "saved_model.pb"},
            "signed but missing: `saved_model.pb`",
            id="row 14: a missing file",
        ),
        pytest.param(
            {**MODULE, "saved_model.pb": b"x", "variables/variables.index": b"y"},
            "signs other files: `saved_model.pb`, `variables/variables.index` differ",
            id="two files differ",
        ),
        pytest.param(
            {**MODULE, **{f"assets/{n}": b"" for n in range(5)}},
            "files that are not signed: `assets/0`, `assets/1`, `assets/2` and 2 more",
            id="more files than anybody reads",
        ),
        pytest.param(
            {**MODULE, ".gitignore": b"", "model.sig": b"not the bundle"},
            "files that are not signed: `.gitignore`, `model.sig`",
            id="nothing that the signer ignored is ignored",
        ),
        pytest.param(
            {},
            "signed but missing: `saved_model.pb`, `variables/variables.data-00000-of-00001`, "
            "`variables/variables.index`",
            id="no file at all",
        ),
    ],
)
def test_every_file_counts(files: dict[str, bytes], why: str) -> None:
    assert refusal(ADA.signed(), ADA.rule, of=subject(files)) == why


def test_the_bundle_itself_may_lie_in_the_modules_root() -> None:
    signed = ADA.signed()

    beside = subject({**MODULE, "model.sig": signed})
    assert check(signed, [ADA.rule], beside, at=NOW).identity == PUBLISHER
    for name in ("assets/model.sig", "saved_model.pbtxt", "keras_metadata.pb"):
        said = refusal(signed, ADA.rule, of=subject({**MODULE, name: signed}))
        assert said == f"a file that is not signed: `{name}`"


# What is signed, and is not taken.

Made = dict[str, Any]
RESOURCE = {"name": "saved_model.pb", "algorithm": "sha256", "digest": sha256(b"")}


def changed(change: Callable[[Made], object]) -> Made:
    made = statement()
    change(made)
    return made


def serialized(**fields: object) -> Made:
    return changed(lambda made: made["predicate"]["serialization"].update(fields))


def naming(name: str) -> Made:
    return with_root_digest(
        changed(lambda made: made["predicate"]["resources"].append({**RESOURCE, "name": name}))
    )


def with_file(**fields: str) -> Made:
    return changed(lambda made: made["predicate"]["resources"][0].update(fields))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        pytest.param(
            changed(lambda made: made.update(predicateType="https://model_signing/Digests/v0.1")),
            "a predicate of type `https://model_signing/Digests/v0.1`, not ",
            id="the predicate of release 0.2",
        ),
        pytest.param(
            changed(lambda made: made.update(_type="https://in-toto.io/Statement/v0.1")),
            "a statement of type `https://in-toto.io/Statement/v0.1`, not ",
            id="an older statement",
        ),
        pytest.param(
            serialized(method="shards", shard_size=1000),
            "it signs by `shards`, and only whole `files` are taken",
            id="by shards",
        ),
        pytest.param(
            serialized(hash_type="blake2b"),
            "it signs `blake2b` digests, and only sha256 is taken",
            id="BLAKE2b",
        ),
        pytest.param(serialized(hash_type="sha512"), "it signs `sha512` digests", id="SHA-512"),
        pytest.param(
            serialized(allow_symlinks=True), "it allows symbolic links", id="symbolic links"
        ),
        pytest.param(
            changed(lambda made: made["predicate"]["serialization"].pop("allow_symlinks")),
            "it allows symbolic links",
            id="nothing said of symbolic links",
        ),
        pytest.param(
            serialized(allow_symlinks="false"), "it signs no list of files: ", id="a text for a no"
        ),
        pytest.param(
            with_file(algorithm="sha512"),
            "the digest of `saved_model.pb` is not a sha256",
            id="a file by SHA-512",
        ),
        pytest.param(
            with_file(digest="ab" * 64),
            "the digest of `saved_model.pb` is not a sha256",
            id="a digest of 64 bytes",
        ),
        pytest.param(
            with_file(digest=sha256(MODULE["saved_model.pb"]).upper()),
            "the digest of `saved_model.pb` is not a sha256",
            id="a digest in capitals",
        ),
        pytest.param(
            naming("saved_model.pb"),
            "it names `saved_model.pb` twice",
            id="row 14: a duplicate member",
        ),
        pytest.param(
            naming("../x"),
            "a file that no module has: '../x' has a '..' segment",
            id="out of the module",
        ),
        pytest.param(
            naming("/etc/x"),
            "a file that no module has: '/etc/x' has an absolute name",
            id="an absolute name",
        ),
        pytest.param(naming("a\\b"), "has a backslash in its name", id="a backslash"),
        pytest.param(naming("a//b"), "has an empty segment", id="an empty segment"),
        pytest.param(naming(""), "has an empty name", id="an empty name"),
        pytest.param(naming("./x"), "it names `./x`, and not `x`", id="another spelling"),
        pytest.param(
            changed(lambda made: made["subject"][0]["digest"].update(sha256="0" * 64)),
            "its subject is not the digest of the files",
            id="another root digest",
        ),
        pytest.param(
            changed(lambda made: made["subject"].append(made["subject"][0])),
            "its subject is not the digest of the files",
            id="two subjects",
        ),
        pytest.param(
            changed(lambda made: made.update(subject=[])),
            "its subject is not the digest of the files",
            id="no subject",
        ),
        pytest.param(
            changed(lambda made: made["predicate"].pop("resources")),
            "it signs no list of files: ",
            id="no list",
        ),
        pytest.param(b"hello", "it signs no list of files: ", id="no JSON"),
        pytest.param(b"\xff{}", "it signs no list of files: ", id="no UTF-8"),
        pytest.param(
            b'{"x":' + b"[" * 200_000, "it signs no list of files: it is nested", id="deep JSON"
        ),
    ],
)
def test_a_list_of_another_shape_is_refused_although_it_is_signed(made: object, why: str) -> None:
    assert why in refusal(ADA.signed(made), ADA.rule)


def test_fields_that_a_later_signer_adds_are_let_be() -> None:
    made = statement()
    made["predicate"]["annotations"] = {"licence": "Apache-2.0"}
    made["predicate"]["resources"][0]["size"] = 14

    assert check(ADA.signed(made), [ADA.rule], subject(), at=NOW).identity == PUBLISHER


# The envelope and the bundle.


def enveloped(change: Callable[[Made], object]) -> bytes:
    bundle = ADA.bundle()
    change(bundle["dsseEnvelope"])
    return json.dumps(bundle).encode()


def material(**fields: object) -> bytes:
    return ADA.signed(verificationMaterial=fields)


def signed_without_its_type() -> bytes:
    """As release 0.2 signed: another encoding before the payload."""
    bundle = ADA.bundle()
    payload = json.dumps(statement()).encode()
    bundle["dsseEnvelope"]["signatures"] = ADA.envelope(payload, "")["signatures"]
    return json.dumps(bundle).encode()


KEY = {"hint": ""}
CERTIFICATE = {"rawBytes": "AAAA"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(
            enveloped(lambda made: made["signatures"].append(made["signatures"][0])),
            "2 signatures in one bundle, not one",
            id="two signatures",
        ),
        pytest.param(
            enveloped(lambda made: made.update(signatures=[])),
            "0 signatures in one bundle, not one",
            id="no signature",
        ),
        pytest.param(
            ADA.signed(dsseEnvelope=ADA.envelope(statement(), "application/json")),
            "a payload of type `application/json`, not application/vnd.in-toto+json",
            id="another payload type",
        ),
        pytest.param(
            signed_without_its_type(), "his key did not make this", id="another encoding is signed"
        ),
        pytest.param(
            enveloped(lambda made: made.update(payload=made["payload"][:-3])),
            "not an OpenSSF Model Signing bundle: Invalid base64",
            id="truncated base64",
        ),
        pytest.param(
            enveloped(lambda made: made["signatures"][0].update(sig="AAAA")),
            "his key did not make this",
            id="a signature of three bytes",
        ),
        pytest.param(
            enveloped(lambda made: made["signatures"][0].update(sig="")),
            "his key did not make this",
            id="an empty signature",
        ),
        pytest.param(
            ADA.signed(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.1"),
            "a bundle of type `application/vnd.dev.sigstore.bundl",
            id="an older bundle",
        ),
        pytest.param(material(), "a bundle must name a key, a", id="no material"),
        pytest.param(
            material(publicKey=KEY, certificate=CERTIFICATE),
            "a bundle must name a key, a",
            id="a key and a certificate",
        ),
        pytest.param(ADA.signed()[:-9], "not an OpenSSF Model", id="cut"),
        pytest.param(ADA.signed() + b"{}", "not an OpenSSF Model", id="something behind it"),
        pytest.param(b"{}", "not an OpenSSF Model Signing bundle: Object missing", id="empty"),
        pytest.param(b'{"mediaType":"\xff"}', "not an OpenSSF Model Signing", id="no UTF-8"),
        pytest.param(
            b'{"x":' + b'{"x":' * 200_000 + b"1" + b"}" * 200_001,
            "not an OpenSSF Model Signing bundle: it is nested too deep",
            id="deep JSON",
        ),
    ],
)
def test_a_bundle_of_another_shape_is_refused(data: bytes, why: str) -> None:
    assert why in refusal(data, ADA.rule)


def test_a_name_is_shown_short_and_printable() -> None:
    said = refusal(ADA.signed(naming("\x1b[2J" + "x" * 400)), ADA.rule)

    assert said.isprintable()
    assert len(said) < 180
