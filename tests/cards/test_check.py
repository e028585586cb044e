"""What a card must pass."""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubproxy.cards.check import LARGEST_CARD, archive_named, check
from hubproxy.cards.document import encode
from hubproxy.cards.template import template
from hubproxy.core.record import CARD_FIELDS
from hubproxy.errors import CardError, DeniedError
from tests.cards.cards import (
    ACCEPTED,
    CARD,
    CONSIDERATIONS,
    DATASETS,
    FACTS,
    FAIRNESS,
    LICENCES,
    REMOVE,
    TASK,
    Place,
    a_record,
    filled,
    with_changes,
)

RECORD = a_record()


def changed(*changes: tuple[Place, Any]) -> bytes:
    return with_changes(RECORD, *changes)


def test_a_good_card_is_noted_with_its_digest_and_what_it_says() -> None:
    data = encode(filled(RECORD))
    note = check(data, RECORD, CARD_FIELDS)
    assert note.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert note.size == len(data)
    assert note.fields == CARD_FIELDS
    assert note.unknown == ()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        pytest.param("task", [(TASK, ACCEPTED)], id="task"),
        pytest.param(
            "architecture",
            [
                ((*CARD, "modelParameters", "architectureFamily"), ACCEPTED),
                ((*CARD, "modelParameters", "modelArchitecture"), REMOVE),
            ],
            id="architecture",
        ),
        pytest.param("datasets", [(DATASETS, [{"type": "dataset", "name": ACCEPTED}])], id="data"),
        pytest.param("licence", [(LICENCES, [{"license": {"name": ACCEPTED}}])], id="licence"),
        pytest.param(
            "limitations",
            [((*CONSIDERATIONS, "technicalLimitations"), [f" {ACCEPTED}\n"])],
            id="limitations",
        ),
        pytest.param(
            "ethicalConsiderations",
            [((*CONSIDERATIONS, "ethicalConsiderations"), [{"name": ACCEPTED}])],
            id="ethics",
        ),
        pytest.param(
            "fairnessAssessments", [(FAIRNESS, [{"groupAtRisk": ACCEPTED.upper()}])], id="fairness"
        ),
    ],
)
def test_what_is_unknown_counts_when_somebody_accepts_it(
    field: str, changes: list[tuple[Place, Any]]
) -> None:
    note = check(changed(*changes), RECORD, CARD_FIELDS)
    assert field not in note.fields
    assert [text.lower() for text in note.unknown] == [f"{field}: ada".lower()]


def test_half_a_character_is_refused_since_no_record_could_hold_it() -> None:
    card = changed((TASK, f"{ACCEPTED}\ud800"))
    with pytest.raises(CardError, match="surrogates not allowed"):
        check(card, RECORD)


def test_a_field_may_be_known_in_part() -> None:
    sets = [{"type": "dataset", "name": "Wikipedia"}, {"type": "dataset", "name": ACCEPTED}]
    note = check(changed((DATASETS, sets)), RECORD, CARD_FIELDS)
    assert "datasets" in note.fields
    assert note.unknown == ("datasets: ada",)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        pytest.param("task", [(TASK, REMOVE)], id="row 26: no task"),
        pytest.param("datasets", [(DATASETS, REMOVE)], id="row 26: no data"),
        pytest.param("datasets", [(DATASETS, [])], id="row 26: no set of data"),
        pytest.param("datasets", [(DATASETS, [{"type": "dataset"}])], id="row 26: data of no name"),
        pytest.param("licence", [(LICENCES, REMOVE)], id="row 26: no licence"),
        pytest.param(
            "limitations",
            [((*CONSIDERATIONS, "technicalLimitations"), [])],
            id="row 26: no limitations",
        ),
        pytest.param(
            "ethicalConsiderations",
            [((*CONSIDERATIONS, "ethicalConsiderations"), [{"mitigationStrategy": "none"}])],
            id="row 26: a risk without a name",
        ),
        pytest.param("fairnessAssessments", [(FAIRNESS, REMOVE)], id="row 26: no fairness"),
        pytest.param("fairnessAssessments", [(FAIRNESS, [{}])], id="row 26: an empty assessment"),
    ],
)
def test_what_the_policy_demands_must_be_said(field: str, changes: list[tuple[Place, Any]]) -> None:
    card = changed(*changes)
    with pytest.raises(DeniedError, match=f"does not say what .* demands: {field}$") as refused:
        check(card, RECORD, (field,))
    assert (refused.value.code, refused.value.status) == ("HP-T16", 403)
    assert field not in check(card, RECORD).fields


