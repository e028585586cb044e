"""Locks: what they pin, how they read, and what is refused."""

import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.core.handle import Handle
from hubproxy.core.lock import Lock, Locked
from tests.made import describe

SPICE = Handle.parse("tfhub.dev/google/spice/2")
RECORD = describe(b"spice", str(SPICE))
OTHER = describe(b"other", "tfhub.dev/google/other/10")
NEWER = describe(b"other", "tfhub.dev/google/other/9")


def read(text: str) -> Lock:
    return Lock.parse(tomllib.loads(text), "models.lock.toml")


def test_a_lock_reads_as_a_person_would_review_it() -> None:
    lock = Lock.of([Locked.of(RECORD, [SPICE.unversioned]), Locked.of(OTHER)])
    assert lock.encode() == (
        "# One set of modules, pinned to their bytes. `hubproxy lock` writes it, "
        "`hubproxy lock --check`\n"
        "# compares it with what is approved now; do not edit it by hand.\n"
        "lock = 1\n"
        "\n[[module]]\n"
        'handle = "tfhub.dev/google/other/10"\n'
        'format = "saved_model"\n'
        f'record = "{OTHER.descriptor.digest}"\n'
        f'archive = "{OTHER.archive.digest}"\n'
        "size = 5\n"
        "\n[[module]]\n"
        'handle = "tfhub.dev/google/spice/2"\n'
        'asked = ["tfhub.dev/google/spice"]\n'
        'format = "saved_model"\n'
        f'record = "{RECORD.descriptor.digest}"\n'
        f'archive = "{RECORD.archive.digest}"\n'
        "size = 5\n"
    )


MODULES = st.builds(
    lambda name, version, asked, content: Locked.of(
        describe(content, f"tfhub.dev/a/{name}/{version}"),
        [Handle.parse(f"tfhub.dev/a/{name}")] if asked else [],
    ),
    st.text(alphabet="abc", min_size=1, max_size=3),
    st.integers(0, 20),
    st.booleans(),
    st.binary(min_size=1, max_size=3),
)


@given(st.lists(MODULES, unique_by=lambda one: one.exact.unversioned))
def test_what_is_written_is_what_is_read(modules: list[Locked]) -> None:
    lock = Lock.of(modules, "models.lock.toml")
    assert read(lock.encode()) == lock
    assert read(Lock.of(reversed(modules), "models.lock.toml").encode()) == lock


def test_one_module_more_is_lines_more_and_none_less() -> None:
    before = Lock.of([Locked.of(RECORD)]).encode().splitlines()
    after = Lock.of([Locked.of(RECORD), Locked.of(OTHER)]).encode().splitlines()
    assert [line for line in before if line not in after] == []


def test_versions_are_in_the_order_of_numbers() -> None:
    lock = Lock.of([Locked.of(OTHER), Locked.of(NEWER)])
    assert [one.handle for one in lock.modules] == [NEWER.handle, OTHER.handle]


def test_a_handle_means_its_locked_version() -> None:
    lock = Lock.of([Locked.of(RECORD, [SPICE.unversioned]), Locked.of(OTHER)])
    assert lock.exact(SPICE) == SPICE
    assert lock.exact(SPICE.unversioned) == SPICE
    assert lock.exact(SPICE.at(3)) is None
    assert lock.exact(OTHER.exact.unversioned) is None


def test_the_locked_bytes_are_let_through_also_under_a_newer_record() -> None:
    lock = Lock.of([Locked.of(RECORD)])
    assert lock.judge(RECORD) is None
    assert lock.judge(msgspec.structs.replace(RECORD, licence="MIT")) is None


def test_other_bytes_are_refused_by_both_digests() -> None:
    changed = describe(b"changed", str(SPICE))
    verdict = Lock.of([Locked.of(RECORD)]).judge(changed)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("LOCK_DIFFERS", 403)
    assert RECORD.archive.digest in verdict.message
    assert changed.archive.digest in verdict.message


def test_what_is_not_in_it_is_refused_with_the_command_that_adds_it() -> None:
    verdict = Lock.of([Locked.of(RECORD)], "models.lock.toml").judge(OTHER)
    assert verdict is not None
    assert (verdict.code, verdict.status) == ("NOT_LOCKED", 403)
    assert verdict.message == "tfhub.dev/google/other/10 is not in the lock models.lock.toml"
    assert "hubproxy lock -o FILE ... tfhub.dev/google/other/10" in verdict.remedy
    of_another_format = msgspec.structs.replace(RECORD, format="tflite")
    assert Lock.of([Locked.of(RECORD)]).judge(of_another_format) is not None


GOOD = Lock.of([Locked.of(RECORD)]).encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with lock = 1"),
        ("lock = 2\n", "does not begin with lock = 1"),
        ("lock = 1\nmore = 1\n", "has more than"),
        ("lock = 1\nmodule = 1\n", "no table"),
        ("lock = 1\nmodule = [1]\n", r"\[\[module\]\] 1"),
        (GOOD.replace("spice/2", "spice"), "not a canonical handle with a version"),
        (GOOD.replace('"tfhub.dev/google', '"https://tfhub.dev/google'), "canonical"),
        (GOOD.replace("size = 5", "size = 0"), "size 0"),
        (GOOD.replace("sha256:", "sha512:"), "digest"),
        (GOOD.replace("record =", "records ="), "record"),
        (GOOD.replace("format", 'asked = ["tfhub.dev/google/x"]\nformat', 1), "without its"),
        (GOOD.replace("saved_model", "onnx"), "onnx"),
        (GOOD + GOOD.partition("lock = 1\n")[2], "twice"),
    ],
)
def test_what_is_no_lock_is_refused_with_the_table(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)


def test_a_name_without_a_version_means_one_version() -> None:
    asked = [OTHER.exact.unversioned]
    with pytest.raises(ValueError, match="is to mean both"):
        Lock.of([Locked.of(OTHER, asked), Locked.of(NEWER, asked)])
