"""Who is asked about a path, and in which order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tuf.api.metadata import (  # type: ignore[attr-defined]  # no __all__
    DelegatedRole,
    Delegations,
    TargetFile,
    Targets,
)
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from hubproxy.core.digest import Descriptor, Digest
from hubproxy.core.handle import Handle
from hubproxy.core.record import FORMATS, Format, target_path
from hubproxy.core.roles import TOP, Delegation, Role
from hubproxy.core.trust import Versions
from hubproxy.core.trustlist import MOST_ROLES, TrustSnapshot

EXPIRES = datetime(2025, 1, 1, tzinfo=UTC)
SPICE = Handle.parse("tfhub.dev/google/spice")
SPICE_2 = "tfhub.dev/google/spice/2/saved_model.json"


def record(number: int = 0) -> Descriptor:
    return Descriptor(Digest.of_hex(f"{number:064x}"), 100)


def role(name: str, *paths: str, to: tuple[Delegation, ...] = (), expires: int = 2025) -> Role:
    targets = {path: record(number) for number, path in enumerate(paths)}
    return Role(name, 1, EXPIRES.replace(year=expires), targets, delegations=to)


def a_list(*roles: Role) -> TrustSnapshot:
    return TrustSnapshot(Versions(1, 1, 1, 1), EXPIRES, {one.name: one for one in roles})


def to(name: str, *patterns: str, terminating: bool = True) -> Delegation:
    return Delegation(name, patterns or ("*/*/*/*/*",), terminating)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("tfhub.dev/google/*/*/*", SPICE_2, True),
        ("tfhub.dev/google/*", SPICE_2, False),
        ("tfhub.dev/*", SPICE_2, False),
        ("*", SPICE_2, False),
        ("*/*/*/*/*", SPICE_2, True),
        ("*/*/*/*/*/*", SPICE_2, False),
        ("tfhub.dev/google/sp?ce/[0-9]/*", SPICE_2, True),
        ("tfhub.dev/google/sp?ce/[!0-9]/*", SPICE_2, False),
        ("tfhub.dev/google/spice/2/saved_model.json", SPICE_2, True),
        ("tfhub.dev/GOOGLE/*/*/*", SPICE_2, False),
        ("tfhub.dev/google/spice*/2/*", "tfhub.dev/google/spice\n/2/x", True),
        ("tfhub.dev/google/spice", "tfhub.dev/google/spice\n", False),
        ("tfhub.dev//*/*/*", SPICE_2, False),
        ("a/**/b", "a/x/y/b", False),
        ("[", "[", True),
        ("", "", True),
    ],
)
def test_a_pattern_matches_segment_by_segment(pattern: str, path: str, *, expected: bool) -> None:
    assert Delegation("nlp", (pattern,)).covers(path) is expected
    assert (
        DelegatedRole("nlp", [], 1, terminating=True, paths=[pattern]).is_delegated_path(path)
        is expected
    )


def test_a_delegation_is_signed_alike_with_the_same_keys_and_threshold() -> None:
    keys: Mapping[str, Mapping[str, str]] = {"ab": {"keytype": "ed25519"}}
    one = Delegation("nlp", ("a",), True, 1, keys)
    assert one.signed_alike(Delegation("nlp", ("b",), False, 1, dict(keys)))
    assert not one.signed_alike(Delegation("nlp", ("a",), True, 2, keys))
    assert not one.signed_alike(Delegation("nlp", ("a",), True, 1, {"cd": keys["ab"]}))


def test_what_is_not_read_is_missing_until_it_is() -> None:
    top = role(TOP, to=(to("nlp"), to("vision", "tfhub.dev/vision/*/*/*")))
    listed = a_list(top)
    assert listed.missing(SPICE.at(2)) == ("nlp",)
    assert listed.missing(SPICE) == ("nlp",)
    with pytest.raises(LookupError, match="nlp"):
        listed.find(SPICE.at(2), ("saved_model",))
    with pytest.raises(LookupError, match="nlp"):
        listed.exact(SPICE)

    read = listed.with_role(role("nlp", SPICE_2, expires=2024))

    assert read.missing(SPICE.at(2)) == read.missing(SPICE) == ()
    assert read.exact(SPICE) == SPICE.at(2)
    found = read.find(SPICE.at(2), ("saved_model",))
    assert found is not None
    assert (found.role, found.expires.year) == ("nlp", 2024)
    assert listed.roles == {TOP: top}


def test_what_the_officers_list_needs_no_team() -> None:
    paths = [target_path(SPICE.at(2), form) for form in FORMATS]
    listed = a_list(role(TOP, *paths, to=(to("nlp"),)))
    assert listed.missing(SPICE.at(2)) == ()
    found = listed.find(SPICE.at(2), ("tflite",))
    assert found is not None
    assert (found.role, found.expires) == (TOP, EXPIRES)


def test_reading_a_role_may_lead_to_more() -> None:
    listed = a_list(role(TOP, to=(to("nlp"),)), role("nlp", to=(to("nlp.bert"),)))
    assert listed.missing(SPICE.at(2)) == listed.missing(SPICE) == ("nlp.bert",)
    assert listed.delegated == ("nlp", "nlp.bert")


def test_the_delegation_of_a_role_is_found() -> None:
    listed = a_list(role(TOP, to=(to("nlp"), to("vision"))))
    assert listed.delegation("vision") == to("vision")
    assert listed.delegation("chemistry") is None


def test_a_terminating_team_ends_the_look_up() -> None:
    first, second = to("nlp"), to("vision")
    listed = a_list(role(TOP, to=(first, second)), role("nlp"), role("vision", SPICE_2))
    assert listed.missing(SPICE.at(2)) == ()
    assert listed.find(SPICE.at(2), ("saved_model",)) is None
    assert listed.exact(SPICE) == SPICE
    assert listed.listing() == []

    open_ended = to("nlp", terminating=False)
    listed = a_list(role(TOP, to=(open_ended, second)), role("nlp"), role("vision", SPICE_2))
    assert listed.exact(SPICE) == SPICE.at(2)
    assert listed.listing() == [(SPICE.at(2), "saved_model")]


def test_the_listing_passes_over_what_an_unread_role_may_decide() -> None:
    first = to("nlp", terminating=False)
    listed = a_list(role(TOP, to=(first, to("vision"))), role("vision", SPICE_2))
    assert listed.listing() == []
    assert listed.with_role(role("nlp")).listing() == [(SPICE.at(2), "saved_model")]


def test_a_look_up_asks_so_many_roles_and_no_more() -> None:
    names = [f"team-{number:04}" for number in range(MOST_ROLES + 5)]
    teams = [to(name, terminating=False) for name in names]
    listed = a_list(role(TOP, to=tuple(teams)), *(role(name) for name in names[:-10]))
    last = listed.with_role(role(names[-1], SPICE_2))
    assert last.missing(SPICE.at(2)) == tuple(names[-10 : MOST_ROLES - 1])
    assert a_list(role(TOP, to=tuple(teams))).missing(SPICE) == tuple(names[: MOST_ROLES - 1])


def test_what_one_version_needs_is_missing_however_many_may_list_others() -> None:
    names = [f"team-{number:04}" for number in range(MOST_ROLES + 5)]
    teams = [to(name, "tfhub.dev/google/spice/1/*", terminating=False) for name in names]
    listed = a_list(role(TOP, to=(*teams, to("last"))), *(role(name) for name in names))
    assert listed.missing(SPICE) == ()
    assert listed.missing(SPICE.at(2)) == ("last",)


def test_what_no_version_was_found_of_is_not_named_whoever_is_unread() -> None:
    listed = a_list(role(TOP, to=(to("nlp", "tfhub.dev/google/*/*"),)))
    assert listed.missing(SPICE) == ()
    assert listed.find(listed.exact(SPICE), FORMATS) is None


def test_a_team_cannot_end_a_look_up_with_an_empty_path() -> None:
    listed = a_list(
        role(TOP, to=(to("nlp", terminating=False), to("vision"))),
        role("nlp", ""),
        role("vision", SPICE_2),
    )
    assert listed.exact(SPICE) == SPICE.at(2)


def test_latest_of_one_module_is_not_that_of_another_whose_name_goes_on() -> None:
    longer = "tfhub.dev/google/spice/deep/9/saved_model.json"
    listed = a_list(role(TOP, SPICE_2, longer, "tfhub.dev/google/spice-2/9/saved_model.json"))
    assert listed.exact(SPICE) == SPICE.at(2)


# --- the same as the TUF client's own look-up ------------------------------------------------

NAMES = ("a", "b", "c", "d", "e")
SEGMENTS = (
    ("tfhub.dev", "*", "tfhub.*"),
    ("google", "vision", "*", "g?ogle"),
    ("spice", "*", "[rs]*"),
    ("1", "2", "*", "[12]"),
    ("saved_model.json", "tflite.json", "*.json", "*"),
)
PATTERNS = [*map("/".join, product(*SEGMENTS)), "*", "*/*/*", "tfhub.dev/*/*/*/*/*"]
PATHS = [
    f"tfhub.dev/{publisher}/{name}/{version}/{form}.json"
    for publisher, name, version, form in product(
        ("google", "vision"), ("spice", "resnet"), (1, 2, 3), ("saved_model", "tflite")
    )
]
MANY_GRAPHS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FORMS: tuple[Format, ...] = ("saved_model", "tflite")


@dataclass(frozen=True)
class Graph:
    """For each role: whom it delegates to, and what it lists, as (path, revoked)."""

    delegations: Mapping[str, tuple[Delegation, ...]]
    targets: Mapping[str, Mapping[str, bool]]

    def role(self, name: str) -> Role:
        listed = self.targets[name]
        return Role(
            name,
            1,
            EXPIRES,
            {path: number_of(name, path) for path in listed},
            frozenset(path for path, revoked in listed.items() if revoked),
            self.delegations[name],
        )

    def tuf(self, name: str) -> Targets:
        roles = {
            one.role: DelegatedRole(
                one.role, [], 1, terminating=one.terminating, paths=list(one.patterns)
            )
            for one in self.delegations[name]
        }
        targets = {
            path: TargetFile(100, {"sha256": number_of(name, path).digest.hex}, path)
            for path in self.targets[name]
        }
        return Targets(targets=targets, delegations=Delegations({}, roles))


def number_of(name: str, path: str) -> Descriptor:
    return record([TOP, *NAMES].index(name) * 1000 + PATHS.index(path))


def delegation(name: str) -> st.SearchStrategy[Delegation]:
    patterns = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3).map(tuple)
    return st.builds(Delegation, st.just(name), patterns, st.booleans())


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    delegations, targets = {}, {}
    for name in (TOP, *NAMES):
        below = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
        delegations[name] = tuple(draw(delegation(one)) for one in below)
        targets[name] = draw(st.dictionaries(st.sampled_from(PATHS), st.booleans(), max_size=4))
    return Graph(delegations, targets)


class Walker(Updater):
    """tuf's own look-up over roles that need no files."""

    def __init__(self, graph: Graph) -> None:
        self.config = UpdaterConfig()
        self._roles = {name: graph.tuf(name) for name in (TOP, *NAMES)}
        self.asked: list[str] = []

    def _load_targets(self, role: str, parent_role: str) -> Targets:
        self.asked.append(role)
        return self._roles[role]

    def find(self, path: str) -> str | None:
        found = self._preorder_depth_first_walk(path)
        return None if found is None else str(found.hashes["sha256"])


