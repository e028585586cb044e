from ipaddress import ip_network

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.ca.constraints import constraints_for, permits, permitted_hosts, san
from tests.ca.forging import certificate, new_authority

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = (
    st.lists(LABEL, min_size=2, max_size=4)
    .map(".".join)
    .filter(lambda name: not name.replace(".", "").isdigit())
)


def constrained(
    permitted: list[x509.GeneralName] | None, excluded: list[x509.GeneralName] | None
) -> x509.Certificate:
    return certificate(extensions=[x509.NameConstraints(permitted, excluded)])


def network(text: str) -> x509.IPAddress:
    return x509.IPAddress(ip_network(text))


@given(st.lists(NAME, min_size=1, max_size=3), NAME)
def test_exactly_the_hubs_and_names_below_them_are_permitted(hubs: list[str], host: str) -> None:
    root = new_authority(*hubs).issuer
    below = any(host == hub or host.endswith("." + hub) for hub in hubs)
    assert permits(root, host) == below
    for hub in hubs:
        assert permits(root, hub)
        assert permits(root, f"www.{hub}")
    assert permitted_hosts(root) == tuple(dict.fromkeys(hubs))


@given(st.ip_addresses(), st.ip_addresses())
def test_an_address_permits_itself_alone(hub: object, other: object) -> None:
    root = new_authority(str(hub)).issuer
    assert permits(root, str(hub))
    assert permits(root, str(other)) == (hub == other)
    assert not permits(root, "tfhub.dev")
    assert permitted_hosts(root) == (str(ip_network(str(hub))),)


@pytest.mark.parametrize(
    ("hubs", "shut"),
    [
        pytest.param(["tfhub.dev"], {"0.0.0.0/0", "::/0"}, id="names"),
        pytest.param(["10.0.0.1"], {"", "::/0"}, id="version-4"),
        pytest.param(["::1"], {"", "0.0.0.0/0"}, id="version-6"),
        pytest.param(["10.0.0.1", "::1"], {""}, id="both"),
        pytest.param(["10.0.0.1", "tfhub.dev"], {"::/0"}, id="version-4-and-a-name"),
        pytest.param([], {"", "0.0.0.0/0", "::/0"}, id="none"),
    ],
)
def test_a_form_without_a_hub_is_shut_whole(hubs: list[str], shut: set[str]) -> None:
    excluded = constraints_for(hubs).excluded_subtrees
    assert {str(base.value) for base in excluded or ()} == shut


def test_nothing_is_excluded_when_every_form_has_a_hub() -> None:
    assert constraints_for(["tfhub.dev", "10.0.0.1", "::1"]).excluded_subtrees is None


@pytest.mark.parametrize(
    ("permitted", "excluded", "host", "answer"),
    [
        pytest.param([x509.DNSName("a.example")], None, "a.example", True, id="itself"),
        pytest.param([x509.DNSName("A.Example")], None, "a.example", True, id="case"),
        pytest.param([x509.DNSName(".example")], None, "a.example", True, id="dot-below"),
        pytest.param([x509.DNSName(".a.example")], None, "a.example", False, id="dot-itself"),
        pytest.param([x509.DNSName("example")], None, "badexample", False, id="no-whole-label"),
        pytest.param([x509.DNSName("")], None, "a.example", True, id="all"),
        pytest.param(
            None, [x509.DNSName("a.example")], "b.a.example", False, id="excluded"
        ),
        pytest.param(None, [x509.DNSName("a.example")], "b.example", True, id="not-excluded"),
        pytest.param(
            [x509.DNSName("example")], [x509.DNSName("a.example")], "a.example", False,
            id="excluded-wins",
        ),
        pytest.param([x509.DNSName("example")], None, "10.0.0.1", True, id="other-form-is-free"),
        pytest.param([network("10.0.0.0/8")], None, "10.1.2.3", True, id="network"),
        pytest.param([network("10.0.0.0/8")], None, "11.1.2.3", False, id="another-network"),
        pytest.param([network("10.0.0.0/8")], None, "::1", False, id="another-version"),
        pytest.param([network("10.0.0.0/8")], None, "a.example", True, id="names-are-free"),
        pytest.param(None, [network("::/0")], "::1", False, id="excluded-network"),
        pytest.param([x509.RFC822Name("example")], None, "a.example", True, id="mail-is-not-asked"),
    ],
)  # fmt: skip
def test_any_constraints_are_judged_as_clients_do(
    permitted: list[x509.GeneralName] | None,
    excluded: list[x509.GeneralName] | None,
    host: str,
    answer: bool,
) -> None:
    assert permits(constrained(permitted, excluded), host) is answer


@pytest.mark.parametrize(
    "host",
    ["", "a b", "A.example", "*.example", "a.example.", ".a", "a..b", "-a.example", "a:443",
     "[::1]", "fe80::1%1", "ü.example", "a\x00.example", "a.example\n", "x" * 64,
     "a." * 127 + "abc"],
)  # fmt: skip
def test_what_is_no_host_is_permitted_by_nobody(host: str) -> None:
    assert not permits(certificate(), host)
    with pytest.raises(ValueError, match="not the name of a host"):
        san(host)


def test_a_ca_without_constraints_permits_all() -> None:
    assert permits(certificate(), "a.example")
    assert permits(certificate(), "::1")
    assert permitted_hosts(certificate()) is None
