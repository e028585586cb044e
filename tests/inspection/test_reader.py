"""Looking into archives by a child: what it tells, and what can end it. Real processes, all."""

import os
import random
import re
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from unittest import mock

import msgspec
import pytest

from hubproxy.core.formats import detect_format
from hubproxy.core.record import FileEntry, Record
from hubproxy.inspection.facts import Facts, Vocabulary
from hubproxy.inspection.inspected import Inspected
from hubproxy.inspection.modulefiles import LARGEST_GRAPH
from hubproxy.inspection.reader import inspect
from hubproxy.inspection.request import Limits
from tests.children import children
from tests.inspection.wire import data, graph, meta, node, saved_model, varint
from tests.made import make
from tests.models import tiny

GRAPH = saved_model(meta(graph(node("Const"), functions={"f": [node("ReadFile")]})))


@contextmanager
def archive(content: bytes) -> Iterator[int]:
    with TemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.fileno()


def look(files: Mapping[str, bytes], limits: Limits = Limits()) -> Inspected:  # noqa: B008  # frozen
    made = make(files=files)
    record = msgspec.structs.replace(made.record, format=detect_format(files))
    with archive(made.plain) as descriptor:
        return inspect(descriptor, record, limits)


def facts_of(files: Mapping[str, bytes], limits: Limits = Limits()) -> Facts | None:  # noqa: B008  # frozen
    return look(files, limits).facts


def told(inspected: Inspected) -> str:
    """Everything that the findings say."""
    return "\n".join(f"{one.verdict} {one}: {one.why}" for one in inspected.findings)


def test_a_child_tells_what_is_inside() -> None:
    facts = facts_of({"saved_model.pb": GRAPH, "saved_model.txt": b"not looked at"})
    assert facts is not None
    assert facts.ops == ("Const", "ReadFile")
    assert facts.graphs[0].tensorflow == "2.21.0"


def test_a_module_of_tensorflow_1_is_read_as_well() -> None:
    facts = facts_of({"tfhub_module.pb": b"\x08\x03", "saved_model.pb": GRAPH})
    assert facts is not None
    assert facts.ops == ("Const", "ReadFile")


def test_a_model_for_javascript_is_read_as_well() -> None:
    facts = facts_of({"model.json": b'{"weightsManifest": [{"weights": [{"shape": [7]}]}]}'})
    assert facts is not None
    assert facts.parameters == 7


@pytest.mark.parametrize("name", ["model.tflite", "model.keras", "weights.bin"])
def test_other_formats_are_not_looked_into(name: str) -> None:
    assert facts_of({name: b"\0" * 100}) is None


PICKLE = b"cos\nsystem\n(S'id'\ntR."


def zipped(name: str, content: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        pytest.param("a.pkl", PICKLE, "pickle:os.system", id="by its name"),
        pytest.param("a", b"\x80\x02" + PICKLE, "pickle:os.system", id="by its first bytes"),
        pytest.param("a.pt", zipped("a.pkl", PICKLE), "pickle:os.system", id="in an archive"),
        pytest.param("a.npy", PICKLE, "pickle:os.system", id="by the name of an array"),
        pytest.param("a.pkl", b"\x80\x04\xff", "pickle:plain", id="not a whole one"),
        pytest.param("a.pt", b"PK\x03\x04" + bytes(50), "archive:nested", id="a damaged archive"),
    ],
)
def test_a_child_that_can_open_nothing_looks_into_pickles(
    name: str, content: bytes, finding: str
) -> None:
    found = [one.name for one in look({"saved_model.pb": tiny(), name: content}).findings]
    assert finding in found
    assert "gate:no-answer" not in found


def test_a_module_with_a_pickle_takes_a_second_child() -> None:
    """The first is confined before it looks, and then can import nothing."""
    for files, started in (({"a.pkl": PICKLE}, 2), ({"a.txt": PICKLE}, 2), ({"a.txt": b"a"}, 1)):
        with mock.patch.object(subprocess, "Popen", wraps=subprocess.Popen) as begun:
            look({"saved_model.pb": tiny(), **files})
        assert begun.call_count == started


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        pytest.param(b"the\nof\n", 2, id="two lines"),
        pytest.param(b"the\nof", 2, id="no newline at the end"),
        pytest.param(b"", 0, id="empty"),
        pytest.param("naïve\nλ\n".encode(), 2, id="UTF-8"),
        pytest.param(b"a" * (2**20 - 1) + "é\nb".encode(), 2, id="a letter across two pieces"),
        pytest.param("naïve\n".encode("latin-1"), None, id="another encoding"),
        pytest.param(b"the\n\0of\n", None, id="not a text"),
        pytest.param("é".encode()[:1], None, id="half a letter"),
    ],
)
def test_a_vocabulary_has_lines(content: bytes, lines: int | None) -> None:
    facts = facts_of({"saved_model.pb": GRAPH, "assets/tokens.txt": content, "tokens.txt": b"a\n"})
    assert facts is not None
    expected = () if lines is None else (Vocabulary("assets/tokens.txt", lines),)
    assert facts.vocabularies == expected


