"""Waits for `import tensorflow_hub`, then puts hubproxy's resolver in front of its own.

A `.pth` file imports this module when an interpreter starts that has HUBPROXY_URL in its
environment, whatever it will do next. So nothing is imported here but what every interpreter has
loaded already. A notebook that sets the variable too late can import this module itself.
"""

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Optional, Sequence, Set

_AWAITED = "tensorflow_hub"


class HookFinder:
    """Finds `tensorflow_hub` where it would be found anyway, and hooks its loader."""

    hubproxy_hook = True

    def __init__(self) -> None:
        # Threads inside `find_spec`: another finder may, as this one does, ask all the others.
        self._asking: "Set[int]" = set()

    def find_spec(
        self,
        fullname: str,
        path: "Optional[Sequence[str]]" = None,
        target: "Optional[ModuleType]" = None,
    ) -> "Optional[ModuleSpec]":
        if fullname != _AWAITED or get_ident() in self._asking:
            return None
        self._asking.add(get_ident())
        try:
            spec = self._find_elsewhere(path, target)
        finally:
            self._asking.discard(get_ident())
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = HookedLoader(spec.loader)  # type: ignore[assignment]  # a loader by shape
        return spec

    def _find_elsewhere(
        self, path: "Optional[Sequence[str]]", target: "Optional[ModuleType]"
    ) -> "Optional[ModuleSpec]":
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(_AWAITED, path, target)
                if spec is not None:
                    return spec
        return None


class HookedLoader:
    """Runs the original loader, having put it back in its place, and then registers."""

    def __init__(self, original: "Any") -> None:
        self._original = original

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._original, name)

    def create_module(self, spec: "ModuleSpec") -> "Optional[ModuleType]":
        created: "Optional[ModuleType]" = self._original.create_module(spec)
        return created

    def exec_module(self, module: "ModuleType") -> None:
        from .pkgresources import stand_in
        from .resolver import register

        module.__loader__ = self._original
        if module.__spec__ is not None:
            module.__spec__.loader = self._original
        with stand_in():
            self._original.exec_module(module)
        register()


def install() -> None:
    """Put the finder in front, unless one is there, of this package or of its twin."""
    if any(getattr(finder, "hubproxy_hook", False) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, HookFinder())
    if _AWAITED in sys.modules:
        from .resolver import register

        register()


install()