def doubled(name: str) -> bytes:
    return encode(filled(RECORD)).replace(b'"version": 1,', f'"version": 1, "{name}": 2,'.encode())


OTHER = "0" * 64
SUBJECT: Place = ("metadata", "component")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(
            changed(((*CONSIDERATIONS, "fairness"), [])),
            r"modelCard.considerations: .*'fairness' was unexpected",
            id="row 26: an unknown field",
        ),
        pytest.param(
            changed((("colour",), "red")), "'colour' was unexpected", id="row 26: one at the top"
        ),
        pytest.param(
            changed(((*DATASETS, 0, "source"), "x")), "source", id="row 26: one deep within a list"
        ),
        pytest.param(changed((TASK, 7)), "modelParameters.task: 7 is not of type", id="a number"),
        pytest.param(changed((SUBJECT, REMOVE)), "metadata.component is no", id="of nothing"),
        pytest.param(
            changed(((*SUBJECT, "type"), "application")), "component is no", id="of no model"
        ),
        pytest.param(changed((CARD, REMOVE)), "metadata.component is no", id="no card in it"),
        pytest.param(
            changed(((*SUBJECT, "hashes", 0, "content"), OTHER)),
            f"the card of {OTHER}, not of sha256:",
            id="of another archive",
        ),
        pytest.param(
            changed(((*SUBJECT, "hashes"), REMOVE)), "the card of no module", id="of no archive"
        ),
        pytest.param(
            changed(
                (
                    (*SUBJECT, "hashes"),
                    [
                        {"alg": "SHA-256", "content": RECORD.archive_digest.hex},
                        {"alg": "SHA-256", "content": OTHER},
                    ],
                )
            ),
            "the card of",
            id="of two archives",
        ),
        pytest.param(
            changed(((*SUBJECT, "properties", 0, "value"), "tfhub.dev/google/spice/3")),
            "the card of tfhub.dev/google/spice/3",
            id="of another handle",
        ),
        pytest.param(changed((("specVersion",), "1.5")), "specVersion is '1.5'", id="another spec"),
        pytest.param(changed((("specVersion",), REMOVE)), "specVersion is None", id="no spec"),
        pytest.param(changed((("bomFormat",), "SPDX")), "not a CycloneDX document", id="not one"),
        pytest.param(b"[]", "not a CycloneDX document", id="a list"),
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(encode(filled(RECORD))[:-9], "not JSON", id="cut"),
        pytest.param(b"\xff\xfe{\0}\0", "not JSON", id="UTF-16"),
        pytest.param(doubled("specVersion"), "stands twice", id="a name twice"),
        pytest.param(
            encode(filled(RECORD)).replace(b'"version": 1', b'"version": NaN', 1),
            "NaN is no number",
            id="no number",
        ),
        pytest.param(b'{"a":' * 100 + b"1" + b"}" * 100, "nested too deep", id="deep"),
        pytest.param(b"[" * 100_000, "nested too deep|not JSON", id="very deep"),
        pytest.param(b"[" + b"{}," * 20_000 + b"{}]", "more than 10,000 values", id="many values"),
        pytest.param(b" " * (LARGEST_CARD + 1), "more than 1,048,576", id="large"),
    ],
)
def test_what_is_not_the_card_of_the_module_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CardError, match=why) as refused:
        check(data, RECORD)
    assert "not the model card of tfhub.dev/google/spice/2" in str(refused.value)
    assert "hubproxy trust card edit tfhub.dev/google/spice/2" in refused.value.remedy