def read(graph: Graph, handle: Handle) -> TrustSnapshot:
    snapshot = a_list(graph.role(TOP))
    while missing := snapshot.missing(handle):
        for name in missing:
            snapshot = snapshot.with_role(graph.role(name))
    return snapshot


def handles() -> Iterator[Handle]:
    yield from (Handle.parse(path.rpartition("/")[0]) for path in PATHS[::2])


@MANY_GRAPHS
@given(graphs())
def test_a_look_up_finds_what_the_tuf_client_finds(graph: Graph) -> None:
    walker = Walker(graph)
    for exact in handles():
        snapshot = read(graph, exact)
        for form in FORMS:
            found = snapshot.find(exact, (form,))
            ours = None if found is None else found.record.digest.hex
            assert ours == walker.find(target_path(exact, form))


@MANY_GRAPHS
@given(graphs(), st.sampled_from(PATHS))
def test_a_look_up_asks_in_the_tuf_clients_order(graph: Graph, path: str) -> None:
    walker = Walker(graph)
    walker.find(path)
    everything = a_list(*(graph.role(name) for name in (TOP, *NAMES)))

    walked = [one.name for one in everything._on_path(path) if isinstance(one, Role)]

    assert walked == walker.asked


@MANY_GRAPHS
@given(graphs())
def test_latest_is_the_highest_that_the_tuf_client_finds(graph: Graph) -> None:
    walker = Walker(graph)
    for handle in {exact.unversioned for exact in handles()}:
        found = []
        for version, form in product((1, 2, 3), FORMS):
            path = target_path(handle.at(version), form)
            if walker.find(path) is not None:
                found.append((not graph.targets[walker.asked[-1]][path], version))

        best = handle.at(max(found)[1]) if found else handle

        assert read(graph, handle).exact(handle) == best
