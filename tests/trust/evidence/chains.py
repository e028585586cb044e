"""Certificate authorities and what they issue, by the real openssl."""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from hubproxy.core.policy import EvidenceRule
from tests.trust.evidence.publisher import PUBLISHER, Publisher

_CA = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
CODE = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=codeSigning",
)
TLS = (CODE[0], "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth")


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and who issued it."""

    pem: Path
    key: Path
    above: "Issued | None" = None

    @property
    def text(self) -> str:
        return self.pem.read_text()

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem.read_bytes())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> list["Issued"]:
        """Itself and those above it, without the root."""
        return [self, *self.above.chain] if self.above else []


class Authority:
    """A root, an intermediate below it, and whatever the intermediate is told to issue."""

    def __init__(self, folder: Path, *, limits: tuple[str, ...] = (), days: int = 3650) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._count = folder, 0
        (folder / "empty.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n")
        self.root = self.issue("Publisher Root", _CA, by=None, days=3650)
        self.intermediate = self.issue("Publisher CA", (*_CA, *limits), by=self.root, days=days)

    def issue(
        self,
        name: str,
        extensions: tuple[str, ...],
        *,
        by: Issued | None,
        curve: str = "P-256",
        days: int = 30,
    ) -> Issued:
        self._count += 1
        pem, key = (self._folder / f"{self._count}.{end}" for end in ("pem", "key"))
        algorithm = ("rsa:3072",) if curve == "RSA" else ("ec", "-pkeyopt", _curve(curve))
        subprocess.run(
            ["openssl", "req", "-x509", "-config", self._folder / "empty.cnf", "-nodes",
             "-newkey", *algorithm, "-keyout", key, "-out", pem, "-days", str(days),
             "-subj", f"/CN={name}", *(("-CA", by.pem, "-CAkey", by.key) if by else ()),
             *(word for extension in extensions for word in ("-addext", extension)),
             "-addext", "subjectKeyIdentifier=hash", "-addext", "authorityKeyIdentifier=keyid"],
            capture_output=True, check=True,
        )  # fmt: skip
        return Issued(pem, key, by)

    def leaf(
        self,
        *extensions: str,
        name: str = f"email:{PUBLISHER}",
        curve: str = "P-256",
        by: Issued | None = None,
    ) -> Issued:
        """What signs: for code, in the name of the publisher, unless told otherwise."""
        wanted = (*(extensions or CODE), *((f"subjectAltName={name}",) if name else ()))
        return self.issue("Release signing", wanted, by=by or self.intermediate, curve=curve)

    def rule(self, identity: str = PUBLISHER) -> EvidenceRule:
        return EvidenceRule(
            pattern="**", kind="oms-certificate", identity=identity, roots=self.root.text
        )


def publisher(leaf: Issued, chain: list[Issued] | None = None) -> Publisher:
    """Somebody who signs with a leaf's key and shows its chain."""
    key = load_pem_private_key(leaf.key.read_bytes(), None)
    shown = [one.der for one in (leaf.chain if chain is None else chain)]
    # A key of another kind signs nothing here: another one stands in for it.
    signs = key if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return Publisher(signs, shown_as(shown))


def shown_as(chain: list[bytes]) -> dict[str, object]:
    certificates = [{"rawBytes": base64.b64encode(der).decode()} for der in chain]
    return {"x509CertificateChain": {"certificates": certificates}}


def _curve(name: str) -> str:
    return f"ec_paramgen_curve:{name}"