def test_a_place_that_is_not_filled_in_is_named() -> None:
    with pytest.raises(CardError, match="is not filled in: ") as refused:
        check(encode(template(RECORD, FACTS)), RECORD)
    for place in (
        "licenses[0].license.name",
        "modelCard.modelParameters.task",
        "modelCard.modelParameters.datasets[0].sensitiveData[0]",
        "modelCard.considerations.fairnessAssessments[0].groupAtRisk",
    ):
        assert place in str(refused.value)
    one = changed((TASK, "  FILL IN: later"))
    with pytest.raises(CardError, match=r"is not filled in: modelCard.modelParameters.task$"):
        check(one, RECORD)


@pytest.mark.parametrize(
    "text",
    ["unknown", "Unknown.", "", "  ", "n/a", "?", "TBD", "unknown, accepted by ",
     "unknown, accepted by NAME", "unknown, accepted"],
)  # fmt: skip
def test_nothing_is_unknown_without_a_name(text: str) -> None:
    with pytest.raises(CardError, match="says nothing of: task"):
        check(changed((TASK, text)), RECORD)


def test_a_card_may_begin_with_a_byte_order_mark_and_end_in_lines() -> None:
    data = b"\xef\xbb\xbf" + encode(filled(RECORD)) + b"\r\n"
    assert check(data, RECORD).digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize(
    "licences",
    [
        pytest.param([{"license": {"id": "Apache-2.0"}}], id="an id"),
        pytest.param([{"license": {"name": "The publisher's own"}}], id="a name"),
        pytest.param([{"expression": "MIT OR Apache-2.0"}], id="an expression"),
    ],
)
def test_a_licence_is_said_in_any_way_that_the_standard_has(licences: list[Any]) -> None:
    assert "licence" in check(changed((LICENCES, licences)), RECORD).fields


def test_the_record_may_be_signed_with_the_note() -> None:
    note = check(encode(filled(RECORD)), RECORD)
    noted = msgspec.structs.replace(RECORD, card=note)
    assert type(noted).decode(noted.encode()) == noted


@pytest.mark.parametrize(
    ("data", "named"),
    [
        pytest.param(encode(template(RECORD)), RECORD.archive.digest, id="a template"),
        pytest.param(b"[]", None, id="a list"),
        pytest.param(b'{"metadata":{"component":{"hashes":[]}}}', None, id="no hash"),
        pytest.param(b'{"metadata":{"component":{"hashes":[{"content":7}]}}}', None, id="a number"),
        pytest.param(
            b'{"metadata":{"component":{"hashes":[{"content":"../x"}]}}}', None, id="a path"
        ),
        pytest.param(b"\xff", None, id="no JSON"),
        pytest.param(b"[" * 100_000, None, id="deep"),
    ],
)
def test_a_card_names_its_archive(data: bytes, named: str | None) -> None:
    assert archive_named(data) == named


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param(["cyclonedx"], id="nothing of it"),
        pytest.param(["jsonschema"], id="without its extra"),
    ],
)
def test_where_the_validator_is_missing_its_extra_is_named(missing: Sequence[str]) -> None:
    ran = run(
        "import sys\n"
        "sys.modules.update(dict.fromkeys(sys.argv[1:]))\n"
        "from hubproxy.cards.schema import faults\n"
        "from hubproxy.errors import UsageError\n"
        "try:\n    faults('{}')\n"
        "except UsageError as error:\n    print(error, error.remedy)\n",
        *missing,
    )
    assert ran.stdout == (
        "model cards cannot be checked: cyclonedx-python-lib is not installed here "
        "Run `pip install 'hubproxy[bom]'`.\n"
    ), ran.stderr


def test_nothing_but_a_check_imports_the_validator() -> None:
    ran = run(
        "import sys, hubproxy.wiring, hubproxy.cards.bom, hubproxy.cards.template\n"
        "print([name for name in sys.modules if name in ('cyclonedx', 'jsonschema')])"
    )
    assert ran.stdout == "[]\n"
