"""`hubproxy export tfhub-cache`, and `verify-dir` of whole cache folders."""

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubproxy.core.cachetree import key_of
from tests.cli.place import SPICE, Place
from tests.cli.test_mirror import NNLM, OLD, forget_drafts
from tests.site import SMALL, large

BIG = "tfhub.dev/google/big/1"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    from tests.origin import Origin

    async with Origin() as origin:
        place = Place(tmp_path, origin)
        place.put(SPICE, SMALL)
        place.put(NNLM, {**SMALL, "assets/words.txt": b"new", "assets/deep/er/empty": b""})
        place.put(OLD, {**SMALL, "assets/words.txt": b"old"})
        await place.begin()
        await place.good("trust", "approve", SPICE, NNLM, OLD)
        forget_drafts(place)
        await place.good("mirror", "sync", SPICE, NNLM, OLD)
        yield place


def tree(place: Place) -> Path:
    return place.folder / "tree"


async def export(place: Place, *words: str) -> dict[str, object]:
    done = await place.good("export", "tfhub-cache", str(tree(place)), "--json", *words)
    return done.objects[0]


def module(place: Place, spelling: str) -> Path:
    return tree(place) / key_of(spelling)


async def test_every_spelling_leads_to_one_copy(place: Place) -> None:
    done = await export(place)
    assert done["modules"] == [OLD, NNLM, SPICE]
    assert (done["copied"], done["names"]) == (3, 20)
    for end in ("", "/"):
        for scheme in ("http", "https"):
            found = module(place, f"{scheme}://{NNLM}{end}")
            assert found.is_symlink()
            assert not found.readlink().is_absolute()
            assert (found / "assets" / "words.txt").read_bytes() == b"new"
            assert (found / "assets" / "deep" / "er" / "empty").read_bytes() == b""
    assert len(list((tree(place) / ".hubproxy" / "modules").iterdir())) == 3
    assert not list(tree(place).glob("*.lock"))
    assert not list((tree(place) / ".hubproxy").glob("tmp-*"))


async def test_the_name_without_a_version_is_the_latest_approved(place: Place) -> None:
    await export(place)
    latest = module(place, "https://tfhub.dev/google/nnlm")
    assert (latest / "assets" / "words.txt").read_bytes() == b"new"
    await place.good("trust", "revoke", NNLM, "--reason", "it leaks")
    await export(place, "--update", "--prune")
    assert (latest / "assets" / "words.txt").read_bytes() == b"old"
    assert not os.path.lexists(module(place, f"https://{NNLM}"))
    assert len(list((tree(place) / ".hubproxy" / "modules").iterdir())) == 2


async def test_anybody_may_read_it_whatever_the_umask(place: Place) -> None:
    before = os.umask(0o077)
    try:
        await export(place)
    finally:
        os.umask(before)
    for path in tree(place).rglob("*"):
        if not path.is_symlink() and path.name != "lock":
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


async def test_beside_each_name_stand_a_descriptor_and_the_digest(place: Place) -> None:
    await export(place)
    key = key_of(f"https://{NNLM}")
    text = (tree(place) / f"{key}.descriptor.txt").read_text()
    assert text.startswith(f"Module: https://{NNLM}\nDownload Time: ")
    digest = (tree(place) / f"{key}.hubproxy.txt").read_text()
    assert digest == f"sha256:{(tree(place) / key).readlink().name}\n"


async def test_an_alias_is_hashed_as_it_stands(place: Place) -> None:
    alias = f"https://{NNLM}?tf-hub-format=compressed"
    await export(place, "--alias", alias)
    assert module(place, alias).is_dir()
    other = await place.run(
        "export", "tfhub-cache", str(place.folder / "x"), "--alias", "https://tfhub.dev/a/b/1"
    )
    assert (other.status, "no way to write the handle" in other.errors) == (2, True)


async def test_only_what_is_wanted_is_written(place: Place) -> None:
    wanted = place.folder / "list.toml"
    wanted.write_text('[[want]]\nmodules = ["tfhub.dev/google/spice"]\n')
    assert (await export(place, "--list", str(wanted)))["modules"] == [SPICE]


async def test_what_the_store_has_not_is_named(place: Place) -> None:
    place.put(BIG, large(0.1))
    await place.good("trust", "approve", BIG)
    done = await place.run("export", "tfhub-cache", str(tree(place)))
    assert done.status == 1
    assert f"{BIG}: left out, the store has it not: `hubproxy mirror sync` first" in done.errors
    assert module(place, f"https://{NNLM}").is_dir()


async def test_an_export_is_brought_up_to_date_only_when_that_is_said(place: Place) -> None:
    await export(place)
    again = await place.run("export", "tfhub-cache", str(tree(place)))
    assert (again.status, "Bring it up to date with --update" in again.errors) == (2, True)
    assert (await export(place, "--update"))["copied"] == 0


