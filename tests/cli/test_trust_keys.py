import stat
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from hubproxy.cli.trust import command
from tests.cli.place import PASSPHRASE, SPICE, Place
from tests.trust.softhsm import PIN, make_tokens, with_softhsm

PASSED = ("--passphrase-file", "passphrase")


async def test_a_persons_key_has_a_passphrase_and_a_public_half(place: Place) -> None:
    done = await place.good("trust", "keygen", "ada.pem", *PASSED, "--json")

    key, public = place.folder / "ada.pem", place.folder / "ada.pub"
    assert done.objects == [{"key": "ada.pem", "public": "ada.pub", "id": done.objects[0]["id"]}]
    assert key.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert public.read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")
    assert PASSPHRASE not in done.out + done.errors
    shown = await place.good("trust", "public", "ada.pem", *PASSED)
    assert shown.out == public.read_text()


async def test_a_key_is_never_written_over(place: Place) -> None:
    await place.good("trust", "keygen", "ada.pem", *PASSED)
    before = (place.folder / "ada.pem").read_bytes()
    done = await place.run("trust", "keygen", "ada.pem", *PASSED)
    assert (done.status, done.out) == (2, "")
    assert "there is a public key at ada.pub already" in done.errors
    assert (place.folder / "ada.pem").read_bytes() == before


async def test_a_key_is_not_made_where_clients_read(place: Place) -> None:
    done = await place.run("trust", "keygen", str(place.data / "trust" / "repo" / "a.pem"), *PASSED)
    assert done.status == 2
    assert "would lie in the published folder" in done.errors


async def test_a_plain_key_signs_only_where_that_was_asked_for(place: Place) -> None:
    await place.good("trust", "keygen", "ada.pem", "--insecure-plain-keys")

    done = await place.run("trust", "init", "--officer", "ada=ada.pem")
    assert (done.status, done.out) == (2, "")
    assert "the key ada.pem is not under a passphrase" in done.errors
    assert "openssl pkcs8 -topk8 -in ada.pem" in done.errors
    assert not (place.data / "trust" / "repo").exists()

    await place.good("trust", "init", "--officer", "ada=ada.pem", "--insecure-plain-keys")
    await place.good("trust", "approve", SPICE, "--key", "ada.pem")

    (place.data / "trust" / "keys" / "plain-keys").unlink()
    done = await place.run("trust", "revoke", SPICE, "--reason", "x", "--key", "ada.pem")
    assert done.status == 2
    assert "is not under a passphrase" in done.errors


@pytest.mark.parametrize(
    ("key", "passphrase", "told"),
    [
        pytest.param("ada.pem", "other", "wrong passphrase for ada.pem", id="wrong-passphrase"),
        pytest.param("ada.pub", "passphrase", "ada.pub holds a public key", id="public-half"),
        pytest.param("none.pem", "passphrase", "none.pem: No such file", id="missing"),
        pytest.param("folder", "passphrase", "folder: Is a directory", id="folder"),
        pytest.param("passphrase", "passphrase", "is not a key in PEM", id="no-key"),
        pytest.param("hsm:x", "passphrase", "does not name a key on a token", id="no-token"),
        pytest.param("hsm:2", "passphrase", "PYKCS11LIB names no library", id="no-library"),
        pytest.param("eve.pem", "passphrase", "not one of: ada", id="strangers"),
    ],
)
async def test_a_key_that_cannot_sign_is_named_and_nothing_is_left(
    place: Place, key: str, passphrase: str, told: str
) -> None:
    for name in ("ada", "eve"):
        await place.good("trust", "keygen", f"{name}.pem", *PASSED)
    (place.folder / "other").write_text("wrong\n")
    (place.folder / "folder").mkdir()
    await place.good("trust", "init", "--officer", "ada=ada.pem", *PASSED)

    done = await place.run("trust", "approve", SPICE, "--key", key, "--passphrase-file", passphrase)

    assert (done.status, "Traceback" in done.errors) == (2, False), done.errors
    assert told in done.errors
    assert (await place.good("trust", "list")).out == ""
    assert (await place.good("trust", "drafts")).out == ""


@pytest.mark.parametrize(
    ("officers", "told"),
    [
        pytest.param(["../ada=ada.pem"], "is no name for a key's holder", id="path"),
        pytest.param(["ada=ada.pem", "ada=bob.pub"], "two keys are those of ada", id="name-twice"),
        pytest.param(["ada=ada.pem", "bob=ada.pub"], "the same key", id="row 9: one key twice"),
        pytest.param(["ada=none.pub"], "none.pub: No such file", id="missing"),
    ],
)
async def test_a_list_that_nobody_could_sign_does_not_begin(
    place: Place, officers: list[str], told: str
) -> None:
    for name in ("ada", "bob"):
        await place.good("trust", "keygen", f"{name}.pem", *PASSED)
    words = [word for officer in officers for word in ("--officer", officer)]
    done = await place.run("trust", "init", *words, *PASSED)
    assert (done.status, done.out) == (2, ""), done.errors
    assert told in done.errors
    assert not (place.data / "trust" / "repo" / "metadata").exists()


