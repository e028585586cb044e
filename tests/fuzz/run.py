"""The child of `python -m tests.fuzz`: libFuzzer ends the process that it runs in."""

import sys
from importlib import import_module
from pathlib import Path

import atheris


def main() -> None:
    target, folder, *flags = sys.argv[1:]
    with atheris.instrument_imports(include=["hubproxy"]):
        module = import_module(f"tests.fuzz.{target}")
    for number, seed in enumerate(module.SEEDS):
        (Path(folder) / str(number)).write_bytes(seed)
    atheris.Setup([target, *flags, folder], module.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
