import importlib.util
import sys

import pytest

from hubproxy.client.pkgresources import parse_version, release_numbers, stand_in


def without_setuptools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `pkg_resources` unfindable, as setuptools 82 does."""
    monkeypatch.setitem(sys.modules, "pkg_resources", None)
    assert importlib.util.find_spec("pkg_resources") is None


def test_the_stand_in_lasts_as_long_as_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    without_setuptools(monkeypatch)

    with stand_in():
        from pkg_resources import parse_version as found

        assert found is parse_version

    assert "pkg_resources" not in sys.modules


def test_what_only_the_real_module_has_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    without_setuptools(monkeypatch)

    with stand_in(), pytest.raises(ImportError):
        from pkg_resources import iter_entry_points  # noqa: F401  # must fail


def test_the_real_module_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = type(sys)("pkg_resources")
    monkeypatch.setitem(sys.modules, "pkg_resources", real)

    with stand_in():
        assert sys.modules["pkg_resources"] is real

    assert sys.modules["pkg_resources"] is real


def test_versions_compare_as_versions() -> None:
    assert parse_version("1.15.0") < parse_version("1.15.5") < parse_version("2.9.0")
    assert parse_version("2.9.0") < parse_version("2.21.0-rc1") < parse_version("2.21.0")


def test_without_packaging_the_release_numbers_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "packaging.version", None)
    assert parse_version("2.21.0-rc1") == release_numbers("2.21.0-rc1") == (2, 21, 0)
    assert release_numbers("unknown") < release_numbers("1.15.0") < release_numbers("2.9")
