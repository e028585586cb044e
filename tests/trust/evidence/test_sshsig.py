"""Signatures by the real ssh-keygen, of an archive as upstream sends it."""

import base64
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from hubproxy.core.policy import EvidenceRule
from hubproxy.errors import UsageError
from hubproxy.trust.evidence import check, check_rule, needed
from tests.archives import MODEL, tar_of
from tests.trust.evidence.publisher import NOW, OTHER, needs, refusal, subject

pytestmark = needs("ssh-keygen")

ARCHIVE = tar_of(MODEL)
OF_ARCHIVE = subject(MODEL, ARCHIVE)
BEGIN, END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"


@dataclass(frozen=True)
class Signer:
    """Somebody with an SSH key."""

    key: Path

    @classmethod
    def new(cls, folder: Path, kind: str = "ed25519", bits: int = 0) -> "Signer":
        folder.mkdir(exist_ok=True)
        key = folder / f"{kind}{bits}"
        run("ssh-keygen", "-q", "-t", kind, *(("-b", str(bits)) if bits else ()), "-N", "",
            "-C", "ada", "-f", key)  # fmt: skip
        return cls(key)

    @property
    def public(self) -> str:
        return self.key.with_suffix(".pub").read_text()

    @property
    def fingerprint(self) -> str:
        return run("ssh-keygen", "-l", "-f", self.key).split()[1]

    @property
    def rule(self) -> EvidenceRule:
        return EvidenceRule(pattern="**", kind="sshsig", identity="ada@x.example", key=self.public)

    def sign(
        self, archive: bytes = ARCHIVE, *options: str, namespace: str = "hubproxy-archive"
    ) -> bytes:
        file = self.key.with_suffix(".tar.gz")
        file.write_bytes(archive)
        made = file.with_name(f"{file.name}.sig")
        made.unlink(missing_ok=True)
        run("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", self.key, *options, file)
        return made.read_bytes()


def run(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.new(tmp_path_factory.mktemp("ada"))


@pytest.mark.parametrize(
    ("kind", "bits"),
    [("ed25519", 0), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 3072)],
)
@pytest.mark.parametrize("digest", ["sha512", "sha256"])
def test_a_signature_of_what_upstream_sent_is_taken(
    tmp_path: Path, kind: str, bits: int, digest: str
) -> None:
    ada = Signer.new(tmp_path, kind, bits)
    check_rule(ada.rule)
    signature = ada.sign(ARCHIVE, "-O", f"hashalg={digest}")

    found = check(signature, [ada.rule], OF_ARCHIVE, at=NOW)

    assert (found.kind, found.identity) == ("sshsig", "ada@x.example")
    assert needed(signature) == {digest}


def test_row_12_a_signature_of_another_archive_of_the_same_publisher_is_refused(
    ada: Signer,
) -> None:
    assert refusal(ada.sign(tar_of(OTHER)), ada.rule, of=OF_ARCHIVE) == (
        "the signature is not one by ada@x.example of what upstream sent"
    )


@pytest.mark.parametrize(("kind", "bits"), [("ecdsa", 256), ("rsa", 3072)])
def test_a_signature_of_something_else_is_refused_by_each_kind_of_key(
    tmp_path: Path, kind: str, bits: int
) -> None:
    ada = Signer.new(tmp_path, kind, bits)

    assert refusal(ada.sign(b"something else"), ada.rule, of=OF_ARCHIVE) == (
        "the signature is not one by ada@x.example of what upstream sent"
    )


def test_another_key_is_refused_by_its_fingerprint(ada: Signer, tmp_path: Path) -> None:
    eve = Signer.new(tmp_path)

    assert refusal(eve.sign(), ada.rule, of=OF_ARCHIVE) == (
        f"identity ada@x.example ({ada.fingerprint}) expected, {eve.fingerprint} found"
    )


@pytest.mark.parametrize("namespace", ["git", "file", "hubproxy-archive2"])
def test_a_signature_for_another_purpose_is_refused(ada: Signer, namespace: str) -> None:
    signature = ada.sign(namespace=namespace)

    assert refusal(signature, ada.rule, of=OF_ARCHIVE) == (
        f"an SSH signature for the namespace `{namespace}`, not hubproxy-archive"
    )


def test_a_small_rsa_key_is_refused_before_it_is_signed(tmp_path: Path) -> None:
    ada = Signer.new(tmp_path, "rsa", 2048)

    with pytest.raises(UsageError, match="its RSA key has 2048 bits, not 3072"):
        check_rule(ada.rule)
    with pytest.raises(UsageError, match="its RSA key has 2048 bits, not 3072"):
        check(ada.sign(), [ada.rule], OF_ARCHIVE, at=NOW)


def test_without_upstreams_archive_nothing_can_be_said(ada: Signer) -> None:
    with pytest.raises(UsageError, match="the sha512 of upstream's archive is not known"):
        check(ada.sign(), [ada.rule], subject(MODEL), at=NOW)


