import asyncio
import hashlib
import json
import os
import pty
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubproxy import wiring
from hubproxy.cards.check import check
from hubproxy.cards.document import encode
from hubproxy.cards.schema import faults
from hubproxy.config import load
from hubproxy.core.handle import Handle
from hubproxy.core.record import CARD_FIELDS, Record
from hubproxy.trust.keys import load_signer
from tests.cards.cards import ANSWER, filled_in
from tests.cli.place import SPICE, Place
from tests.inspection.wire import graph, meta, node, saved_model
from tests.site import SMALL, tar_gz

GRAPH = saved_model(meta(graph(node("Const"), functions={"f": [node("MatMul")]})))
MODULE = {"saved_model.pb": GRAPH, "assets/tokens.txt": b"the\nof\n"}
FILE = "tfhub.dev-google-spice-2.cdx.json"


def put_file(place: Place, files: Mapping[str, bytes] = MODULE, name: str = "m.tar.gz") -> str:
    (place.folder / name).write_bytes(tar_gz(files))
    return name


def read(place: Place, name: str = FILE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.folder / name).read_bytes())
    return found


def told(card: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in card["metadata"]["component"]["properties"]}


def fill(place: Place, name: str = FILE) -> bytes:
    data = encode(filled_in(read(place, name)))
    (place.folder / name).write_bytes(data)
    return data


async def record_of(place: Place, handle: str = SPICE) -> Record:
    config = load(place.settings, {})
    (found,) = wiring.known_records(config, Handle.parse(handle))
    return found


async def publish(place: Place, record: Record, card: bytes | None = None) -> Record:
    """Sign a record with its card, as a proposal would."""
    config = load(place.settings, {})
    if card is not None:
        record = msgspec.structs.replace(record, card=check(card, record))
        hex_text = hashlib.sha256(card).hexdigest()
        folder = wiring.places(config).repository / "boms" / hex_text[:2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{hex_text}.cdx.json").write_bytes(card)
    keys = wiring.keys(config, None)
    officer, online = load_signer(keys.officer_pem, None), wiring.online_signers(config)
    wiring.repository(config).publish([record], officer=officer, online=online)
    return record


async def test_a_card_begins_with_what_an_archive_says(place: Place) -> None:
    done = await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))

    card = read(place)
    assert told(card)["hubproxy:ops"] == "Const, MatMul"
    assert told(card)["hubproxy:vocabulary"] == "assets/tokens.txt, 2 lines"
    assert f"wrote {FILE}" in done.errors
    assert f"next: hubproxy trust card check {SPICE} {FILE}" in done.errors
    assert place.origin.requests == []


async def test_a_card_of_a_listed_module_is_of_what_was_approved(place: Place) -> None:
    place.put(SPICE, MODULE)
    await place.begin()
    await place.good("trust", "approve", SPICE, "--licence", "Apache-2.0")
    await place.origin.stop()

    done = await place.good("trust", "card", "edit", SPICE, "-o", "-")

    card = json.loads(done.out)
    record = await record_of(place)
    assert card["metadata"]["component"]["hashes"][0]["content"] == record.archive_digest.hex
    assert card["metadata"]["component"]["licenses"] == [{"expression": "Apache-2.0"}]
    assert told(card)["hubproxy:ops"] == "Const, MatMul"
    assert not (place.folder / FILE).exists()


async def test_a_module_that_is_nowhere_yet_is_fetched_from_its_hub(place: Place) -> None:
    place.put(SPICE, MODULE)
    done = await place.good("trust", "card", "edit", SPICE)
    assert f"reading {SPICE}" in done.errors
    assert told(read(place))["hubproxy:ops"] == "Const, MatMul"


async def test_a_module_that_cannot_be_read_has_a_card_all_the_same(place: Place) -> None:
    archive = put_file(place, {"saved_model.pb": b"no graph"})
    done = await place.good("trust", "card", "edit", SPICE, "--from", archive)
    assert "found: saved_model:damaged in saved_model.pb" in done.errors
    assert "hubproxy:ops" not in told(read(place))


