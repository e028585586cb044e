"""A proposal: what an officer learns of a module, held to what all officers demand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from hubproxy.core.handle import Handle
from hubproxy.core.limits import ArchiveLimits
from hubproxy.core.original import OriginalHash, Subject
from hubproxy.core.policy import EvidenceRule, Policy
from hubproxy.core.record import CardNote, Evidence, Record
from hubproxy.errors import DeniedError, UsageError
from hubproxy.inspection.facts import Facts
from hubproxy.inspection.inspected import Inspected
from hubproxy.service.approve import Approvals, Proposal
from hubproxy.service.transfer import Transfers
from hubproxy.store.drafts import Drafts
from hubproxy.trust.contents import Contents
from hubproxy.trust.proposing import set_policy
from hubproxy.upstream.local import FileUpstream
from tests.archives import MODEL, tar_of
from tests.trust.published import Published

SPICE = Handle.parse("tfhub.dev/google/spice/2")
RULE = EvidenceRule(
    pattern="tfhub.dev/google/**",
    kind="minisign",
    identity="Google",
    key="RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
)
DAY = "2020-01-01"


@dataclass
class Signatures:
    """Takes a publisher's signature for good when it says so."""

    asked: list[Subject] = field(default_factory=list)

    def needed(self, data: bytes) -> frozenset[OriginalHash]:
        if data == b"no signature":
            raise DeniedError("HP-T12", 403, "publisher signature: neither of the known kinds")
        return frozenset({"blake2b"})

    def check(
        self, data: bytes, rules: Sequence[EvidenceRule], subject: Subject, *, at: datetime
    ) -> Evidence:
        self.asked.append(subject)
        if data != b"good":
            raise DeniedError("HP-T12", 403, "publisher signature: identity Eve found")
        digest = Contents().add("evidence", data)
        return Evidence(
            kind=rules[0].kind,
            identity=rules[0].identity,
            digest=digest,
            verified_at=str(at.date()),
        )


def check_card(data: bytes, record: Record, wanted: Sequence[str]) -> CardNote:
    """Takes a card for one that answers the fields that it lists."""
    said = data.decode().split()
    missing = [field for field in wanted if field not in said]
    if missing:
        raise DeniedError("HP-T16", 403, f"the card of {record.handle} says nothing of {missing}")
    return CardNote(digest=Contents().add("boms", data), size=len(data), fields=tuple(said))


async def look(record: Record) -> Inspected:
    return Inspected(facts=Facts(ops=("Add", "MatMul")), gate=1, table=1)


@dataclass(frozen=True)
class Officers:
    officer: object
    online: object
    name: str = "ada"


