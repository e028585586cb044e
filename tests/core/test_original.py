import pytest

from hubproxy.core.original import Original, OriginalHash, Subject
from hubproxy.errors import UsageError

KNOWN = Original(sha256="01" * 32, blake2b="02" * 64)


def test_a_digest_that_was_computed_is_given() -> None:
    subject = Subject((), KNOWN)

    assert subject.digest("sha256") == b"\1" * 32
    assert subject.digest("blake2b") == b"\2" * 64


@pytest.mark.parametrize(
    ("original", "algorithm"),
    [
        pytest.param(KNOWN, "sha512", id="nobody asked for it"),
        pytest.param(None, "sha256", id="the archive was not read"),
    ],
)
def test_a_digest_that_is_not_known_is_told(
    original: Original | None, algorithm: OriginalHash
) -> None:
    with pytest.raises(UsageError, match=f"the {algorithm} of upstream's archive is not known"):
        Subject((), original).digest(algorithm)
