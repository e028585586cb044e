"""Signatures by the real minisign, of an archive as upstream sends it."""

import base64
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hubproxy.core.policy import EvidenceRule
from hubproxy.errors import UsageError
from hubproxy.trust.evidence import check, check_rule, needed
from tests.archives import MODEL, tar_of
from tests.trust.evidence.publisher import NOW, OTHER, needs, refusal, subject

pytestmark = needs("minisign")

ARCHIVE = tar_of(MODEL)
OF_ARCHIVE = subject(MODEL, ARCHIVE)


@dataclass(frozen=True)
class Minisigner:
    """Somebody with a minisign key, made without a password."""

    folder: Path

    @classmethod
    def new(cls, folder: Path) -> "Minisigner":
        folder.mkdir()
        run("minisign", "-G", "-W", "-p", folder / "key.pub", "-s", folder / "key")
        return cls(folder)

    @property
    def public(self) -> str:
        return (self.folder / "key.pub").read_text()

    @property
    def name(self) -> str:
        return self.public.split()[5]

    @property
    def rule(self) -> EvidenceRule:
        key = self.public.splitlines()[1]
        return EvidenceRule(pattern="**", kind="minisign", identity="Ada", key=key)

    def sign(self, archive: bytes, *options: str) -> bytes:
        (self.folder / "module.tar.gz").write_bytes(archive)
        run("minisign", "-S", *options, "-s", self.folder / "key", "-t", "spice 2",
            "-m", self.folder / "module.tar.gz", "-x", self.folder / "sig")  # fmt: skip
        return (self.folder / "sig").read_bytes()


def run(*words: str | Path) -> None:
    subprocess.run(words, capture_output=True, check=True)


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Minisigner:
    return Minisigner.new(tmp_path_factory.mktemp("ada") / "keys")


def test_a_signature_of_what_upstream_sent_is_taken(ada: Minisigner) -> None:
    check_rule(ada.rule)
    signature = ada.sign(ARCHIVE)

    found = check(signature, [ada.rule], OF_ARCHIVE, at=NOW)

    assert (found.kind, found.identity) == ("minisign", "Ada")
    assert needed(signature) == {"blake2b"}


def test_the_rules_key_may_be_the_whole_file(ada: Minisigner) -> None:
    rule = EvidenceRule(pattern="**", kind="minisign", identity="Ada", key=ada.public)

    assert check(ada.sign(ARCHIVE), [rule], OF_ARCHIVE, at=NOW).identity == "Ada"


def test_line_ends_of_windows_are_taken(ada: Minisigner) -> None:
    signature = ada.sign(ARCHIVE).replace(b"\n", b"\r\n")

    assert check(signature, [ada.rule], OF_ARCHIVE, at=NOW).identity == "Ada"


def test_row_12_a_signature_of_another_archive_of_the_same_publisher_is_refused(
    ada: Minisigner,
) -> None:
    other = tar_of(OTHER)

    assert refusal(ada.sign(other), ada.rule, of=OF_ARCHIVE) == (
        "the signature is not one by Ada of what upstream sent"
    )


def test_another_key_is_refused_by_its_name(ada: Minisigner, tmp_path: Path) -> None:
    eve = Minisigner.new(tmp_path / "eve")

    assert refusal(eve.sign(ARCHIVE), ada.rule, of=OF_ARCHIVE) == (
        f"identity Ada (key {ada.name}) expected, key {eve.name} found"
    )


def test_the_older_form_is_refused_by_name(ada: Minisigner) -> None:
    assert refusal(ada.sign(ARCHIVE, "-l"), ada.rule, of=OF_ARCHIVE) == (
        "minisign's older form, which signs no digest"
    )


def test_without_upstreams_archive_nothing_can_be_said(ada: Minisigner) -> None:
    with pytest.raises(UsageError, match="the blake2b of upstream's archive is not known"):
        check(ada.sign(ARCHIVE), [ada.rule], subject(MODEL), at=NOW)


def forged_name(signature: bytes) -> bytes:
    """Eve's signature under Ada's key id."""
    lines = signature.split(b"\n")
    name = base64.b64decode(lines[1])[2:10]
    eve = Ed25519PrivateKey.generate()
    made = eve.sign(bytes.fromhex(OF_ARCHIVE.original.blake2b))  # type: ignore[union-attr]  # it has
    lines[1] = base64.b64encode(b"ED" + name + made)
    lines[3] = base64.b64encode(eve.sign(made + b"spice 2"))
    return b"\n".join(lines)


def line(at: int, text: bytes) -> Callable[[bytes], bytes]:
    """Puts another line in the place of one."""

    def change(signature: bytes) -> bytes:
        lines = signature.split(b"\n")
        lines[at] = text
        return b"\n".join(lines)

    return change


DAMAGED = "a damaged minisign signature: it has not the four lines that one has"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            forged_name,
            "the signature is not one by Ada of what upstream sent",
            id="a stranger who uses the key's name",
        ),
        pytest.param(
            line(2, b"trusted comment: spice 3"),
            "the signature is not one by Ada of its trusted comment",
            id="another trusted comment",
        ),
        pytest.param(
            line(3, base64.b64encode(bytes(64))),
            "the signature is not one by Ada of its trusted comment",
            id="an unsigned trusted comment",
        ),
        pytest.param(lambda made: b"\n".join(made.split(b"\n")[:2]), DAMAGED, id="no comment"),
        pytest.param(line(2, b"comment: spice 2"), DAMAGED, id="an untrusted comment"),
        pytest.param(line(1, b"RU!x"), DAMAGED, id="no base64"),
        pytest.param(line(1, base64.b64encode(b"ED" + bytes(70))), DAMAGED, id="short"),
        pytest.param(line(1, base64.b64encode(b"XX" + bytes(72))), DAMAGED, id="unknown"),
        pytest.param(line(3, base64.b64encode(bytes(63))), DAMAGED, id="short at its end"),
        pytest.param(lambda made: made + b"more\n", DAMAGED, id="something behind it"),
        pytest.param(lambda made: made[:40], DAMAGED, id="cut"),
    ],
)
def test_a_changed_signature_is_refused(
    ada: Minisigner, change: Callable[[bytes], bytes], why: str
) -> None:
    assert refusal(change(ada.sign(ARCHIVE)), ada.rule, of=OF_ARCHIVE) == why