def test_an_rsa_signature_by_a_weaker_hash_is_refused_by_name(tmp_path: Path) -> None:
    """One that is good: only its kind is wrong."""
    ada = Signer.new(tmp_path, "rsa", 3072)
    key = load_ssh_private_key(ada.key.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    parts = opened(ada.sign())
    signed = b"SSHSIG" + b"".join(
        string(part) for part in (b"hubproxy-archive", b"", b"sha512", OF_ARCHIVE.digest("sha512"))
    )
    made = key.sign(signed, padding.PKCS1v15(), SHA256())
    parts[4] = string(b"rsa-sha2-256") + string(made)

    assert refusal(closed(parts), ada.rule, of=OF_ARCHIVE) == (
        "an SSH signature `rsa-sha2-256` by a key of type `ssh-rsa`"
    )


# Changed by hand. The parts: key, namespace, reserved, digest's name, signature.


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def opened(signature: bytes) -> list[bytes]:
    blob = base64.b64decode(signature.removeprefix(BEGIN).removesuffix(END))
    at, parts = 10, []
    while at < len(blob):
        (size,) = struct.unpack(">I", blob[at : at + 4])
        parts.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return parts


def closed(
    parts: list[bytes], *, magic: bytes = b"SSHSIG", version: int = 1, more: bytes = b""
) -> bytes:
    blob = magic + struct.pack(">I", version) + b"".join(map(string, parts)) + more
    return BEGIN + base64.encodebytes(blob) + END


def part(at: int, text: bytes) -> Callable[[bytes], bytes]:
    """Puts something else in the place of one part."""

    def change(signature: bytes) -> bytes:
        parts = opened(signature)
        parts[at] = text
        return closed(parts)

    return change


NOT_HIS = "the signature is not one by ada@x.example of what upstream sent"
SK = string(b"sk-ssh-ed25519@openssh.com")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            part(4, string(b"ssh-ed25519") + string(bytes(64))), NOT_HIS, id="zeros for a signature"
        ),
        pytest.param(
            part(4, string(b"ssh-ed25519") + string(b"")), NOT_HIS, id="an empty signature"
        ),
        pytest.param(part(2, b"reserved"), NOT_HIS, id="a reserved field that is not signed"),
        pytest.param(part(3, b"sha256"), NOT_HIS, id="another digest's name"),
        pytest.param(
            part(3, b"sha1"),
            "an SSH signature of a `sha1` digest, not sha512 or sha256",
            id="SHA-1",
        ),
        pytest.param(
            part(0, SK + string(bytes(32)) + string(b"ssh:")),
            "an SSH signature `ssh-ed25519` by a key of type `sk-ssh-ed25519@openssh.com`",
            id="a key on a security key",
        ),
        pytest.param(
            part(4, string(b"sk-ssh-ed25519@openssh.com") + string(bytes(64))),
            "an SSH signature `sk-ssh-ed25519@openssh.com` by a key of type `ssh-ed25519`",
            id="a signature by a security key",
        ),
        pytest.param(
            part(0, string(b"ssh-ed25519-cert-v01@openssh.com")),
            "an SSH signature `ssh-ed25519` by a key of type `ssh-ed25519-cert-v01@openssh.com`",
            id="a certificate",
        ),
        pytest.param(
            lambda made: closed(opened(made), version=2),
            "an SSH signature of version 2, not 1",
            id="another version",
        ),
        pytest.param(
            lambda made: closed(opened(made), magic=b"SSHKEY"),
            "a damaged SSH signature: it does not begin as one",
            id="not a signature",
        ),
        pytest.param(
            lambda made: closed(opened(made), more=b"x"),
            "a damaged SSH signature: something follows its end",
            id="something behind it",
        ),
        pytest.param(
            part(4, string(b"ssh-ed25519") + string(bytes(64)) + b"x"),
            "a damaged SSH signature: something follows its end",
            id="something in it",
        ),
        pytest.param(
            lambda made: closed(opened(made)[:4]),
            "a damaged SSH signature: it ends too early",
            id="cut inside",
        ),
        pytest.param(
            part(0, b"\xff\xff\xff\xff"),
            "a damaged SSH signature: it ends too early",
            id="a length of 4 GiB",
        ),
        pytest.param(
            lambda made: made.removesuffix(END),
            "a damaged SSH signature: its armour is not whole",
            id="no end of the armour",
        ),
        pytest.param(
            lambda made: made + b"more\n",
            "a damaged SSH signature: its armour is not whole",
            id="something behind the armour",
        ),
        pytest.param(
            lambda made: BEGIN + b"A\n" + END, "a damaged SSH signature: ", id="truncated base64"
        ),
        pytest.param(part(1, b"\xff"), "a damaged SSH signature: ", id="no ASCII"),
    ],
)
def test_a_changed_signature_is_refused(
    ada: Signer, change: Callable[[bytes], bytes], why: str
) -> None:
    assert refusal(change(ada.sign()), ada.rule, of=OF_ARCHIVE).startswith(why)


def test_line_ends_of_windows_are_taken(ada: Signer) -> None:
    signature = ada.sign().replace(b"\n", b"\r\n")

    assert check(signature, [ada.rule], OF_ARCHIVE, at=NOW).identity == "ada@x.example"


def test_openssh_takes_what_is_taken(ada: Signer, tmp_path: Path) -> None:
    """The namespace and the digest are what `ssh-keygen -Y verify` checks as well."""
    (tmp_path / "allowed").write_text(f"ada@x.example {ada.public}")
    (tmp_path / "sig").write_bytes(ada.sign())
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "ada@x.example",
         "-n", "hubproxy-archive", "-s", tmp_path / "sig"],
        input=ARCHIVE, capture_output=True, check=False,
    )  # fmt: skip
    assert b'Good "hubproxy-archive" signature' in done.stdout
