"""Content addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.digest import Digest

HEX = "0123456789abcdef" * 4


@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_a_digest_prints_what_it_parses(hex_text: str) -> None:
    assert str(Digest.parse(f"sha256:{hex_text}")) == f"sha256:{hex_text}"
    assert Digest.of_hex(hex_text) == Digest.parse(f"sha256:{hex_text}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(HEX, id="no algorithm"),
        pytest.param(f"sha256:{HEX[:-1]}", id="too short"),
        pytest.param(f"sha256:{HEX}0", id="too long"),
        pytest.param(f"sha256:{HEX.upper()}", id="upper case"),
        pytest.param(f"sha256:{HEX}\n", id="a newline behind it"),
        pytest.param(f"SHA256:{HEX}", id="algorithm in upper case"),
        pytest.param(f"md5:{HEX[:32]}", id="another algorithm"),
        pytest.param(f"sha256:../{HEX[3:]}", id="a path"),
        pytest.param(f"sha256:{'g' * 64}", id="not hex"),
    ],
)
def test_any_other_text_is_not_a_digest(text: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        Digest.parse(text)
