"""A sigstore of our own: a CA that names identities, its certificate log, and a signature log.

Everything that a bundle proves, it proves with keys made here. Its time is the year 2024, so
that each certificate, which lives for ten minutes, has long expired.
"""

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from hubproxy.core.policy import EvidenceRule
from tests.trust.evidence.publisher import PUBLISHER, Publisher

THEN = datetime(2024, 3, 1, 12, tzinfo=UTC)
ISSUER = "https://login.publisher.example"
_TEN_MINUTES = timedelta(minutes=10)
ISSUER_OID = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_TIMESTAMPS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki(key)).digest()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(SHA256()))


class Sigstore:
    """The keys of one instance."""

    def __init__(self) -> None:
        self._ca, self._certificate_log, self._log = _new_key(), _new_key(), _new_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sigstore of the tests")])
        self._root = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._ca.public_key())
            .serial_number(1)
            .not_valid_before(THEN - timedelta(days=1))
            .not_valid_after(THEN + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._ca.public_key()), critical=False
            )
            .sign(self._ca, SHA256())
        )

    @property
    def trusted_root(self) -> str:
        """What officers pin."""
        start = {"start": "2020-01-01T00:00:00Z"}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": "https://log.publisher.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": start,
                },
                "logId": {"keyId": b64(log_id(key))},
            }

        root = b64(self._root.public_bytes(Encoding.DER))
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self._log)],
                "ctlogs": [log(self._certificate_log)],
                "certificateAuthorities": [
                    {
                        "subject": {"organization": "tests", "commonName": "tests"},
                        "uri": "https://ca.publisher.example",
                        "certChain": {"certificates": [{"rawBytes": root}]},
                        "validFor": start,
                    }
                ],
                "timestampAuthorities": [],
            }
        )

    def rule(self, identity: str = PUBLISHER, issuer: str = ISSUER) -> EvidenceRule:
        return EvidenceRule(
            pattern="**",
            kind="sigstore",
            identity=identity,
            issuer=issuer,
            trusted_root=self.trusted_root,
        )

    def bundle(
        self,
        made: object = None,
        *,
        identity: str = PUBLISHER,
        issuer: str = ISSUER,
        logged_at: datetime = THEN + timedelta(minutes=1),
        payload_type: str = "application/vnd.in-toto+json",
    ) -> dict[str, Any]:
        """What somebody signs who has proven his identity at `THEN`, entered into the log."""
        key = _new_key()
        leaf = self._leaf(key, identity, issuer)
        der = leaf.public_bytes(Encoding.DER)
        signer = Publisher(key, {"certificate": {"rawBytes": b64(der)}})
        bundle = signer.bundle(made)
        if payload_type != "application/vnd.in-toto+json":
            payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
            bundle["dsseEnvelope"] = signer.envelope(payload, payload_type)
        entry = self._entry(bundle["dsseEnvelope"], leaf, logged_at)
        bundle["verificationMaterial"]["tlogEntries"] = [entry]
        return bundle

    def signed(self, made: object = None, **how: Any) -> bytes:
        return json.dumps(self.bundle(made, **how)).encode()

    def _leaf(
        self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(THEN)
            .not_valid_after(THEN + _TEN_MINUTES)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(ISSUER_OID, issuer.encode()), critical=False)
        )
        proof = self._timestamp(builder.sign(self._ca, SHA256()).tbs_certificate_bytes)
        listed = struct.pack(">HH", len(proof) + 2, len(proof)) + proof
        octets = b"\x04" + bytes([len(listed)]) + listed
        extension = x509.UnrecognizedExtension(_TIMESTAMPS, octets)
        return builder.add_extension(extension, critical=False).sign(self._ca, SHA256())

    def _timestamp(self, certificate: bytes) -> bytes:
        """The certificate log's promise (RFC 6962, section 3.2) to list a certificate."""
        when = int(THEN.timestamp() * 1000)
        entry = log_id(self._ca) + len(certificate).to_bytes(3) + certificate
        signed = struct.pack(">BBQH", 0, 0, when, 1) + entry + b"\0\0"
        signature = _sign(self._certificate_log, signed)
        return (
            struct.pack(">B32sQH", 0, log_id(self._certificate_log), when, 0)
            + struct.pack(">BBH", 4, 3, len(signature))
            + signature
        )

    def _entry(
        self, envelope: dict[str, Any], leaf: x509.Certificate, at: datetime
    ) -> dict[str, Any]:
        """The first and only entry of a log, with the proof that it is in it."""
        payload = base64.b64decode(envelope["payload"])
        [signature] = envelope["signatures"]
        body = json.dumps(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": _hash(json.dumps(envelope).encode()),
                    "payloadHash": _hash(payload),
                    "signatures": [
                        {
                            "signature": signature["sig"],
                            "verifier": b64(leaf.public_bytes(Encoding.PEM)),
                        }
                    ],
                },
            }
        ).encode()
        root = hashlib.sha256(b"\0" + body).digest()
        name, when = log_id(self._log), int(at.timestamp())
        note = f"log.publisher.example - 1\n1\n{b64(root)}\n"
        note_signature = b64(name[:4] + _sign(self._log, note.encode()))
        promised = {"body": b64(body), "integratedTime": when, "logID": name.hex(), "logIndex": 0}
        canonical = json.dumps(promised, separators=(",", ":"), sort_keys=True).encode()
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(name)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(when),
            "inclusionPromise": {"signedEntryTimestamp": b64(_sign(self._log, canonical))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n— log.publisher.example {note_signature}\n"},
            },
            "canonicalizedBody": b64(body),
        }


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})
