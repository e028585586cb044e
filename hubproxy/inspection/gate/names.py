"""Files that run, told by their names: code has no place in a module."""

from hubproxy.inspection.collector import Collector

_KINDS = {
    "native:library": (
        ".so .dylib .dll .pyd .node",
        "it is native code, which loads into a process",
    ),
    "native:program": (".exe .com .msi .scr .elf .wasm .jar .class", "it is a program"),
    "script:python": (".py .pyc .pyo .pyw .ipynb .pth", "it is Python code, which an import runs"),
    "script:shell": (".sh .bash .zsh .bat .cmd .ps1 .vbs .js", "it is a script"),
}
_BY_END = {end: (name, why) for name, (ends, why) in _KINDS.items() for end in ends.split()}


def check_name(path: str, found: Collector) -> bool:
    """Look at a file's name; whether it is one of code."""
    name = path.rpartition("/")[2].lower()
    for end, (kind, why) in _BY_END.items():
        if name.endswith(end) or (kind == "native:library" and f"{end}." in name):
            held(kind, path, why, found)
            return True
    return False


def held(name: str, path: str, why: str, found: Collector) -> None:
    """Say that a file runs."""
    found.add(
        name,
        path,
        why=f"{why}; a model has no need of it",
        remedy="It would pass without that file; officers can allow it for this module.",
    )
