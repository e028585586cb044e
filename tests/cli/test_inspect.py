"""`hubproxy inspect`, run where there is nothing: no settings, no home, no data folder."""

import asyncio
import os
import pty
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import faults
from tests.archives import tar_of
from tests.cli.modules import ARCHIVES, BROKEN, CLEAN, LAMBDA, POISONED
from tests.cli.place import Done
from tests.inspection.wire import data, graph, meta, node, saved_model
from tests.models import MODEL
from tests.origin import Origin
from tests.site import tar_gz

PASS, USAGE, NOT_HAD, HOLD, REFUSE = 0, 2, 1, 3, 4


@dataclass
class Desk:
    """A folder with models, and an empty one for what is temporary."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("here", "tmp"):
            (self.folder / name).mkdir()

    @property
    def here(self) -> Path:
        return self.folder / "here"

    def put(self, name: str, content: bytes | Mapping[str, bytes]) -> Path:
        """A file, or a folder of files."""
        path = self.here / name
        files = {"": content} if isinstance(content, bytes) else content
        for inner, whole in files.items():
            file = path / inner if inner else path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(whole)
        return path

    async def start(self, *words: str, stdin: int = asyncio.subprocess.DEVNULL) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hubproxy", "inspect", *words,
            cwd=self.here, stdin=stdin, stdout=PIPE, stderr=PIPE,
            env={
                "PYTHONPATH": str(Path.cwd()),
                "TMPDIR": str(self.folder / "tmp"),
                **self.variables,
            },
        )  # fmt: skip

    async def run(self, *words: str, given: bytes | None = None) -> Done:
        """Inspect, and see that nothing is left behind."""
        before = self.left
        child = await self.start(*words, stdin=PIPE if given is not None else 0)
        out, errors = await child.communicate(given)
        assert self.left == before
        assert child.returncode is not None
        assert "Traceback" not in errors.decode()
        return Done(child.returncode, out.decode(), errors.decode())

    async def told(self, *words: str) -> dict[str, Any]:
        """What `--json` says of one module."""
        (found,) = (await self.run("--json", *words)).objects
        return found

    @property
    def left(self) -> list[str]:
        return sorted(str(path) for path in self.folder.rglob("*"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as origin:
        yield origin


async def test_a_clean_a_poisoned_and_a_broken_module_are_told_apart(desk: Desk) -> None:
    for name, files in (("clean", CLEAN), ("poisoned", POISONED), ("broken", BROKEN)):
        desk.put(f"{name}.tar.gz", tar_gz(files))
    clean = await desk.run("clean.tar.gz")
    assert (clean.status, clean.errors) == (PASS, "")
    assert clean.out.splitlines()[0] == "PASS    clean.tar.gz"
    assert clean.out.splitlines()[-1].startswith("PASS    clean.tar.gz: nothing found  (gate ")
    assert "    images: float32[?, 224, 224, 3]" in clean.out
    assert "vocabulary  assets/labels.txt, 2 lines" in clean.out

    poisoned = await desk.run("poisoned.tar.gz")
    assert poisoned.status == HOLD
    lines = poisoned.out.splitlines()
    assert lines[0] == "HOLD    poisoned.tar.gz"
    assert lines[-1].startswith("HOLD    poisoned.tar.gz: op:ReadFile, op:WriteFile  (gate ")
    at = lines.index("  HOLD    op:WriteFile")
    assert lines[at + 1] == "    where   function inner"
    assert lines[at + 2].startswith("    why     it writes files on the machine that loads")
    assert any(line.startswith("    allow   ") for line in lines[at + 3 :])

    broken = await desk.run("broken.tar.gz")
    assert broken.status == REFUSE
    assert broken.out.splitlines()[0] == "REFUSE  broken.tar.gz"
    assert "saved_model:shard-missing" in broken.out.splitlines()[-1]
    assert "    where   variables/variables.data-00000-of-00001" in broken.out


async def test_what_is_printed_for_a_program_is_what_the_page_says(desk: Desk) -> None:
    desk.put("poisoned.tar.gz", tar_gz(POISONED))
    found, page = await desk.told("poisoned.tar.gz"), (await desk.run("poisoned.tar.gz")).out
    assert (found["name"], found["verdict"]) == ("poisoned.tar.gz", "hold")
    assert [one["name"] for one in found["findings"]] == ["op:ReadFile", "op:WriteFile"]
    flat = " ".join(page.split())
    for finding in found["findings"]:
        assert {finding["verdict"], *finding} == {
            "hold", "name", "verdict", "where", "why", "remedy",
        }  # fmt: skip
        for text in finding.values():
            assert text in flat or text == "hold"
    assert found["formats"] == ["saved_model"]
    (call,) = found["facts"]["graphs"][0]["signatures"]
    assert call["inputs"] == [{"name": "images", "dtype": "float32", "shape": [-1, 224, 224, 3]}]
    assert found["ops"]["file-write"] == ["WriteFile"]
    assert sorted(op for ops in found["ops"].values() for op in ops) == found["facts"]["ops"]
    for kind, ops in found["ops"].items():
        assert f"{kind:<12}{len(ops):>4}  {', '.join(ops)}" in page
    for digest in (found["archive"]["digest"], found["archive"]["tree"]):
        assert f"    {digest}\n" in page
    assert f"archive     {found['archive']['size']:,} bytes" in page
    assert f"read as     {found['origin']['size']:,} bytes, application/gzip" in page
    assert {one["path"]: one["size"] for one in found["files"]} == {
        path: len(content) for path, content in POISONED.items()
    }
    for one in found["files"]:
        assert f"{one['size']:>15,}  {one['path']}\n" in page
    assert f"(gate {found['gate']['version']}, ops {found['gate']['ops']})" in page


@pytest.mark.parametrize("name", ARCHIVES)
async def test_every_kind_of_archive_is_read(desk: Desk, name: str) -> None:
    desk.put(name, ARCHIVES[name])
    found = await desk.told(name)
    assert (found["verdict"], found["formats"]) == ("pass", ["saved_model"])
    assert len(found["files"]) == len(CLEAN)


async def test_a_folder_is_read_as_the_archive_of_it_is(desk: Desk) -> None:
    desk.put("module", CLEAN)
    desk.put("module.tar", ARCHIVES["model.tar"])
    folder, archive = await desk.told("module"), await desk.told("module.tar")
    assert folder["archive"]["tree"] == archive["archive"]["tree"]
    assert (folder["origin"], archive["origin"]["media_type"]) == (None, "application/x-tar")
    done = await desk.run("module/")
    assert (done.status, "  read as     a folder\n" in done.out) == (PASS, True)


@pytest.mark.parametrize(
    ("name", "content", "status", "finding"),
    [
        pytest.param("saved_model.pb", CLEAN["saved_model.pb"], PASS, "", id="graph"),
        pytest.param("m.pb", POISONED["saved_model.pb"], HOLD, "op:WriteFile", id="graph-renamed"),
        pytest.param("model.keras", LAMBDA, HOLD, "keras:Lambda", id="keras"),
        pytest.param("model.pkl", b"cos\nsystem\n(S'id'\ntR.", HOLD, "pickle:os.system", id="pkl"),
    ],
)
async def test_a_lone_file_is_a_module_of_one_file(
    desk: Desk, name: str, content: bytes, status: int, finding: str
) -> None:
    desk.put(name, content)
    done = await desk.run(name)
    assert done.status == status
    assert "a module of one file" in done.out
    assert finding in done.out.splitlines()[-1]


async def test_an_op_that_is_excused_is_not_called_a_danger(desk: Desk) -> None:
    saver = data(3, data(1, b"name"), data(2, b"save"), data(3, b"restore"))
    nodes = [
        node("Placeholder", "name"),
        data(1, b"write") + data(2, b"SaveV2") + data(3, b"name"),
        data(1, b"save") + data(2, b"Identity") + data(3, b"name") + data(3, b"^write"),
    ]
    held = node("ReadFile", "read")
    for name, more in (("saves", []), ("reads", [held])):
        content = saved_model(meta(graph(*nodes, *more)) + saver)
        desk.put(f"{name}/saved_model.pb", content)
    saves, reads = await desk.told("saves"), await desk.told("reads")
    assert (saves["verdict"], saves["ops"]["excused"]) == ("pass", ["SaveV2"])
    assert "file-write" not in saves["ops"]
    assert (reads["verdict"], reads["ops"]["file-read"]) == ("hold", ["ReadFile"])
    assert reads["ops"]["excused"] == ["SaveV2"]
    assert "or excused for how they are used" in (await desk.run("saves")).out


async def test_an_archive_on_standard_input_is_read(desk: Desk) -> None:
    done = await desk.run("-", given=tar_gz(POISONED))
    assert (done.status, done.out.splitlines()[0]) == (HOLD, "HOLD    -")


async def test_a_named_pipe_is_read_to_its_end(desk: Desk) -> None:
    os.mkfifo(desk.here / "model.tar.gz")

    def feed() -> None:
        (desk.here / "model.tar.gz").write_bytes(tar_gz(CLEAN))

    fed = asyncio.create_task(asyncio.to_thread(feed))
    assert (await desk.run("model.tar.gz")).status == PASS
    await fed


async def test_of_several_modules_the_worst_is_the_status(desk: Desk) -> None:
    for name, files in (("clean", CLEAN), ("poisoned", POISONED)):
        desk.put(name, files)
    done = await desk.run("--json", "poisoned", "gone.tar.gz", "clean")
    assert done.status == HOLD
    assert [found["verdict"] for found in done.objects] == ["hold", "pass"]
    assert "there is no file or folder 'gone.tar.gz' here" in done.errors
    page = await desk.run("clean", "clean")
    assert (page.status, page.out.count("PASS    clean\n")) == (PASS, 2)


@pytest.mark.parametrize(
    ("name", "archive", "told"),
    [
        pytest.param("cut.tar.gz", tar_gz(CLEAN)[:-40], "gzip stream is cut short", id="cut"),
        pytest.param("up.tar", tar_of({"../up": b"x"}), "'../up' has a '..' segment", id="up"),
        pytest.param("no.tar.gz", b"\0" * 100, "not an archive", id="no-archive"),
    ],
)
async def test_an_unsafe_archive_is_refused_with_its_member(
    desk: Desk, name: str, archive: bytes, told: str
) -> None:
    desk.put(name, archive)
    done, found = await desk.run(name), await desk.told(name)
    assert (done.status, found["verdict"]) == (REFUSE, "refuse")
    (finding,) = found["findings"]
    assert (finding["name"], finding["verdict"]) == ("archive:unsafe", "refuse")
    assert told in finding["why"]
    assert told in done.out
    assert (found["archive"], found["facts"], found["files"]) == (None, None, [])


async def test_a_link_in_a_folder_is_refused_and_not_followed(desk: Desk) -> None:
    desk.put("module", CLEAN)
    (desk.here / "module" / "assets" / "more.txt").symlink_to("/etc/passwd")
    done = await desk.run("module")
    assert done.status == REFUSE
    assert "'assets/more.txt' is a link, to '/etc/passwd'" in done.out


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("empty.tar", b"", "empty.tar is empty", id="empty"),
        pytest.param("page.tar.gz", b"\n<!DOCTYPE html><html>", "is a web page", id="page"),
        pytest.param(
            "model.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
            "is a pointer of Git LFS", id="pointer",
        ),
        pytest.param(
            "module", {**MODEL, "variables/variables.data-00000-of-00001":
                       b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"},
            "variables/variables.data-00000-of-00001 is a pointer of Git LFS", id="pointer-within",
        ),
        pytest.param("notes", {"a.txt": b"x"}, "nothing in notes is a model", id="no-model"),
        pytest.param("a.txt", b"x", "nothing in a.txt is a model", id="no-model-alone"),
    ],
)  # fmt: skip
async def test_what_is_no_model_is_a_plain_error(
    desk: Desk, name: str, content: bytes | dict[str, bytes], told: str
) -> None:
    desk.put(name, content)
    done = await desk.run(name)
    assert (done.status, done.out) == (NOT_HAD, "")
    assert told in done.errors


async def test_what_cannot_be_read_is_named(desk: Desk) -> None:
    (desk.here / "empty").mkdir()
    (desk.here / "dangling").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(desk.here)
        try:
            server.bind("socket")
        finally:
            os.chdir(Path(__file__).parents[2])
        for name, told in (
            ("empty", "empty is a folder without a file"),
            ("dangling", "cannot be read: No such file or directory"),
            ("socket", "cannot be read: No such device or address"),
            ("/dev/null", "/dev/null is neither a file nor a folder"),
        ):
            done = await desk.run(name)
            assert (done.status, done.out) == (NOT_HAD, "")
            assert told in done.errors


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("gone", "there is no file or folder 'gone' here, and it is no URL", id="gone"),
        pytest.param("my.models/a/1", "my.models is no hub that is known", id="no-hub"),
        pytest.param("tfhub.dev/google/spice", "has no version", id="no-version"),
        pytest.param("http://ada@127.0.0.1/x", "it carries a user name", id="url-with-user"),
    ],
)
async def test_what_is_nothing_is_wrong_use(desk: Desk, name: str, told: str) -> None:
    done = await desk.run(name)
    assert (done.status, done.out) == (USAGE, "")
    assert told in done.errors


async def test_a_url_is_fetched_with_its_query_and_by_redirects(desk: Desk, origin: Origin) -> None:
    origin.put("/models/clean.tar.gz", tar_gz(CLEAN))
    origin.always("/go", faults.redirect("/models/clean.tar.gz"))
    done = await desk.run(f"{origin.url}/go?id=1")
    assert done.status == PASS
    assert origin.requests[0].target == "/go?id=1"
    assert done.out.startswith(f"PASS    {origin.url}/go?id=1\n")


async def test_a_lone_file_is_fetched_as_well(desk: Desk, origin: Origin) -> None:
    origin.put("/model.keras", LAMBDA, media_type="application/zip")
    done = await desk.run(f"{origin.url}/model.keras?download=true")
    assert (done.status, "read as     model.keras" in done.out) == (HOLD, True)


async def test_what_cannot_be_fetched_is_told(desk: Desk, origin: Origin) -> None:
    desk.variables["HUBPROXY_NETWORK_ATTEMPTS"] = "1"
    origin.put("/page", b"<html>", media_type="text/html")
    for path, told in (("/gone", "upstream answered 404"), ("/page", "sent a web page")):
        done = await desk.run(origin.url + path)
        assert (done.status, done.out) == (NOT_HAD, "")
        assert told in done.errors


async def test_a_handle_is_fetched_from_the_hub_of_the_settings(desk: Desk, origin: Origin) -> None:
    origin.put("/google/nnlm/1", tar_gz(POISONED))
    settings = desk.put("hubproxy.toml", (
        f'data = "{desk.here}/none"\n'
        f'[[hub]]\nhost = "tfhub.dev"\nurl = "{origin.url}"\nprivate = true\n'
    ).encode())  # fmt: skip
    for name in ("tfhub.dev/google/nnlm/1", "https://tfhub.dev/google/nnlm/1"):
        done = await desk.run("--config", str(settings), name)
        assert (done.status, done.out.splitlines()[0]) == (HOLD, f"HOLD    {name}")
    assert {request.target for request in origin.requests} == {
        "/google/nnlm/1?tf-hub-format=compressed"
    }


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_an_end_in_the_middle_leaves_nothing(
    desk: Desk, origin: Origin, told: signal.Signals
) -> None:
    origin.put("/model.tar.gz", tar_gz(CLEAN))
    origin.always("/model.tar.gz", faults.stalled(10))
    for words, stdin in (((f"{origin.url}/model.tar.gz",), 0), (("-",), PIPE)):
        child = await desk.start(*words, stdin=stdin)
        if stdin:
            assert child.stdin is not None
            child.stdin.write(b"\x1f\x8b")
            while not any((desk.folder / "tmp").rglob("input")):
                await asyncio.sleep(0.01)
        else:
            await origin.asked("/model.tar.gz")
        child.send_signal(told)
        _, errors = await asyncio.wait_for(child.communicate(), 20)
        assert (child.returncode, errors.split()) == (130, [b"stopped"])
        assert os.listdir(desk.folder / "tmp") == []


async def test_a_broken_pipe_is_quiet(desk: Desk) -> None:
    desk.put("clean", CLEAN)
    command = f'"{sys.executable}" -m hubproxy inspect clean clean clean 2>&1 >&3 | cat >&2'
    child = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{{ {command}; }} 3>&1 | true",
        cwd=desk.here, stderr=PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()),
             "TMPDIR": str(desk.folder / "tmp")},
    )  # fmt: skip
    _, errors = await child.communicate()
    assert errors == b""
    assert os.listdir(desk.folder / "tmp") == []


async def test_a_stranger_s_text_cannot_drive_the_terminal(desk: Desk) -> None:
    graph_of = saved_model(
        meta(graph(node("Bad\x1b[2J", "x")), tags=("serve\x1b[31m",), version="\x1b]0;x\x07")
    )
    desk.put("saved_model.pb", graph_of)
    done = await desk.run("saved_model.pb")
    assert done.status == HOLD
    assert r"serve\x1b[31m" in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_only_a_terminal_without_no_color_sees_colours(
    desk: Desk, variables: dict[str, str], coloured: bool
) -> None:
    desk.put("clean", CLEAN)
    shown, terminal = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hubproxy", "inspect", "clean",
        cwd=desk.here, stdout=terminal, env={"PYTHONPATH": str(Path.cwd()), **variables},
    )  # fmt: skip
    os.close(terminal)
    assert await child.wait() == PASS
    seen = os.read(shown, 65536)
    os.close(shown)
    assert (b"\x1b[32m" in seen) == coloured
    assert b"PASS" in seen


async def test_a_module_with_thousands_of_everything_fits_a_screen(desk: Desk) -> None:
    many = saved_model(
        meta(
            graph(*(node(f"Op{number}", "x") for number in range(3000))),
            signatures={f"call{number}": b"" for number in range(3000)},
        )
    )
    desk.put("saved_model.pb", many)
    done = await desk.run("saved_model.pb")
    assert done.status == HOLD
    lines = done.out.splitlines()
    assert "              … and 2,992 more signatures" in lines
    assert (len(lines) < 200, max(map(len, lines)) <= 100) == (True, True)


async def test_the_exit_status_and_every_field_stand_in_the_help(desk: Desk) -> None:
    desk.put("clean", CLEAN)
    help_text = (await desk.run("--help")).out
    for name, value in (await desk.told("clean")).items():
        assert f"{name}" in help_text
        if isinstance(value, dict) and name not in ("facts", "ops"):
            assert all(inner in help_text for inner in value)
    assert "0 pass, 3 hold, 4 refuse; 2 used wrongly; 1 it cannot be had" in " ".join(
        help_text.split()
    )


async def test_it_loads_nothing_that_a_path_does_not_need(desk: Desk) -> None:
    desk.put("clean", CLEAN)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "importtime", "-m", "hubproxy", "inspect", "clean",
        cwd=desk.here, stdout=PIPE, stderr=PIPE, env={"PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    _, errors = await child.communicate()
    loaded = {line.rpartition(b"|")[2].strip().decode() for line in errors.splitlines()}
    assert "hubproxy.cli.inspecting" in loaded
    assert not loaded & {"aiohttp", "tuf", "cryptography", "rich", "hubproxy.wiring"}
