"""What holds for all tests."""

from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure: what is to be fast is measured in tests/bench.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def kept(pytestconfig: pytest.Config) -> Path:
    """Where fetched modules stay from one run of the tests to the next."""
    return pytestconfig.cache.mkdir("realmodules")
