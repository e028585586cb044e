from typing import Any
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in stubs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.errors import UsageError
from hubproxy.pointing.place import Credentials
from hubproxy.pointing.variables import covers, variables
from hubproxy.pointing.ways import Way
from tests.pointing.sites import site

BUNDLE = "/cache/ca.pem"
PROXY = "http://proxy.example:8441"
OWN = "localhost,127.0.0.1,::1,proxy.example"


def of(way: Way = "proxy", environ: dict[str, str] | None = None, **changed: Any) -> dict[str, str]:
    found = variables(site(**changed), way, bundle=BUNDLE, environ=environ or {})
    return dict(found.values)


def test_the_proxys_way_sets_every_variable_that_clients_read() -> None:
    assert of() == {
        "HTTPS_PROXY": PROXY,
        "https_proxy": PROXY,
        "HTTP_PROXY": PROXY,
        "http_proxy": PROXY,
        "NO_PROXY": OWN,
        "no_proxy": OWN,
        "SSL_CERT_FILE": BUNDLE,
        "REQUESTS_CA_BUNDLE": BUNDLE,
        "CURL_CA_BUNDLE": BUNDLE,
        "NODE_EXTRA_CA_CERTS": BUNDLE,
    }


def test_the_proxys_way_turns_the_hook_off() -> None:
    found = variables(site(), "proxy", bundle=BUNDLE, environ={})
    assert "HUBPROXY_URL" not in found.over({"HUBPROXY_URL": "http://x", "HOME": "/h"})
    assert found.over({"HOME": "/h"})["HOME"] == "/h"


def test_the_hooks_way_is_one_variable() -> None:
    assert of("hook") == {"HUBPROXY_URL": "http://proxy.example:8440"}
    assert of("hook", proxy="", ca=b"") == {"HUBPROXY_URL": "http://proxy.example:8440"}


def test_without_a_forward_port_there_is_no_proxys_way() -> None:
    with pytest.raises(UsageError, match="no forward proxy") as caught:
        of(proxy="")
    assert "--way hook" in caught.value.remedy


@pytest.mark.parametrize("way", ["proxy", "hook"])
def test_credentials_stand_percent_encoded_in_the_address(way: Way) -> None:
    found = variables(
        site(), way, bundle=BUNDLE, environ={}, credentials=Credentials("nlp", "a/b:c@d e%")
    )
    wanted = "http://nlp:a%2Fb%3Ac%40d%20e%25@proxy.example:844"
    name = "https_proxy" if way == "proxy" else "HUBPROXY_URL"
    assert found.values[name].startswith(wanted)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        pytest.param({"NO_PROXY": ".corp, 10.0.0.0/8"}, f".corp,10.0.0.0/8,{OWN}", id="kept"),
        pytest.param({"no_proxy": "a", "NO_PROXY": "b,a"}, f"a,b,{OWN}", id="both"),
        pytest.param({"NO_PROXY": "localhost"}, OWN, id="once"),
        pytest.param({"NO_PROXY": "*"}, OWN, id="all"),
        pytest.param({"NO_PROXY": "a,*"}, f"a,{OWN}", id="all-among-others"),
        pytest.param({"NO_PROXY": "tfhub.dev,a"}, f"a,{OWN}", id="the-hub"),
        pytest.param({"NO_PROXY": "TFHUB.dev:443,a"}, f"a,{OWN}", id="with-port"),
        pytest.param({"NO_PROXY": ".dev,a"}, f"a,{OWN}", id="suffix"),
        pytest.param({"NO_PROXY": "hub.dev,b.dev"}, f"hub.dev,b.dev,{OWN}", id="no-whole-label"),
    ],
)
def test_no_proxy_keeps_what_was_there_but_never_a_hub(
    environ: dict[str, str], wanted: str
) -> None:
    found = of(environ=environ)
    assert (found["NO_PROXY"], found["no_proxy"]) == (wanted, wanted)


def test_a_proxy_whose_name_would_stand_for_a_hub_is_left_out() -> None:
    """A host that is called `dev`: in NO_PROXY, that is tfhub.dev as well."""
    found = of(url="http://dev:8440", hook="http://dev:8440", proxy="http://dev:8441")
    assert found["NO_PROXY"] == "localhost,127.0.0.1,::1"


def test_an_ipv6_address_stands_there_in_both_spellings() -> None:
    found = of(url="http://[fe80::1]:8440", hook="http://[fe80::1]:8440", proxy="http://[::1]:1")
    entries = found["NO_PROXY"].split(",")
    assert {"fe80::1", "[fe80::1]", "::1", "[::1]"} <= set(entries)
    assert proxy_bypass_environment("[fe80::1]:8440", {"no": found["no_proxy"]})


names = st.sampled_from(["tfhub.dev", "TFHUB.dev", "dev", "hub.dev", ".dev", "..dev", "tfhub", "*"])
ports = st.sampled_from(["", "", ":443", ":80", ":8440"])


@given(st.tuples(names, ports).map("".join), st.sampled_from(["tfhub.dev", "a.tfhub.dev", "dev.x"]))
def test_an_entry_covers_a_host_where_urllib_says_so(entry: str, host: str) -> None:
    asked = [host, f"{host}:443", f"{host}:80"]
    if entry.partition(":")[0] == "*" and entry != "*":
        assert not covers(entry, host)
    else:
        wanted = any(proxy_bypass_environment(one, {"no": entry}) for one in asked)
        assert covers(entry, host) == wanted