async def test_a_listed_module_that_is_not_on_this_host_has_a_card_too(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    for archive in (place.data / "drafts").glob("*.tar"):
        archive.unlink()
    done = await place.good("trust", "card", "edit", SPICE)
    assert "the module is not on this host" in done.errors
    assert told(read(place))["hubproxy:handle"] == SPICE


async def test_the_card_in_force_is_what_is_edited(place: Place) -> None:
    await place.begin()
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    card = fill(place)
    await place.good("trust", "approve", SPICE, "--from", "m.tar.gz")
    record = await publish(place, await record_of(place), card)

    done = await place.good("trust", "card", "edit", SPICE, "-o", "again.json")

    assert (place.folder / "again.json").read_bytes() == card
    assert f"this is the card of {record.handle} in force" in done.errors


async def test_a_published_card_that_was_altered_is_refused(place: Place) -> None:
    await place.begin()
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    card = fill(place)
    await place.good("trust", "approve", SPICE, "--from", "m.tar.gz")
    await publish(place, await record_of(place), card)
    (path,) = (place.data / "trust" / "repo" / "boms").rglob("*.json")
    path.write_bytes(card.replace(ANSWER.encode(), b"Nothing but the best."))

    for words in (("trust", "card", "edit", SPICE, "-o", "-"), ("bom", "export")):
        done = await place.run(*words)
        assert (done.status, done.out) == (1, "")
        assert "HP-T09: the trust list at " in done.errors
        assert path.stem.partition(".")[0] in done.errors

    path.unlink()
    done = await place.run("bom", "export")
    assert f"there is no {path}" in done.errors


async def test_a_module_in_a_draft_is_found_there(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    record = msgspec.structs.replace(await record_of(place), handle="tfhub.dev/google/spice/3")
    text, hex_text = record.encode(), record.descriptor.digest.hex
    folder = place.data / "drafts" / "D1" / "records" / hex_text[:2]
    folder.mkdir(parents=True)
    (folder / f"{hex_text}.json").write_bytes(text)
    (folder / "policy.json").write_bytes(b"{}")

    await place.good("trust", "card", "edit", record.handle, "-o", "card.json")

    assert told(read(place, "card.json"))["hubproxy:handle"] == record.handle
    assert [asked.path for asked in place.origin.requests] == ["/google/spice/2"]


async def test_of_several_formats_one_is_named(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    await publish(place, msgspec.structs.replace(await record_of(place), format="tflite"))

    done = await place.run("trust", "card", "edit", SPICE)
    assert (done.status, done.out) == (2, "")
    assert f"{SPICE} is there as saved_model, tflite" in done.errors
    await place.good("trust", "card", "edit", SPICE, "--format", "tflite")
    assert told(read(place))["hubproxy:format"] == "tflite"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param(["edit", "tfhub.dev/google/spice"], "has no version", id="no version"),
        pytest.param(
            ["check", "tfhub.dev/google/spice", "hubproxy.toml"], "has no version", id="none either"
        ),
        pytest.param(
            ["edit", SPICE, "-o", "hubproxy.toml"], "hubproxy.toml is there already", id="there"
        ),
        pytest.param(
            ["edit", SPICE, "--from", "m.tar.gz", "-o", "no/card.json"],
            "no/card.json cannot be written: No such file or directory",
            id="no folder",
        ),
        pytest.param(
            ["check", SPICE, "hubproxy.toml"],
            "is not on the trust list, and its archive is not on this host",
            id="of an unknown module",
        ),
        pytest.param(["check", SPICE, "gone.json"], "does not exist", id="no card"),
    ],
)
async def test_what_cannot_be_done_is_told(place: Place, words: list[str], why: str) -> None:
    put_file(place)
    before = place.settings.read_bytes()
    done = await place.run("trust", "card", *words)
    assert (done.status, done.out) == (2, "")
    assert why in done.errors
    assert place.settings.read_bytes() == before


async def at_terminal(place: Place, *words: str, **variables: str) -> tuple[int, str]:
    """Run `hubproxy` at a terminal of its own: the status, and what it showed."""
    own, its = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hubproxy", *words,
        stdin=its, stdout=its, stderr=its, cwd=place.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), "TERM": "dumb",
             "HUBPROXY_CONFIG": str(place.settings), **variables},
    )  # fmt: skip
    os.close(its)

    def shown() -> str:
        pieces = []
        try:
            while piece := os.read(own, 4096):
                pieces.append(piece)
        except OSError:  # how a terminal whose other end is closed says so
            pass
        os.close(own)
        return b"".join(pieces).decode()

    text = await asyncio.to_thread(shown)
    return await child.wait(), text


@pytest.mark.parametrize("name", ["EDITOR", "VISUAL"])
async def test_at_a_terminal_the_editor_opens(place: Place, name: str) -> None:
    editor = place.folder / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/FILL IN: What does it do.*words/seen/" "$1"\n')
    editor.chmod(0o755)
    words = ("trust", "card", "edit", SPICE, "--from", put_file(place), "-o", "card.json")

    status, shown = await at_terminal(place, *words, **{name: str(editor)})

    assert status == 0, shown
    assert b"seen, such as" in (place.folder / "card.json").read_bytes()

    # Again: the same file, which keeps what was written.
    editor.write_text('#!/bin/sh\nsed -i "s/seen, such as/seen twice, such as/" "$1"\n')
    status, shown = await at_terminal(place, *words, **{name: str(editor)})
    assert status == 0, shown
    assert b"seen twice, such as" in (place.folder / "card.json").read_bytes()


