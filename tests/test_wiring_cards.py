"""What officers' commands get to look into modules and to check cards with."""

from pathlib import Path

import pytest

from hubproxy import wiring
from hubproxy.cards.document import encode
from hubproxy.config import load
from hubproxy.core.handle import Handle
from hubproxy.core.record import CARD_FIELDS, CardNote
from hubproxy.errors import DeniedError, TrustListError, UsageError
from tests.cards.cards import FAIRNESS, filled, with_changes
from tests.inspection.wire import graph, meta, node, saved_model
from tests.made import make
from tests.site import SPICE, Site

GRAPH = saved_model(meta(graph(node("Const"), functions={"f": [node("ReadFile")]})))
MADE = make(files={"saved_model.pb": GRAPH})


def test_row_26_a_proposals_card_is_checked_against_the_policy() -> None:
    check = wiring.card_check()
    note = check(encode(filled(MADE.record)), MADE.record, CARD_FIELDS)
    assert isinstance(note, CardNote)
    with pytest.raises(DeniedError, match="demands: fairnessAssessments"):
        check(with_changes(MADE.record, (FAIRNESS, [])), MADE.record, ("fairnessAssessments",))


async def test_a_proposal_is_looked_into_where_its_archive_was_read(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE, {"saved_model.pb": GRAPH})
        record = await wiring.describe(site.config, Handle.parse(SPICE), None)
        look = wiring.gate(site.config)
        found = await look(record)
        assert found.facts is not None
        assert found.facts.ops == ("Const", "ReadFile")
        assert [str(finding) for finding in found.findings] == ["op:ReadFile in function f"]

        archive = wiring.archive_file(site.config, record.archive_digest)
        assert archive is not None
        archive.write_bytes(b"cut")
        (cut,) = (await look(record)).findings
        assert "the archive ends within saved_model.pb" in cut.why
        archive.unlink()
        with pytest.raises(UsageError, match="is not here to be looked into"):
            await look(record)


async def test_an_archive_in_the_store_is_found(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        site.put(SPICE)
        record = await site.approve(SPICE)
        assert wiring.archive_file(site.config, record.archive_digest) is None
        await site.get(SPICE)
        await site.settled()
        found = wiring.archive_file(site.config, record.archive_digest)
        assert found is not None
        assert found.stat().st_size == record.archive.size


def test_without_a_list_nothing_is_wanted_but_a_broken_one_is_told(tmp_path: Path) -> None:
    file = tmp_path / "hubproxy.toml"
    file.write_text(f'data = "{tmp_path / "data"}"\n')
    assert wiring.wanted_fields(load(file, {})) == ()
    file.write_text(f'data = "{tmp_path / "data"}"\n[trust]\nroot = "{file}"\n')
    with pytest.raises(TrustListError, match="is not one"):
        wiring.wanted_fields(load(file, {}))


async def test_a_list_without_a_policy_wants_nothing_of_a_card(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        assert wiring.wanted_fields(site.config) == ()
        assert list(wiring.listed_modules(site.config)) == []


def test_a_record_without_a_card_has_none(tmp_path: Path) -> None:
    file = tmp_path / "hubproxy.toml"
    file.write_text(f'data = "{tmp_path / "data"}"\n')
    config = load(file, {})
    assert wiring.card_of(config, MADE.record) is None
