"""What holds for all tests."""

from hypothesis import settings

# A busy machine is no failure: what is to be fast is measured in tests/bench.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
