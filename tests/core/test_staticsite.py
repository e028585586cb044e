"""The layout of a static mirror, and the settings of its web server."""

import pytest

from hubproxy.core.digest import Digest
from hubproxy.core.handle import Handle
from hubproxy.core.staticsite import (
    blob,
    caddy,
    latest,
    module,
    nginx,
    nginx_digests,
    repr_digest,
    up_to,
)

SPICE = Handle.parse("tfhub.dev/google/spice/2")
DIGEST = Digest.of_hex("ab" * 32)


def test_a_module_lies_where_clients_ask_for_it() -> None:
    assert module(SPICE) == "tfhub.dev/google/spice/2"
    assert module(SPICE, "tflite") == "tfhub.dev/google/spice/2@tflite"
    assert latest(SPICE) == "tfhub.dev/google/spice/@latest"
    assert blob(DIGEST) == f"blobs/sha256/ab/{DIGEST.hex}"


def test_links_lead_up_from_where_they_lie() -> None:
    assert up_to(module(SPICE), blob(DIGEST)) == f"../../../blobs/sha256/ab/{DIGEST.hex}"
    assert up_to("a", "b/c") == "b/c"


def test_the_digest_is_written_as_rfc_9530_has_it() -> None:
    assert repr_digest(DIGEST) == "sha-256=:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=:"


def test_each_module_has_a_line_of_the_map() -> None:
    assert nginx_digests({module(SPICE): DIGEST}) == (
        f'"/tfhub.dev/google/spice/2" "{repr_digest(DIGEST)}";\n'
    )


def test_each_hub_has_its_place_in_the_settings() -> None:
    text = nginx("/srv/www", ["tfhub.dev", "hub.example"], "8480")
    assert text.index("location /hub.example/") < text.index("location /tfhub.dev/")
    assert "    listen 8480;\n" in text
    assert "#    server_name tfhub.dev www.tfhub.dev;" in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(("listen", "address"), [("8480", ":8480"), ("127.0.0.1:1", "127.0.0.1:1")])
def test_a_caddyfile_says_the_same(listen: str, address: str) -> None:
    text = caddy("/srv/www", ["tfhub.dev"], listen, {module(SPICE): DIGEST})
    assert f"\n{address} {{\n" in text
    assert f'"/tfhub.dev/google/spice/2" "{repr_digest(DIGEST)}"' in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("folder", ['/srv/"x', "/srv/$x", "/srv/x}", "/srv/a\nb", "/srv/a\\b"])
def test_a_folder_that_settings_cannot_name_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="no web server's settings"):
        nginx(folder, ["tfhub.dev"], "80")