async def test_a_folder_of_somebody_else_is_left_alone(place: Place) -> None:
    tree(place).mkdir()
    (tree(place) / "thesis.tex").write_text("x")
    done = await place.run("export", "tfhub-cache", str(tree(place)), "--update")
    assert (done.status, "it has thesis.tex" in done.errors) == (2, True)
    assert os.listdir(tree(place)) == ["thesis.tex"]


async def test_a_clients_own_copy_is_left_alone_and_named(place: Place) -> None:
    own = module(place, f"https://{NNLM}")
    own.mkdir(parents=True)
    (own / "saved_model.pb").write_bytes(b"its own")
    done = await place.run("export", "tfhub-cache", str(tree(place)))
    assert done.status == 1
    assert f"https://{NNLM}: a client's own copy has that name" in done.errors
    assert (own / "saved_model.pb").read_bytes() == b"its own"


async def test_a_damaged_archive_is_never_laid_out(place: Place) -> None:
    for path in (place.data / "blobs").rglob("*"):
        if path.is_file() and b"assets/words.txt" in (content := path.read_bytes()):
            path.write_bytes(content.replace(b"new", b"bad"))
    done = await place.run("export", "tfhub-cache", str(tree(place)))
    assert (done.status, "hubproxy fsck" in done.errors) == (1, True)
    assert not os.path.lexists(module(place, f"https://{NNLM}"))
    assert not list((tree(place) / ".hubproxy").glob("tmp-*"))


async def test_a_killed_export_is_finished_by_the_next(place: Place) -> None:
    place.put(BIG, large(6))
    await place.good("trust", "approve", BIG)
    await place.good("mirror", "sync", BIG)
    child = await place.start("export", "tfhub-cache", str(tree(place)))
    own = tree(place) / ".hubproxy"
    while not list(own.glob("tmp-*")):
        await asyncio.sleep(0.001)
    child.kill()
    await child.communicate()
    for copy in (own / "modules").iterdir():
        assert (copy / "saved_model.pb").is_file()
    await export(place, "--update")
    assert not list(own.glob("tmp-*"))
    assert module(place, f"https://{BIG}").is_dir()


async def check(place: Place, *words: str) -> tuple[int, list[dict[str, object]]]:
    done = await place.run("verify-dir", str(tree(place)), "--json", *words)
    return done.status, done.objects


async def test_an_export_is_good(place: Place) -> None:
    await export(place)
    status, found = await check(place)
    assert (status, [one["kind"] for one in found]) == (0, ["good"] * 3)
    assert {one["handle"] for one in found} == {SPICE, NNLM, OLD}


@pytest.mark.parametrize(
    ("harm", "kind", "differing"),
    [
        (lambda path: (path / "assets" / "words.txt").write_bytes(b"bad"), "changed", "changed"),
        (lambda path: (path / "more").write_bytes(b""), "changed", "extra"),
        (lambda path: (path / "saved_model.pb").unlink(), "half-deleted", "missing"),
        (lambda path: (path / "assets" / "link").symlink_to("words.txt"), "changed", "link"),
    ],
    ids=["changed", "extra", "half-deleted", "link"],
)
async def test_what_is_not_as_approved_is_named_and_healed(
    place: Place, harm: object, kind: str, differing: str
) -> None:
    await export(place)
    harm(module(place, f"https://{NNLM}").resolve())  # type: ignore[operator]
    status, found = await check(place)
    (bad,) = (one for one in found if one["kind"] != "good")
    assert (status, bad["kind"], bad["handle"]) == (1, kind, NNLM)
    assert [one["kind"] for one in bad["differing"]] == [differing]  # type: ignore[attr-defined]
    assert len(bad["names"]) == 8  # type: ignore[arg-type]

    status, found = await check(place, "--repair")
    assert (status, [one["done"] for one in found if one["done"]]) == (0, ["healed"])
    assert (await check(place))[0] == 0