class Desk:
    """An officer's place: a list, a module in a file, and what checks it."""

    def __init__(self, place: Path) -> None:
        self.published = Published(place)
        archive = place / "module.tar.gz"
        archive.write_bytes(tar_of(MODEL))
        self.signatures = Signatures()
        self.upstream = FileUpstream(archive)
        self.folder = place / "drafts"

    def demand(self, policy: Policy) -> None:
        contents = self.published.list.contents()
        self.published.list.change(
            [set_policy(policy, contents)],
            contents,
            signers=self.published.officer,
            online=self.published.online,
        )

    @property
    def approvals(self) -> Approvals:
        return Approvals(
            transfers=Transfers({"tfhub.dev": self.upstream}, attempts=1, at_once=1),
            drafts=Drafts(self.folder, ArchiveLimits()),
            repository=self.published.list,
            clock=self.published.clock,
            evidence=self.signatures,
            card=check_card,
            gate=look,
        )

    async def approve(self, proposal: Proposal) -> None:
        await self.approvals.publish(
            [proposal.record],
            Officers(self.published.officer, self.published.online),
            evidence=proposal.evidence,
            cards=[] if proposal.card is None else [proposal.card],
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_proposal_is_all_that_is_known_of_a_module(desk: Desk) -> None:
    desk.demand(Policy(evidence=(RULE,), card_fields=("task",), review_days=30))
    proposal = await desk.approvals.examine(
        SPICE, licence="Apache-2.0", evidence=[b"good"], card=b"task datasets"
    )
    record = proposal.record

    assert record.licence == "Apache-2.0"
    assert record.review_by == "2020-01-31"
    assert record.ops == ("Add", "MatMul")
    assert isinstance(record.card, CardNote)
    assert record.card.fields == ("task", "datasets")
    assert isinstance(record.evidence, tuple)
    assert [one.identity for one in record.evidence] == ["Google"]
    [subject] = desk.signatures.asked
    assert subject.files == record.files
    assert subject.original is not None
    assert subject.original.blake2b
    assert proposal.before is None

    await desk.approve(proposal)
    found = desk.published.list.find(f"{SPICE}/saved_model.json")
    assert found is not None
    assert found.reviewers == ("ada",)
    for name in (
        f"evidence/{record.evidence[0].digest[7:9]}/{record.evidence[0].digest[7:]}",
        f"boms/{record.card.digest[7:9]}/{record.card.digest[7:]}.cdx.json",
    ):
        assert (desk.published.folder / name).exists()
    again = await desk.approvals.examine(SPICE, evidence=[b"good"], card=b"task")
    assert again.before == found


async def test_where_nothing_is_demanded_nothing_is_needed(desk: Desk) -> None:
    proposal = await desk.approvals.examine(SPICE)

    assert proposal.record.review_by == ""
    assert proposal.evidence == ()
    await desk.approve(proposal)


@pytest.mark.parametrize(
    ("policy", "brought", "code", "said"),
    [
        pytest.param(Policy(card_fields=("task", "datasets")), {}, "HP-T16",
                     "has no model card, and the officers' policy demands one that says: task",
                     id="row 26: no card"),
        pytest.param(Policy(card_fields=("task", "fairnessAssessments")), {"card": b"task"},
                     "HP-T16", "says nothing of", id="row 26: a card without what is demanded"),
        pytest.param(Policy(evidence=(RULE,)), {}, "HP-T12",
                     "publisher signature missing: Google .minisign. expected",
                     id="no signature"),
        pytest.param(Policy(evidence=(RULE,)), {"evidence": [b"bad"]}, "HP-T12", "Eve found",
                     id="another's signature"),
        pytest.param(Policy(evidence=(RULE,)), {"evidence": [b"no signature"]}, "HP-T12",
                     "neither of the known kinds", id="what is no signature"),
        pytest.param(Policy(largest_module=5), {}, "HP-T16", "allows 5", id="too large"),
    ],
)  # fmt: skip
async def test_a_proposal_that_does_not_meet_the_policy_is_refused(
    desk: Desk, policy: Policy, brought: dict[str, object], code: str, said: str
) -> None:
    desk.demand(policy)

    with pytest.raises(DeniedError, match=said) as told:
        await desk.approvals.examine(SPICE, **brought)  # type: ignore[arg-type]  # a table's

    assert told.value.code == code
    assert told.value.status == 403


async def test_what_is_not_brought_is_told_before_anything_is_fetched(desk: Desk) -> None:
    for policy in (Policy(card_fields=("task",)), Policy(evidence=(RULE,))):
        desk.demand(policy)
        with pytest.raises(DeniedError) as told:
            await desk.approvals.examine(SPICE)
        assert "hubproxy trust" in told.value.remedy
    assert not desk.folder.exists()


@pytest.mark.parametrize(
    ("policy", "day", "said"),
    [
        (Policy(review_days=30), "2020-02-01", "from today to 2020-01-31, not 2020-02-01"),
        (Policy(), "2019-12-31", "one that is past, not 2019-12-31"),
        (Policy(), "2020-02-30", "is not a day such as"),
        (Policy(), "soon", "'soon' is not a day"),
    ],
)
async def test_a_day_of_review_that_makes_no_sense_is_refused(
    desk: Desk, policy: Policy, day: str, said: str
) -> None:
    desk.demand(policy)
    with pytest.raises(UsageError, match=said):
        await desk.approvals.examine(SPICE, review_by=day)


async def test_an_earlier_day_of_review_stands(desk: Desk) -> None:
    desk.demand(Policy(review_days=30))
    for day in (DAY, "2020-01-31"):
        assert (await desk.approvals.examine(SPICE, review_by=day)).record.review_by == day


async def test_what_cannot_be_checked_here_is_told(desk: Desk) -> None:
    approvals = Approvals(
        transfers=Transfers({"tfhub.dev": desk.upstream}, attempts=1, at_once=1),
        drafts=Drafts(desk.folder, ArchiveLimits()),
        repository=desk.published.list,
        clock=desk.published.clock,
    )
    with pytest.raises(UsageError, match="signatures cannot be checked here"):
        await approvals.examine(SPICE, evidence=[b"good"])
    with pytest.raises(UsageError, match="model cards cannot be checked here"):
        await approvals.examine(SPICE, card=b"task")
    assert (await approvals.examine(SPICE)).record.handle == str(SPICE)
    with pytest.raises(UsageError, match="has no version"):
        await approvals.examine(SPICE.unversioned)