async def test_more_signatures_than_officers_cannot_be_asked_for(place: Place) -> None:
    done = await place.run("trust", "init", "--threshold", "2", *PASSED)
    assert done.status == 2
    assert "would need 2 signatures and have 1 keys" in done.errors


async def test_a_list_that_waits_for_signatures_is_not_begun_again(place: Place) -> None:
    for name in ("ada", "bob"):
        await place.good("trust", "keygen", f"{name}.pem", *PASSED)
    words = ("trust", "init", "--officer", "ada=ada.pem", "--officer", "bob=bob.pub", *PASSED)
    done = await place.good(*words)
    assert done.out.startswith("D1: root and targets signed by 1 of 2 (ada), bob must sign")

    done = await place.run(*words)
    assert (done.status, done.out) == (2, "")
    assert "the draft D1 begins a list already" in done.errors


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["delegate", "nlp", "--path", "tfhub.dev/google/*/*/*", "--member"], id="add"),
        pytest.param(["rotate", "team", "vision", "--new"], id="team"),
        pytest.param(["rotate", "officer", "mia", "--new"], id="officer"),
    ],
)
async def test_a_new_keys_passphrase_comes_after_those_of_who_signs(
    place: Place, words: list[str]
) -> None:
    (place.folder / "mias").write_text("another passphrase\n")
    await place.good("trust", "keygen", "ada.pem", *PASSED)
    await place.good("trust", "keygen", "mia.pem", "--passphrase-file", "mias")
    await place.good("trust", "keygen", "nik.pem", *PASSED)
    await place.good("trust", "init", "--officer", "ada=ada.pem", *PASSED)
    await place.good("trust", "delegate", "vision", "--path", "tfhub.dev/vision/*/*/*",
                     "--member", "nik=nik.pem", "--key", "ada.pem", *PASSED)  # fmt: skip
    new = "mia.pem" if "officer" in words else "mia=mia.pem"

    done = await place.good(
        "trust", *words, new, "--key", "ada.pem", *PASSED, "--passphrase-file", "mias"
    )

    assert "timestamp 3" in done.out


def test_what_holds_a_passphrase_dumps_no_core() -> None:
    code = (
        "import resource, click; from hubproxy.cli.keys import secret_options\n"
        "@click.command()\n@secret_options\n"
        "def told(secrets): print(resource.getrlimit(resource.RLIMIT_CORE))\n"
        "told()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "(0, 0)\n"


async def test_each_key_has_its_own_passphrase_file(place: Place) -> None:
    (place.folder / "bobs").write_text("another passphrase\n")
    await place.good("trust", "keygen", "ada.pem", *PASSED)
    await place.good("trust", "keygen", "bob.pem", "--passphrase-file", "bobs")

    done = await place.good(
        "trust", "init", "--officer", "ada=ada.pem", "--officer", "bob=bob.pem",
        "--passphrase-file", "passphrase", "--passphrase-file", "bobs",
    )  # fmt: skip

    assert "trust list" in done.out
    assert "2 of 2 needed" in (await place.good("trust", "status")).out


@with_softhsm
async def test_an_officers_key_may_lie_on_a_token(place: Place) -> None:
    place.variables |= make_tokens(place.folder / "hsm", ["officer-a"])
    (place.folder / "pin").write_text(PIN + "\n")
    pin = ("--passphrase-file", "pin")
    public = await place.good("trust", "public", "hsm:2?label=officer-a")
    assert public.out.startswith("-----BEGIN PUBLIC KEY-----")

    await place.good("trust", "init", "--officer", "ada=hsm:2?label=officer-a", *pin)
    await place.good("trust", "approve", SPICE, "--key", "hsm:2?label=officer-a", *pin)

    (shown,) = (await place.good("trust", "show", SPICE, "--json")).objects
    assert shown["reviewers"] == ["ada"]

    (place.folder / "pin").write_text("999999\n")
    done = await place.run(
        "trust", "revoke", SPICE, "--reason", "x", "--key", "hsm:2?label=officer-a", *pin
    )
    assert done.status == 2
    assert "wrong PIN for hsm:2?label=officer-a" in done.errors


def commands(group: click.Group, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Each command below a group, by the words that call it."""
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from commands(one, *words, name)
        else:
            yield " ".join((*words, name)), one


@pytest.mark.parametrize(
    ("words", "one"), [pytest.param(*found, id=found[0]) for found in commands(command)]
)
def test_each_command_explains_itself(words: str, one: click.Command) -> None:
    told = one.help or ""
    assert told
    if words not in ("list", "show", "policy show", "card edit"):  # what only prints
        assert "Exit status: 0 " in told
    for option in one.params:
        if isinstance(option, click.Option) and words not in ("card edit", "card check"):
            assert option.help, option.name


async def test_the_list_of_commands_has_each_ones_whole_sentence(place: Place) -> None:
    shown = (await place.good("trust", "--help")).out
    assert "..." not in shown.partition("Commands:")[2]
    assert "what was published, when," in shown
