"""What the trust list says."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Archive, Chunks, Format, Origin, Record, tree_digest
from hubproxy.core.trust import Listed, Versions, judge, unlisted
from hubproxy.core.trustlist import Role, TrustSnapshot

EXPIRES = datetime(2025, 1, 1, tzinfo=UTC)
VERSIONS = Versions(root=3, timestamp=214, snapshot=9, targets=8)
FOUND = Descriptor(Digest.of_hex("ab" * 32), 100)
SPICE = Handle.parse("tfhub.dev/google/spice")


def a_list(*paths: str) -> TrustSnapshot:
    return listing_of(paths)


def listing_of(paths: Iterable[str], revoked: Iterable[str] = ()) -> TrustSnapshot:
    top = Role("targets", 8, EXPIRES, dict.fromkeys(paths, FOUND), frozenset(revoked))
    return TrustSnapshot(VERSIONS, EXPIRES, {"targets": top})


def a_record(
    *, handle: str = "tfhub.dev/google/spice/2", revoked: bool = False, by: tuple[str, ...] = ()
) -> Record:
    return Record(
        handle=handle,
        format="saved_model",
        status="revoked" if revoked else "approved",
        reason="it phones home" if revoked else "",
        archive=Archive(digest=f"sha256:{'ab' * 32}", size=1024, crc32=0),
        chunks=Chunks(size=4 * 1024 * 1024, sha256=("ab" * 32,)),
        files=(),
        tree=str(tree_digest(())),
        origin=Origin(url="", media_type="", digest=f"sha256:{'ab' * 32}", size=1),
        reviewers=by,
        decided_at="2024-03-01T12:00:00Z",
    )


def test_latest_is_the_highest_version_listed() -> None:
    listed = a_list(
        "tfhub.dev/google/spice/2/saved_model.json",
        "tfhub.dev/google/spice/10/saved_model.json",
        "tfhub.dev/google/spice/9/tf1_hub.json",
    )
    assert listed.exact(SPICE) == SPICE.at(10)


def test_latest_passes_over_what_is_revoked() -> None:
    paths = [f"tfhub.dev/google/spice/{version}/saved_model.json" for version in (2, 3)]
    listed = listing_of(paths, revoked=paths[1:])
    assert listed.exact(SPICE) == SPICE.at(2)
    none_left = listing_of(paths, revoked=paths)
    assert none_left.exact(SPICE) == SPICE.at(3)


def test_latest_is_of_a_format_that_was_asked_for() -> None:
    listed = a_list(
        "tfhub.dev/google/spice/2/saved_model.json", "tfhub.dev/google/spice/3/tflite.json"
    )
    assert listed.exact(SPICE, ("saved_model", "other")) == SPICE.at(2)


def test_version_0_can_be_the_latest() -> None:
    assert a_list("tfhub.dev/google/spice/0/other.json").exact(SPICE) == SPICE.at(0)


def test_an_exact_handle_stays_as_it_is() -> None:
    listed = a_list("tfhub.dev/google/spice/2/saved_model.json")
    assert listed.exact(SPICE.at(7)) == SPICE.at(7)


def test_a_module_that_is_not_listed_has_no_latest() -> None:
    assert a_list().exact(SPICE) == SPICE


def test_the_first_format_that_is_listed_is_found() -> None:
    listed = a_list(
        "tfhub.dev/google/spice/2/tf1_hub.json", "tfhub.dev/google/spice/2/saved_model.json"
    )
    formats: tuple[Format, ...] = ("keras", "saved_model", "tf1_hub")
    assert listed.find(SPICE.at(2), formats) == Listed(
        SPICE.at(2), "saved_model", FOUND, expires=EXPIRES
    )


def test_nothing_is_found_under_another_format_or_version() -> None:
    listed = a_list("tfhub.dev/google/spice/2/saved_model.json")
    assert listed.find(SPICE.at(2), ("keras",)) is None
    assert listed.find(SPICE.at(3), ("saved_model",)) is None
    assert listed.find(SPICE, ("saved_model",)) is None


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("tfhub.dev/google/spice/2/exe.json", id="an unknown format"),
        pytest.param("tfhub.dev/google/spice/2/saved_model", id="no ending"),
        pytest.param("tfhub.dev/google/spice/saved_model.json", id="no version"),
        pytest.param("https://tfhub.dev/google/spice/2/saved_model.json", id="an alias"),
        pytest.param("TFHUB.dev/google/spice/2/saved_model.json", id="another case"),
        pytest.param("../spice/2/saved_model.json", id="no handle"),
        pytest.param("saved_model.json", id="nothing before it"),
    ],
)
def test_a_target_of_another_shape_is_passed_over(path: str) -> None:
    listed = a_list(path, "tfhub.dev/google/spice/1/keras.json")
    assert listed.listing() == [(SPICE.at(1), "keras")]
    assert listed.exact(SPICE) == SPICE.at(1)


def test_the_listing_is_sorted() -> None:
    listed = a_list(
        "tfhub.dev/google/spice/10/keras.json",
        "tfhub.dev/google/spice/2/saved_model.json",
        "tfhub.dev/google/spice/2/keras.json",
        "kaggle.com/google/nnlm/keras/en/1/keras.json",
    )
    assert [(str(exact), form) for exact, form in listed.listing()] == [
        ("kaggle.com/google/nnlm/keras/en/1", "keras"),
        ("tfhub.dev/google/spice/2", "keras"),
        ("tfhub.dev/google/spice/2", "saved_model"),
        ("tfhub.dev/google/spice/10", "keras"),
    ]


def test_a_list_may_be_used_until_it_expires() -> None:
    assert a_list().fresh(EXPIRES - timedelta(microseconds=1)) is None


def test_an_expired_list_says_when_and_what_to_do() -> None:
    verdict = a_list().fresh(EXPIRES)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T07", 503)
    assert verdict.message == "trust list expired on 2025-01-01 00:00 UTC"
    assert "hubproxy trust renew" in verdict.remedy


def test_a_module_not_listed_is_refused_with_the_command_that_lifts_it() -> None:
    verdict = unlisted(SPICE.at(2), VERSIONS)
    assert (verdict.code, verdict.status) == ("HP-T01", 403)
    assert verdict.message == (
        "tfhub.dev/google/spice/2 is not on the trust list (root 3, timestamp 214)"
    )
    assert "`hubproxy trust approve tfhub.dev/google/spice/2`" in verdict.remedy


def test_a_latest_that_is_not_listed_says_so() -> None:
    assert "spice (any version) is not" in unlisted(SPICE, VERSIONS).message


def test_an_approved_record_is_allowed() -> None:
    assert judge(a_record(), Listed(SPICE.at(2), "saved_model", FOUND)) is None


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(Listed(SPICE.at(3), "saved_model", FOUND), id="another version"),
        pytest.param(Listed(SPICE.at(2), "keras", FOUND), id="another format"),
    ],
)
def test_the_record_of_another_module_is_refused(listed: Listed) -> None:
    verdict = judge(a_record(), listed)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T09", 503)


@pytest.mark.parametrize(("by", "who"), [(("ada", "bob"), "ada, bob"), ((), "the officers")])
def test_a_revoked_record_says_who_and_why(by: tuple[str, ...], who: str) -> None:
    verdict = judge(a_record(revoked=True, by=by), Listed(SPICE.at(2), "saved_model", FOUND))
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("HP-T10", 410)
    assert verdict.message == (
        f"tfhub.dev/google/spice/2 was revoked on 2024-03-01 by {who}: it phones home"
    )