async def test_a_clients_own_cache_is_checked_and_healed(place: Place) -> None:
    """Real folders, as tensorflow_hub makes them, with all that it leaves behind."""
    await export(place)
    copy = module(place, f"https://{NNLM}").resolve()
    cache = place.folder / "cache"
    cache.mkdir()
    keys = {name: key_of(f"https://{name}") for name in (NNLM, SPICE)}
    shutil.copytree(copy, cache / keys[NNLM])
    (cache / keys[NNLM] / "assets" / "words.txt").write_bytes(b"bad")
    unique, other = "0" * 32, "1" * 32
    dead = await asyncio.create_subprocess_exec("true")
    await dead.wait()
    host = socket.gethostname()
    (cache / f"{keys[SPICE]}.lock").write_text(f"{host}.{dead.pid}.{unique}")
    (cache / f"{keys[SPICE]}.{unique}.tmp").mkdir()
    alive = key_of("https://tfhub.dev/google/alive/1")
    (cache / f"{alive}.lock").write_text(f"{host}.{os.getpid()}.{other}")
    (cache / f"{alive}.{other}.tmp").mkdir()
    away = key_of("https://tfhub.dev/google/away/1")
    (cache / f"{away}.lock").write_text(f"elsewhere.1.{'2' * 32}")
    foreign = cache / key_of("https://tfhub.dev/vendor/unknown/1")
    foreign.mkdir()
    (foreign / "saved_model.pb").write_bytes(b"x")
    odd = f"https://{OLD}?tf-hub-format=compressed"
    shutil.copytree(module(place, f"https://{OLD}").resolve(), cache / key_of(odd))
    (cache / f"{key_of(odd)}.descriptor.txt").write_text(f"Module: {odd}\n")

    done = await place.run("verify-dir", str(cache), "--json")
    found = {Path(str(one["place"])).name: one for one in done.objects}
    assert done.status == 1
    assert {name: one["kind"] for name, one in found.items()} == {
        keys[NNLM]: "changed",
        f"{keys[SPICE]}.lock": "lock",
        f"{keys[SPICE]}.{unique}.tmp": "leftover",
        f"{alive}.lock": "lock",
        f"{away}.lock": "lock",
        foreign.name: "foreign",
        key_of(odd): "good",
    }
    assert found[f"{keys[SPICE]}.lock"]["text"] == "held by a process that has ended"
    assert "another host for " in str(found[f"{away}.lock"]["text"])

    done = await place.run("verify-dir", str(cache), "--repair")
    assert done.status == 1  # the foreign one and the other host's lock are left
    assert (cache / keys[NNLM] / "assets" / "words.txt").read_bytes() == b"new"
    assert not (cache / f"{keys[SPICE]}.lock").exists()
    assert not (cache / f"{keys[SPICE]}.{unique}.tmp").exists()
    assert (cache / f"{alive}.{other}.tmp").exists()
    assert foreign.exists()


async def test_a_revoked_module_is_named(place: Place) -> None:
    await export(place)
    await place.good("trust", "revoke", NNLM, "--reason", "it leaks")
    status, found = await check(place)
    (bad,) = (one for one in found if one["kind"] != "good")
    assert (status, bad["kind"], "it leaks" in str(bad["text"])) == (1, "denied", True)


async def test_what_the_store_has_not_cannot_be_healed(place: Place) -> None:
    await export(place)
    (module(place, f"https://{NNLM}").resolve() / "saved_model.pb").unlink()
    shutil.rmtree(place.data / "blobs")
    done = await place.run("verify-dir", str(tree(place)), "--repair")
    assert done.status == 1
    assert f"not healed: the store has it not: `hubproxy mirror sync {NNLM}`" in done.out


async def test_a_link_that_leads_nowhere_is_named(place: Place) -> None:
    await export(place)
    shutil.rmtree(module(place, f"https://{NNLM}").resolve())
    status, found = await check(place)
    assert status == 1
    assert {one["kind"] for one in found} == {"good", "broken"}
    await export(place, "--update")
    assert (await check(place))[0] == 0


async def test_what_is_no_cache_folder_is_told_so(place: Place) -> None:
    done = await place.run("verify-dir", str(place.folder))
    assert (done.status, "is no cache folder" in done.errors) == (2, True)
    none = await place.run("verify-dir", str(place.folder / "none"))
    assert (none.status, "cannot be read" in none.errors) == (2, True)
    both = await place.run("verify-dir", str(place.folder), SPICE, "--repair")
    assert both.status == 2


async def test_a_name_without_a_version_may_be_an_older_one_in_a_clients_cache(
    place: Place,
) -> None:
    """A client that loaded the latest before there was a newer one has that one still."""
    await export(place)
    cache = place.folder / "cache"
    cache.mkdir()
    shutil.copytree(
        module(place, f"https://{OLD}").resolve(),
        cache / key_of("https://tfhub.dev/google/nnlm"),
    )
    done = await place.run("verify-dir", str(cache), "--json")
    assert (done.status, done.objects[0]["handle"]) == (0, OLD), json.dumps(done.objects)


async def test_what_is_given_out_past_the_daemon_is_on_record_before(place: Place) -> None:
    await export(place)
    log = await place.good("trust", "log")
    assert f"to a cache folder, {tree(place)}: {OLD}, {NNLM}, {SPICE}" in log.out
    segments = place.data / "trust" / "log"
    shutil.rmtree(segments)
    segments.write_text("in its way")
    done = await place.run("export", "tfhub-cache", str(place.folder / "other"))
    assert (done.status, "AUDIT_UNAVAILABLE" in done.errors) == (1, True)
    assert not (place.folder / "other").exists()


async def test_what_a_link_leads_to_outside_of_the_folder_is_checked_and_never_touched(
    place: Place,
) -> None:
    await export(place)
    outside, cache = place.folder / "outside", place.folder / "cache"
    cache.mkdir()
    outside.mkdir()
    (outside / "mine").write_text("precious")
    (cache / key_of(f"https://{NNLM}")).symlink_to(outside)
    done = await place.run("verify-dir", str(cache), "--repair", "--json")
    assert (done.status, done.objects[0]["kind"]) == (1, "changed")
    assert str(done.objects[0]["done"]).startswith("not healed: it lies outside")
    assert (outside / "mine").read_text() == "precious"
    assert sorted(path.name for path in outside.iterdir()) == ["mine"]
