from pathlib import Path

import pytest

from hubproxy.errors import UsageError
from hubproxy.trust.keyspec import KeySpec, PemSpec, TokenSpec, parse_spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        pytest.param("ada.pem", PemSpec(Path("ada.pem")), id="path"),
        pytest.param("pem:ada.pem", PemSpec(Path("ada.pem")), id="pem"),
        pytest.param("pem:hsm:2", PemSpec(Path("hsm:2")), id="a-file-of-that-name"),
        pytest.param("keys/a:b.pem", PemSpec(Path("keys/a:b.pem")), id="a-colon-in-a-path"),
        pytest.param("hsm:", TokenSpec(2, ""), id="the-only-token"),
        pytest.param("hsm:7", TokenSpec(7, ""), id="number"),
        pytest.param("hsm:2?label=officer-a", TokenSpec(2, "officer-a"), id="label"),
        pytest.param("hsm:?label=PIV+%2315", TokenSpec(2, "PIV #15"), id="escaped"),
    ],
)
def test_a_key_is_a_file_or_on_a_token(text: str, spec: KeySpec) -> None:
    assert parse_spec(text) == spec
    assert parse_spec(str(spec)) == spec or isinstance(spec, PemSpec)


@pytest.mark.parametrize(
    "text", ["hsm:x", "hsm:-1", "hsm:2?slot=1", "hsm:2?label", "hsm:²", "pem:", ""]
)
def test_what_names_no_key_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"does not name a key on a token|no key is named") as told:
        parse_spec(text)
    assert told.value.remedy