def nested(levels: int) -> bytes:
    """A node whose attribute is a function whose attribute is a function, and so on."""
    inner = b""
    for _ in range(levels):
        inner = data(5, data(2, inner))
    return saved_model(meta(graph(inner)))


NODES = saved_model(meta(data(1, data(2, b"Identity")) * 1_000_000))
MANY = saved_model(meta(b"\x0a\x00" * 20_000_000))
BOUNDED = Limits(memory=512 * 1024**2, cpu_seconds=20)


@pytest.mark.parametrize(
    ("content", "limits", "why"),
    [
        pytest.param(GRAPH[:-2], BOUNDED, "is not a SavedModel", id="row 18: truncated"),
        pytest.param(
            random.Random(18).randbytes(200_000), BOUNDED, "not a SavedModel", id="row 18: random"
        ),
        pytest.param(b"\x0b" * 100_000, BOUNDED, "not a SavedModel", id="row 18: deep"),
        pytest.param(
            b"\x12\xff\xff\xff\xff\x07" + bytes(1000),
            BOUNDED,
            "not a SavedModel",
            id="row 18: a constant of 2 GB declared",
        ),
        pytest.param(
            MANY,
            Limits(memory=300 * 1024**2),
            "not a SavedModel|bytes of memory|ended by",
            id="row 18: 20 million nodes",
        ),
        pytest.param(
            NODES, Limits(cpu_seconds=0), "after 0 seconds of work", id="row 18: no time to work"
        ),
        pytest.param(
            NODES, Limits(wall_seconds=0.01), "longer than 0.01 seconds", id="row 18: too slow"
        ),
        pytest.param(
            NODES, Limits(memory=2**20), "1,048,576 bytes of memory", id="row 18: no memory at all"
        ),
        pytest.param(
            saved_model(meta(graph(*(node(f"Op{at}") for at in range(1000))))),
            Limits(answer=2000),
            "says more than 2,000 bytes hold",
            id="row 18: a long answer",
        ),
    ],
)
def test_a_hostile_module_ends_its_reader_and_nothing_else(
    content: bytes, limits: Limits, why: str
) -> None:
    assert re.search(why, told(look({"saved_model.pb": content}, limits)))


def test_row_18_a_million_nodes_are_read_within_the_usual_limits() -> None:
    facts = facts_of({"saved_model.pb": NODES})
    assert facts is not None
    assert facts.ops == ("Identity",)


def test_row_18_what_is_deep_but_not_looked_at_is_passed_over() -> None:
    facts = facts_of({"saved_model.pb": nested(20_000)}, BOUNDED)
    assert facts is not None
    assert facts.ops == ("",)


def test_a_graph_that_is_too_large_is_not_even_read() -> None:
    entry = FileEntry("saved_model.pb", 0, LARGEST_GRAPH + 1, "0" * 64)
    record = msgspec.structs.replace(make(files={"saved_model.pb": GRAPH}).record, files=(entry,))
    with archive(GRAPH) as file:
        found = inspect(file, record)
    assert "hold saved_model:unread in saved_model.pb" in told(found)
    assert "at most 536,870,912 are" in told(found)


def changed(record: Record, **changes: object) -> Record:
    first, *others = record.files
    return msgspec.structs.replace(
        record, files=(msgspec.structs.replace(first, **changes), *others)
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"sha256": "0" * 64}, "is not the file that the record names", id="other"),
        pytest.param({"offset": 10**9}, "the archive ends within saved_model.pb", id="behind it"),
    ],
)
def test_only_what_the_record_names_is_believed(changes: dict[str, object], why: str) -> None:
    made = make(files={"saved_model.pb": GRAPH})
    with archive(made.plain) as file:
        found = inspect(file, changed(made.record, **changes))
    assert found.verdict == "hold"
    assert why in told(found)


def test_a_closed_archive_is_told_as_unreadable() -> None:
    made = make(files={"saved_model.pb": GRAPH})
    with archive(made.plain) as file:
        gone = os.dup(file)
    os.close(gone)
    assert inspect(gone, made.record).verdict == "hold"


def test_a_child_that_is_too_slow_is_ended_and_not_waited_for() -> None:
    ours, before = children(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert "longer than" in told(look({"saved_model.pb": MANY}, Limits(wall_seconds=0.3)))
    # Left alone it works for some four seconds.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1
    assert children() == ours


def test_the_parent_imports_no_parser() -> None:
    code = (
        "import sys, hubproxy.wiring, hubproxy.inspection.reader\n"
        "print([name for name in sys.modules if name.startswith('google.protobuf')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"


def test_a_folder_where_an_officer_works_gives_the_child_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    facts = facts_of({"saved_model.pb": GRAPH})
    assert facts is not None


def test_a_small_module_is_read_at_once() -> None:
    begun = time.monotonic()
    facts_of({"saved_model.pb": GRAPH})
    assert time.monotonic() - begun < 10  # measured: 0.2 s


def test_the_limits_reach_the_child() -> None:
    """A length of 2 GB is not set aside on a stranger's word."""
    declared = b"\x12" + varint(2**31 - 1) + bytes(100)
    found = look({"saved_model.pb": declared}, Limits(memory=200 * 1024**2))
    assert "refuse saved_model:damaged" in told(found)
