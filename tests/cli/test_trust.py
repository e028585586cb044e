import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from tests.cli.place import PASSPHRASE, SPICE, Place, fetch
from tests.models import tiny
from tests.site import SMALL, plain_tar, tar_gz

NNLM = "tfhub.dev/google/nnlm-en-dim50/1"
PASSED = ("--passphrase-file", "passphrase")


async def test_a_list_begins_with_a_key_under_a_passphrase(place: Place) -> None:
    done = await place.good("trust", "init", "--officer", "ada", *PASSED)

    key = place.data / "trust" / "keys" / "officer.pem"
    assert key.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert PASSPHRASE not in done.out + done.errors
    for line in (f"trust list   {place.data}/trust/repo", f"officer key  {key}"):
        assert line in done.out


async def test_the_passphrase_may_be_named_by_the_environment(place: Place) -> None:
    place.variables["HUBPROXY_PASSPHRASE_FILE"] = "passphrase"
    await place.good("trust", "init")
    assert (await place.good("trust", "approve", SPICE)).status == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "the passphrase cannot be read: other: No such file", id="missing"),
        pytest.param("\n", "there is no passphrase in other", id="empty"),
    ],
)
async def test_a_passphrase_file_that_holds_none_is_named(
    place: Place, content: str | None, told: str
) -> None:
    if content is not None:
        (place.folder / "other").write_text(content)
    place.variables["HUBPROXY_PASSPHRASE_FILE"] = "other"
    done = await place.run("trust", "init")
    assert (done.status, done.out) == (2, "")
    assert told in done.errors
    assert not (place.data / "trust" / "keys" / "officer.pem").exists()


async def test_without_a_passphrase_nothing_is_made(place: Place) -> None:
    done = await place.run("trust", "init")
    assert done.status == 2
    assert "there is nobody to ask for the passphrase" in done.errors
    assert "HUBPROXY_PASSPHRASE_FILE" in done.errors
    assert not (place.data / "trust" / "keys").exists()


async def test_a_plain_key_needs_its_flag(place: Place) -> None:
    await place.begin()
    key = place.data / "trust" / "keys" / "officer.pem"
    assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


async def test_a_list_begins_once(place: Place) -> None:
    await place.begin()
    key = (place.data / "trust" / "keys" / "officer.pem").read_bytes()
    done = await place.run("trust", "init", "--insecure-plain-keys")
    assert done.status == 2
    assert "there is a trust list in" in done.errors
    assert (place.data / "trust" / "keys" / "officer.pem").read_bytes() == key


async def test_a_wrong_passphrase_signs_nothing(place: Place) -> None:
    await place.good("trust", "init", *PASSED)
    (place.folder / "other").write_text("wrong\n")
    done = await place.run("trust", "approve", SPICE, "--passphrase-file", "other")
    assert done.status == 2
    assert (await place.good("trust", "list")).out == ""


async def test_approving_prints_what_was_signed(place: Place) -> None:
    await place.begin()
    done = await place.good("trust", "approve", SPICE, "--licence", "Apache-2.0")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == [SPICE]
    assert ["licence", "Apache-2.0"] in lines
    assert ["files", "3,", str(sum(map(len, SMALL.values()))), "bytes"] in lines
    assert f"reading {SPICE}" in done.errors
    assert "signed by ada, and published: root 1, timestamp 2" in done.out


