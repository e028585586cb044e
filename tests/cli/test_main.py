import resource

import click
import pytest

from hubproxy import __version__
from hubproxy.cli.main import cli
from tests.cli.place import Place


def commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [names]
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                found += commands(command, *names, name)
            else:
                found.append((*names, name))
    return found


def seconds_of_children() -> float:
    """Of the processor, so that what else runs here does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("words", commands(cli), ids=" ".join)
async def test_the_help_of_every_command_is_quick(place: Place, words: tuple[str, ...]) -> None:
    begun = seconds_of_children()
    done = await place.run(*words, "--help")
    seconds = seconds_of_children() - begun

    assert (done.status, done.errors) == (0, "")
    assert done.out.startswith(f"Usage: python -m hubproxy {' '.join(words)}".rstrip())
    assert seconds < 1


async def test_the_version_is_printed(place: Place) -> None:
    assert (await place.good("--version")).out == f"hubproxy, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["bogus"], "No such command 'bogus'", id="unknown-command"),
        pytest.param(["serve", "--bogus"], "No such option '--bogus'", id="unknown-option"),
        pytest.param(["trust", "show", "a b"], "Invalid value for 'HANDLE'", id="bad-handle"),
        pytest.param(["trust", "approve"], "Missing argument 'HANDLES...'", id="nothing-to-do"),
        pytest.param(
            ["audit", "list", "--since", "yesterday"], "does not match the formats", id="bad-date"
        ),
        pytest.param(["serve", "--mode", "anything"], "is not one of", id="bad-choice"),
    ],
)
async def test_wrong_use_is_status_2_and_told_on_standard_error(
    place: Place, words: list[str], told: str
) -> None:
    done = await place.run(*words)
    assert (done.status, done.out) == (2, "")
    assert told in done.errors


async def test_a_failure_is_status_1_with_code_and_remedy(place: Place) -> None:
    done = await place.run("trust", "list")
    assert (done.status, done.out) == (1, "")
    assert done.errors.startswith("hubproxy: TRUST_ROOT: there is no trust root at ")
    assert "  Run `hubproxy trust init` here" in done.errors


async def test_a_refusal_of_the_list_is_status_3(place: Place) -> None:
    await place.begin()
    done = await place.run("trust", "show", "tfhub.dev/google/spice/2")
    assert (done.status, done.out) == (3, "could be approved by the officers together\n")
    assert done.errors.startswith("hubproxy: HP-T01: tfhub.dev/google/spice/2 is not on the ")


async def test_a_reader_who_goes_away_is_no_crash(place: Place) -> None:
    child = await place.start("config", "show", into=["true"])
    out, errors = await child.communicate()
    assert (out, errors) == (b"", b"")
