"""Who loaded a module: what is counted, for whom, and by which digests."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from hubproxy.core.audit import AuditEvent
from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import Record, target_path
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import Delegation, Role, TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.service.lookup import Lookup
from hubproxy.service.recall import Loads, Recalls, Subject, recall
from tests.made import SPICE, describe

EXPIRES = datetime(2035, 1, 1, tzinfo=UTC)
OLD = describe(b"the bytes that leak addresses" * 100)
PACKED = msgspec.structs.replace(describe(b"the same files, packed anew" * 100), tree=OLD.tree)
REVOKED = msgspec.structs.replace(OLD, status="revoked", reason="leaks", reviewers=("ada", "bo"))
OTHER = describe(b"something else" * 100, "tfhub.dev/google/nnlm/1")


def event(
    caller: str, hour: int, record: Record = OLD, *, outcome: str = "served", size: int = 3000
) -> AuditEvent:
    return AuditEvent(
        id=f"{caller}{hour}",
        time=f"2026-03-04T{hour:02}:00:00.000Z",
        event="aborted" if outcome == "aborted" else "answer",
        caller=caller,
        handle=record.handle,
        record=str(record.descriptor.digest),
        archive=record.archive.digest,
        outcome=outcome,  # type: ignore[arg-type]  # a test's own words
        bytes=size,
    )


EVENTS = [
    event("10.0.0.8", 9, OTHER),
    event("10.0.0.7", 10),
    event("nlp", 11, PACKED),
    event("10.0.0.7", 12, size=0),
    event("10.0.0.7", 13, outcome="not-modified", size=0),
    event("nlp", 14, PACKED),
    event("nlp", 15, PACKED, outcome="aborted", size=10),
    event("10.0.0.9", 16, REVOKED, outcome="refused", size=0),
    AuditEvent(id="t", time="2026-03-04T17:00:00.000Z", event="trust"),
]


class Source:
    """A list in memory, each of whose roles is read by `load_role` alone."""

    def __init__(self, roles: Mapping[str, Sequence[Record]]) -> None:
        self.roles, self.texts = {}, {}
        for name, records in roles.items():
            targets = {}
            for record in records:
                targets[target_path(record.exact, record.format)] = record.descriptor
                self.texts[record.descriptor.digest] = record.encode()
            teams = tuple(
                Delegation(team, ("tfhub.dev/*/*/*/*",))
                for team in roles
                if name == "targets" != team
            )
            self.roles[name] = Role(name, 1, EXPIRES, targets, delegations=teams)

    def top(self) -> TrustSnapshot:
        return TrustSnapshot(Versions(1, 1, 1, 1), EXPIRES, {"targets": self.roles["targets"]})

    def load_role(self, snapshot: TrustSnapshot, name: str) -> TrustSnapshot:
        return snapshot.with_role(self.roles[name])

    def fetch_record(self, wanted: Descriptor) -> bytes:
        try:
            return self.texts[wanted.digest]
        except KeyError:
            raise TrustListError("TRUST_UNREACHABLE", "no such record") from None

    def fetch_file(self, name: str, digest: Digest) -> bytes:
        raise AssertionError("no file is needed")

    def published(self, name: str) -> bytes | None:
        raise AssertionError("no file is needed")


def recalls(
    source: Source | None,
    events: Sequence[AuditEvent] = EVENTS,
    lost: Callable[[TrustListError], None] = lambda error: pytest.fail(str(error)),
) -> Recalls:
    stored = {record.descriptor.digest: record.encode() for record in (OLD, PACKED, OTHER)}

    def having(texts: Sequence[str]) -> Iterator[AuditEvent]:
        lines = ((one, one.encode().decode()) for one in events)
        return (one for one, line in lines if not texts or any(text in line for text in texts))

    lookup = Lookup(source, source.top(), stored.get) if source else None
    return Recalls(lookup, having, stored.get, lost)


def callers(loads: Iterable[Loads]) -> list[str]:
    return [one.caller for one in loads]


def test_a_caller_is_counted_with_his_first_and_last_time() -> None:
    seven, nlp = recall(EVENTS, Subject(handle=Handle.parse(SPICE)))
    assert (seven.caller, seven.first[11:13], seven.last[11:13]) == ("10.0.0.7", "10", "13")
    assert (seven.loads, seven.asked, seven.broken, seven.bytes) == (1, 2, 0, 3000)
    assert (nlp.caller, nlp.loads, nlp.asked, nlp.broken, nlp.bytes) == ("nlp", 2, 0, 1, 6000)
    assert nlp.archives == {PACKED.archive.digest}


def test_who_was_refused_has_loaded_nothing() -> None:
    (refused,) = (one for one in EVENTS if one.outcome == "refused")
    assert recall([refused], Subject(handle=Handle.parse(SPICE))) == ()


def test_who_came_first_stands_first_whatever_the_log_says_first() -> None:
    assert callers(recall(EVENTS[::-1], Subject(handle=Handle.parse(SPICE)))) == ["10.0.0.7", "nlp"]


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        pytest.param(SPICE, ["10.0.0.7", "nlp"], id="a handle"),
        pytest.param("tfhub.dev/google/spice", ["10.0.0.7", "nlp"], id="all its versions"),
        pytest.param("tfhub.dev/google/spice/1", [], id="another version"),
        pytest.param("tfhub.dev/google/spic", [], id="the beginning of a name"),
        pytest.param(OLD.archive_digest, ["10.0.0.7"], id="an archive"),
        pytest.param(OLD.descriptor.digest, ["10.0.0.7"], id="a record"),
        pytest.param(Digest.parse(OLD.tree), ["10.0.0.8", "10.0.0.7", "nlp"], id="a tree"),
        pytest.param(Digest.of_hex("00" * 32), [], id="nobody's"),
    ],
)
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "the log alone"])
def test_it_is_found_by(wanted: str | Digest, who: list[str], listed: bool) -> None:
    source = Source({"targets": [REVOKED, OTHER]}) if listed else None
    found = recalls(source).report(Handle.parse(wanted) if isinstance(wanted, str) else wanted)
    assert callers(found.loads) == who
    assert bool(found.listed) == (listed and bool(who))


def test_what_is_listed_now_is_told_with_its_reason() -> None:
    (now,) = recalls(Source({"targets": [REVOKED]})).report(OLD.archive_digest).listed
    assert (now.handle, now.status, now.reason) == (SPICE, "revoked", "leaks")


def test_a_record_that_takes_back_leads_to_those_who_loaded_what_it_takes_back() -> None:
    found = recalls(Source({"targets": [REVOKED]})).report(REVOKED.descriptor.digest)
    assert callers(found.loads) == ["10.0.0.7"]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "the log alone"])
def test_an_old_record_leads_to_those_who_had_its_archive_under_the_next(kept: bool) -> None:
    later = msgspec.structs.replace(OLD, review_by="2030-01-01")
    before = OLD if kept else msgspec.structs.replace(OLD, review_by="2028-01-01")
    events = [event("before", 9, before), event("after", 10, later)]
    found = recalls(Source({"targets": [later]}), events).report(before.descriptor.digest)
    assert callers(found.loads) == ["before", "after"]


def test_an_old_record_that_nobody_was_given_leads_to_those_who_had_its_archive() -> None:
    later = msgspec.structs.replace(OLD, review_by="2030-01-01")
    found = recalls(None, [event("after", 10, later)]).report(OLD.descriptor.digest)
    assert callers(found.loads) == ["after"]


def test_a_reason_that_names_a_tree_hides_nobody() -> None:
    reason = f"the tree is {OLD.tree}"
    failed = msgspec.structs.replace(event("x", 18, outcome="failed"), reason=reason)
    odd = msgspec.structs.replace(failed, record="", archive="")
    found = recalls(None, [*EVENTS, odd]).report(Digest.parse(OLD.tree))
    assert callers(found.loads) == ["10.0.0.8", "10.0.0.7", "nlp"]


def test_a_handle_that_nobody_loaded_is_found_by_the_archive_that_it_shares() -> None:
    twin = msgspec.structs.replace(OLD, handle="tfhub.dev/google/twin/1")
    source = Source({"targets": [], "nlp": [twin, REVOKED]})
    found = recalls(source).report(OLD.archive_digest)
    assert [record.handle for record in found.listed] == [SPICE, "tfhub.dev/google/twin/1"]


def test_a_record_of_a_team_is_found_by_its_handle() -> None:
    found = recalls(Source({"targets": [], "nlp": [REVOKED]})).report(Handle.parse(SPICE))
    assert [record.status for record in found.listed] == ["revoked"]


def test_an_old_archive_leads_to_what_its_handle_has_now() -> None:
    (now,) = recalls(Source({"targets": [PACKED]})).report(OLD.archive_digest).listed
    assert now.archive == PACKED.archive


def test_a_handle_that_is_none_in_the_log_is_passed_over() -> None:
    odd = msgspec.structs.replace(EVENTS[1], handle="//no handle")
    found = recalls(Source({"targets": [REVOKED]}), [odd]).report(OLD.archive_digest)
    assert callers(found.loads) == ["10.0.0.7"]


def test_a_digest_is_looked_for_in_whole_fields_alone() -> None:
    named = msgspec.structs.replace(OTHER, licence=OLD.archive.digest)
    found = recalls(Source({"targets": [named]}), [event("10.0.0.8", 9, named)])
    assert found.report(OLD.archive_digest).listed == ()


def test_what_cannot_be_read_of_the_list_is_told_once_and_the_rest_is_told_anyway() -> None:
    newer = msgspec.structs.replace(REVOKED, handle="tfhub.dev/google/twin/1")
    source, lost = Source({"targets": [OLD, REVOKED, newer]}), list[TrustListError]()
    source.texts = {}
    found = recalls(source, lost=lost.append).report(OLD.archive_digest)
    assert callers(found.loads) == ["10.0.0.7"]
    assert found.listed == ()
    assert {str(error) for error in lost} == {"no such record"}


def test_a_record_that_is_none_is_told() -> None:
    source, lost = Source({"targets": [REVOKED]}), list[TrustListError]()
    source.texts = {REVOKED.descriptor.digest: hashlib.sha256(b"").digest()}
    recalls(source, lost=lost.append).report(Handle.parse(SPICE))
    assert ["cannot be read" in str(error) for error in lost] == [True]