async def test_approving_again_tells_the_difference(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    place.put(SPICE, {"saved_model.pb": tiny("another graph"), "assets/tokens.txt": b"the"})
    done = await place.good("trust", "approve", SPICE)
    told = done.out.partition("against the record in force:\n")[2].split("\n")
    assert [line.split() for line in told[:4]] == [
        ["new", "assets/tokens.txt"],
        ["removed", "variables/variables.data-00000-of-00001"],
        ["removed", "variables/variables.index"],
        ["changed", "saved_model.pb"],
    ]
    assert told[4].startswith("signed by ada, and published: ")


async def test_what_was_approved_from_a_file_is_served_without_a_network(place: Place) -> None:
    await place.begin()
    archive = tar_gz(SMALL)
    (place.folder / "spice.tar.gz").write_bytes(archive)
    await place.good("trust", "approve", SPICE, "--from", "spice.tar.gz")
    await place.origin.stop()

    async with place.serving("--offline") as (url, _):
        assert await fetch(f"{url}/{SPICE}") == (200, "OK", plain_tar(archive))
    assert place.origin.requests == []


async def test_only_an_exact_module_can_be_approved(place: Place) -> None:
    await place.begin()
    done = await place.run("trust", "approve", "tfhub.dev/google/spice")
    assert done.status == 2
    assert "tfhub.dev/google/spice has no version" in done.errors
    assert place.origin.requests == []


async def test_one_archive_is_one_module(place: Place) -> None:
    await place.begin()
    (place.folder / "one.tar.gz").write_bytes(tar_gz(SMALL))
    done = await place.run("trust", "approve", SPICE, NNLM, "--from", "one.tar.gz")
    assert done.status == 2
    assert "name one HANDLE" in done.errors


def hostile(kind: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        model = tarfile.TarInfo("saved_model.pb")
        model.size = 1
        tar.addfile(model, io.BytesIO(b"x"))
        bad = tarfile.TarInfo("../x" if kind == "parent" else "assets")
        if kind == "link":
            bad.type, bad.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(bad)
    return raw.getvalue()


@pytest.mark.parametrize("kind", ["parent", "link"])
async def test_an_unsafe_archive_is_not_signed(place: Place, kind: str) -> None:
    await place.begin()
    (place.folder / "bad.tar.gz").write_bytes(hostile(kind))
    done = await place.run("trust", "approve", SPICE, "--from", "bad.tar.gz")
    assert done.status == 1
    assert "hubproxy: HP-T05: " in done.errors
    assert (await place.good("trust", "list")).out == ""


async def test_of_several_all_are_approved_or_none(place: Place) -> None:
    await place.begin()
    done = await place.run("trust", "approve", SPICE, NNLM)
    assert done.status == 1
    assert "UPSTREAM_NOT_FOUND" in done.errors
    assert (await place.good("trust", "list")).out == ""

    place.put(NNLM, SMALL)
    done = await place.good("trust", "approve", SPICE, NNLM, "--json")

    *records, published = done.objects
    assert [record["handle"] for record in records] == [SPICE, NNLM]
    assert [record["reviewers"] for record in records] == [["ada"], ["ada"]]
    assert published == {
        "proposed": [SPICE, NNLM], "signed_by": ["ada"], "versions": "root 1, timestamp 2",
    }  # one list, not one for each  # fmt: skip
    for line in done.out.splitlines()[:2]:  # what was printed is what was signed
        name = hashlib.sha256(line.encode()).hexdigest()
        assert (place.data / "trust" / "repo" / "records" / name[:2] / f"{name}.json").exists()
    assert (await place.good("trust", "list")).out == (
        f"{NNLM}  saved_model\n{SPICE}  saved_model\n"
    )


async def test_the_list_is_shown_for_people_and_for_programs(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)

    listed = await place.good("trust", "list", "--json")
    assert listed.objects == [{"handle": SPICE, "format": "saved_model", "status": "approved"}]
    (shown,) = (await place.good("trust", "show", SPICE, "--json")).objects
    assert (shown["handle"], shown["status"], shown["reviewers"]) == (SPICE, "approved", ["ada"])
    text = (await place.good("trust", "show", SPICE)).out
    assert text.startswith(f"{SPICE}\n  format   saved_model\n  status   approved\n")
    assert shown["archive"]["digest"] in text
    latest = (await place.good("trust", "show", "tfhub.dev/google/spice", "--json")).objects
    assert latest == [shown]

    status = await place.good("trust", "status", "--json")
    assert [role.get("role") for role in status.objects] == [
        "root",
        "targets",
        "snapshot",
        "timestamp",
        None,
    ]
    assert status.objects[0]["keys"] == ["ada"]
    assert status.objects[-1]["modules"] == 1
    told = (await place.good("trust", "status")).out.splitlines()
    assert told[0].startswith("root       version 1    expires ")
    assert told[-1].startswith("in force: root 1, timestamp 2, 1 modules, until ")


async def test_the_daemon_serves_what_was_approved_and_not_what_was_revoked(place: Place) -> None:
    await place.begin()
    async with place.serving() as (url, _):
        assert (await fetch(f"{url}/{SPICE}"))[0] == 403
        await place.good("trust", "approve", SPICE)
        await ready(url, "timestamp 2")
        assert (await fetch(f"{url}/{SPICE}"))[2] == plain_tar(tar_gz(SMALL))

        done = await place.good("trust", "revoke", SPICE, "--reason", "it leaks addresses")
        assert done.out == f"revoked {SPICE} (root 1, timestamp 3)\n"
        await ready(url, "timestamp 3")
        code, reason, _ = await fetch(f"{url}/{SPICE}")
        assert code == 410
        assert "by ada: it leaks addresses" in reason

    done = await place.good("trust", "renew", "--json")
    assert done.objects == [{"renewed": "root 1, timestamp 4"}]
    (shown,) = (await place.good("trust", "show", SPICE, "--json")).objects
    assert (shown["status"], shown["reason"]) == ("revoked", "it leaks addresses")


async def ready(url: str, versions: str) -> None:
    while versions not in (await fetch(f"{url}/-/ready"))[2].decode():
        pass


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param([NNLM, "--reason", "old"], "is not on the trust list", id="unlisted"),
        pytest.param([SPICE, "--reason", " "], "a revocation needs a reason", id="no-reason"),
        pytest.param([SPICE], "Missing option '--reason'", id="no-flag"),
    ],
)
async def test_what_cannot_be_revoked(place: Place, words: list[str], told: str) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    done = await place.run("trust", "revoke", *words)
    assert (done.status, done.out) == (2, "")
    assert told in done.errors