async def test_an_editor_that_fails_is_told(place: Place) -> None:
    words = ("trust", "card", "edit", SPICE, "--from", put_file(place))
    status, shown = await at_terminal(place, *words, EDITOR="false")
    assert status == 1
    assert "Editing failed" in shown


async def test_a_good_card_is_told_with_what_it_says(place: Place) -> None:
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    data = fill(place)

    done = await place.good("trust", "card", "check", SPICE, FILE)
    lines = [line.split(maxsplit=1) for line in done.out.splitlines()]
    assert lines[0] == [SPICE + ":", "a good card"]
    assert ["says", ", ".join(CARD_FIELDS)] in lines

    (noted,) = (await place.good("trust", "card", "check", SPICE, FILE, "--json")).objects
    assert noted["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert noted["fields"][0] == "task"


async def test_a_check_tells_what_is_unknown_and_what_is_not_said(place: Place) -> None:
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    card = filled_in(read(place))
    parameters = card["metadata"]["component"]["modelCard"]["modelParameters"]
    parameters["datasets"] = [{"type": "dataset", "name": "unknown, accepted by ada"}]
    del parameters["task"]
    (place.folder / FILE).write_bytes(encode(card))

    lines = (await place.good("trust", "card", "check", SPICE, FILE)).out.splitlines()
    assert "  unknown  datasets: ada" in lines
    assert "  silent   task" in lines


async def test_a_card_does_not_drive_the_terminal_that_checks_it(place: Place) -> None:
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    card = filled_in(read(place))
    card["metadata"]["component"]["modelCard"]["modelParameters"]["task"] = (
        "unknown, accepted by ada\x1b[2J"
    )
    (place.folder / FILE).write_bytes(encode(card))

    done = await place.run("trust", "card", "check", SPICE, FILE)

    assert "\x1b" not in done.out + done.errors
    assert r"ada\x1b[2J" in done.out + done.errors


async def test_a_card_that_is_not_filled_in_is_refused(place: Place) -> None:
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    done = await place.run("trust", "card", "check", SPICE, FILE)
    assert (done.status, done.out) == (2, "")
    assert f"CARD: the card of {SPICE} is not filled in: licenses[0].license.name" in done.errors
    assert "unknown, accepted by NAME" in done.errors


async def test_a_card_is_refused_for_another_module_and_for_other_bytes(place: Place) -> None:
    await place.begin()
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    fill(place)
    await place.good("trust", "approve", SPICE, "--from", put_file(place, SMALL, "other.tar.gz"))
    (read_before,) = {
        path for path in (place.data / "drafts").glob("*.tar")
        if path.stem == read(place)["metadata"]["component"]["hashes"][0]["content"]
    }  # fmt: skip

    # The archive that the card names still lies here, so the card is that proposal's.
    await place.good("trust", "card", "check", SPICE, FILE)

    read_before.unlink()
    done = await place.run("trust", "card", "check", SPICE, FILE)
    assert done.status == 2
    assert "it is the card of " in done.errors
    done = await place.run("trust", "card", "check", SPICE, FILE, "--from", "other.tar.gz")
    assert done.status == 2
    assert "it is the card of " in done.errors


async def test_a_bom_has_every_approved_module(place: Place) -> None:
    await place.begin()
    await place.good("trust", "card", "edit", SPICE, "--from", put_file(place))
    card = fill(place)
    await place.good("trust", "approve", SPICE, "--from", "m.tar.gz")
    await publish(place, await record_of(place), card)
    for name in ("plain", "revoked"):
        place.put(f"tfhub.dev/google/{name}/1", SMALL)
        await place.good("trust", "approve", f"tfhub.dev/google/{name}/1")
    await place.good("trust", "revoke", "tfhub.dev/google/revoked/1", "--reason", "wrong")

    printed = (await place.good("bom", "export", "--json")).out

    made = json.loads(printed)
    assert faults(printed) == []
    assert [one["name"] for one in made["components"]] == ["google/plain", "google/spice"]
    assert ["modelCard" in one for one in made["components"]] == [False, True]
    done = await place.good("bom", "export", "-o", "site.cdx.json")
    assert "wrote site.cdx.json: 2 modules" in done.errors
    assert read(place, "site.cdx.json")["components"] == made["components"]


async def test_a_bom_that_cannot_be_written_is_told(place: Place) -> None:
    await place.begin()
    done = await place.run("bom", "export", "-o", "no/site.json")
    assert (done.status, done.out) == (2, "")
    assert "no/site.json cannot be written" in done.errors


async def test_without_a_list_there_is_no_bom(place: Place) -> None:
    done = await place.run("bom", "export")
    assert (done.status, done.out) == (1, "")
    assert "TRUST_ROOT: there is no trust root" in done.errors
