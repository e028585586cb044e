"""A stranger's bytes are refused, whatever they are: nothing else is ever raised."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubproxy.core.original import Subject
from hubproxy.core.policy import EvidenceRule
from hubproxy.errors import DeniedError
from hubproxy.trust.evidence import check, needed
from tests.trust.evidence import test_minisign as minisign
from tests.trust.evidence import test_model_signing as oms
from tests.trust.evidence import test_sshsig as sshsig
from tests.trust.evidence.publisher import needs, subject


@dataclass(frozen=True)
class Good:
    data: bytes
    rule: EvidenceRule
    of: Subject


def by_key(_: Path) -> Good:
    return Good((oms.MADE / "key.sig").read_bytes(), oms.BY_KEY, subject())


def by_chain(_: Path) -> Good:
    return Good((oms.MADE / "chain.sig").read_bytes(), oms.BY_CHAIN, subject())


def by_minisign(folder: Path) -> Good:
    ada = minisign.Minisigner.new(folder / "keys")
    return Good(ada.sign(minisign.ARCHIVE), ada.rule, minisign.OF_ARCHIVE)


def by_ssh(folder: Path) -> Good:
    ada = sshsig.Signer.new(folder, "ecdsa", 256)
    return Good(ada.sign(), ada.rule, sshsig.OF_ARCHIVE)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(by_key, id="oms-key"),
        pytest.param(by_chain, id="oms-certificate"),
        pytest.param(by_minisign, id="minisign", marks=needs("minisign")),
        pytest.param(by_ssh, id="sshsig", marks=needs("ssh-keygen")),
    ],
)
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Good:
    make: Callable[[Path], Good] = request.param
    return make(tmp_path_factory.mktemp("good"))


def answer(data: bytes, good: Good) -> str:
    """Whose it is, or why it is refused."""
    try:
        return check(data, [good.rule], good.of, at=oms.THEN).identity
    except DeniedError as error:
        return f"{error.code} {error}"


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_signature_with_changed_bytes_is_his_or_refused(good: Good, data: st.DataObject) -> None:
    changed = bytearray(good.data)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        end = data.draw(st.sampled_from([at, at + 1, at + 4]))
        changed[at:end] = data.draw(st.binary(max_size=4))

    said = answer(bytes(changed), good)

    assert said == good.rule.identity or said.startswith("HP-T12 publisher signature: ")
    assert said.isprintable()


@given(
    st.sampled_from([b"", b"{", b"untrusted comment: x\n", b"-----BEGIN SSH SIGNATURE-----\n"]),
    st.binary(max_size=400),
)
def test_bytes_that_begin_like_a_signature_are_refused(begin: bytes, rest: bytes) -> None:
    with pytest.raises(DeniedError):
        needed(begin + rest)