async def test_a_revocation_for_programs(place: Place) -> None:
    await place.begin()
    await place.good("trust", "approve", SPICE)
    done = await place.good("trust", "revoke", SPICE, "--reason", "old", "--json")
    assert done.objects == [{"revoked": SPICE, "versions": "root 1, timestamp 3"}]
    assert (await place.good("trust", "list")).out == f"{SPICE}  saved_model  revoked\n"


async def test_without_its_online_key_a_list_is_not_renewed(place: Place) -> None:
    await place.begin()
    folder = Path(place.data / "trust" / "keys")
    (folder / "online.pem").unlink()
    done = await place.run("trust", "renew")
    assert done.status == 2
    assert "timestamp was signed by 0/1 keys" in done.errors
    (folder / "online-snapshot.pem").unlink()
    done = await place.run("trust", "renew")
    assert done.status in (1, 2)
    assert "online.pem" in done.errors
    assert "Traceback" not in done.errors


async def test_an_interrupted_beginning_can_be_run_again(place: Place) -> None:
    await place.good("trust", "init", *PASSED)
    for name in ("repo/metadata/1.root.json", "repo/metadata/timestamp.json", "root.json"):
        (place.data / "trust" / name).unlink()

    await place.good("trust", "init", *PASSED)

    assert "1 of 1 needed" in (await place.good("trust", "status")).out


@pytest.mark.parametrize("setting", ["", "root.json"], ids=["its-place", "trust.root"])
async def test_a_host_that_trusts_a_list_begins_no_other(place: Place, setting: str) -> None:
    root = place.folder / setting if setting else place.data / "trust" / "root.json"
    root.parent.mkdir(parents=True, exist_ok=True)
    root.write_bytes(b"another list's")
    if setting:
        place.variables["HUBPROXY_TRUST_ROOT"] = str(root)

    done = await place.run("trust", "init", *PASSED)

    assert (done.status, done.out) == (2, "")
    assert f"this host trusts another list already: its root is {root}" in done.errors
    assert root.read_bytes() == b"another list's"
    assert not (place.data / "trust" / "repo").exists()


async def test_everything_is_renewed_with_the_officers_key(place: Place) -> None:
    await place.good("trust", "init", *PASSED)

    online = await place.good("trust", "renew")
    every = await place.good("trust", "renew", "--all", *PASSED)

    assert online.out == "renewed (root 1, timestamp 2)\n"
    assert every.out == "renewed (root 1, timestamp 3)\n"
    assert "targets    version 2" in (await place.good("trust", "status")).out
