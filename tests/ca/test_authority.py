import pickle
import traceback
from datetime import timedelta
from time import perf_counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.ca.authority import OWN, Authority
from hubproxy.ca.certificates import LEAF_LIFE, ROOT_LIFE, SKEW
from hubproxy.errors import AuthorityError, HostNotPermittedError
from tests.ca.forging import NOW, key_pem, new_authority
from tests.ca.leaks import spellings


def test_a_leaf_comes_with_its_key_and_without_the_root() -> None:
    leaf = new_authority("tfhub.dev").issue("tfhub.dev", now=NOW)
    (certificate,) = x509.load_pem_x509_certificates(leaf.chain_pem)
    key = load_pem_private_key(leaf.key_pem, None)
    assert key.public_key() == certificate.public_key()
    assert leaf.expires == certificate.not_valid_after_utc


def test_clients_trust_the_root_by_its_fingerprint() -> None:
    authority = new_authority("tfhub.dev")
    (root,) = x509.load_pem_x509_certificates(authority.certificate_pem)
    assert authority.fingerprint == root.fingerprint(root.signature_hash_algorithm).hex()  # type: ignore[arg-type]  # it has one
    assert len(authority.fingerprint) == 64
    assert authority.expires == root.not_valid_after_utc
    assert authority.hosts == ("tfhub.dev",)


def test_a_leaf_is_renewed_after_two_thirds_of_its_life() -> None:
    leaf = new_authority("tfhub.dev").issue("tfhub.dev", now=NOW)
    assert leaf.renew_at == NOW + (leaf.expires - NOW) * 2 / 3
    assert abs(leaf.renew_at - NOW - LEAF_LIFE * 2 / 3) < timedelta(seconds=1)


@given(st.timedeltas(timedelta(0), ROOT_LIFE - timedelta(seconds=2)))
def test_a_leaf_lives_between_its_ca_s_beginning_and_end(after: timedelta) -> None:
    authority = new_authority("tfhub.dev")
    now = NOW + after
    leaf = authority.issue("tfhub.dev", now=now)
    found = x509.load_pem_x509_certificate(leaf.chain_pem)
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    assert authority.issuer.not_valid_before_utc <= begins <= now - SKEW + timedelta(seconds=1)
    assert now < ends <= min(authority.expires, now + LEAF_LIFE)
    assert now < leaf.renew_at < leaf.expires == ends


def test_in_the_last_days_of_a_ca_a_leaf_ends_with_it() -> None:
    authority = new_authority("tfhub.dev")
    leaf = authority.issue("tfhub.dev", now=authority.expires - timedelta(days=3))
    assert leaf.expires == authority.expires
    assert leaf.renew_at == authority.expires - timedelta(days=1)


@pytest.mark.parametrize(
    "host",
    ["example.com", "eviltfhub.dev", "dev", "10.0.0.1", "::1", "*.tfhub.dev", "TFHUB.dev", ""],
)
def test_a_host_that_the_ca_does_not_permit_has_no_leaf(host: str) -> None:
    authority = new_authority("tfhub.dev")
    assert not authority.permits(host)
    with pytest.raises(HostNotPermittedError, match="does not permit") as told:
        authority.issue(host, now=NOW)
    assert "`hubproxy ca rotate`" in told.value.remedy


@pytest.mark.parametrize(
    ("now", "said", "remedy"),
    [
        pytest.param(NOW + ROOT_LIFE, "expired on", "`hubproxy ca rotate`", id="expired"),
        pytest.param(NOW - timedelta(days=1), "not valid before", "clock", id="not-yet"),
    ],
)
def test_a_ca_signs_nothing_outside_of_its_time(now: object, said: str, remedy: str) -> None:
    with pytest.raises(AuthorityError, match=said) as told:
        new_authority("tfhub.dev").issue("tfhub.dev", now=now)  # type: ignore[arg-type]  # it is one
    assert remedy in told.value.remedy


def test_the_remedy_for_an_own_ca_is_not_to_rotate_ours() -> None:
    ours = new_authority("tfhub.dev")
    own = Authority(ours.certificates, ours._key, remedy=OWN)
    with pytest.raises(HostNotPermittedError) as told:
        own.issue("example.com", now=NOW)
    assert "forward.ca_certificate" in told.value.remedy
    assert "rotate" not in told.value.remedy


def test_a_leaf_is_issued_within_five_milliseconds() -> None:
    authority = new_authority("tfhub.dev")
    taken = []
    for _ in range(100):
        begun = perf_counter()
        authority.issue("www.tfhub.dev", now=NOW)
        taken.append(perf_counter() - begun)
    assert sorted(taken)[50] < 0.005


def test_no_key_is_in_what_objects_say_of_themselves() -> None:
    authority = new_authority("tfhub.dev")
    leaf = authority.issue("tfhub.dev", now=NOW)
    said = "".join(f"{one!r}{one!s}" for one in (authority, leaf, [authority], {"leaf": leaf}))
    assert authority.fingerprint in said
    for pem in (key_pem(authority._key), leaf.key_pem):
        for spelling in spellings(pem):
            assert spelling not in said.encode()


def test_no_key_is_in_the_errors() -> None:
    authority = new_authority("tfhub.dev")
    for host, now in (("example.com", NOW), ("tfhub.dev", NOW + ROOT_LIFE)):
        try:
            authority.issue(host, now=now)
        except AuthorityError as error:
            said = "".join(traceback.format_exception(error)) + repr(error) + error.remedy
        for spelling in spellings(key_pem(authority._key)):
            assert spelling not in said.encode()


def test_a_ca_cannot_be_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(new_authority("tfhub.dev"))
