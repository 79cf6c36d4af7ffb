"""Where the stand-in takes its place in testcontainers: now if that is imported, else at the moment of its import."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class AfterImport:
    """Calls a function once, right after a module was imported.

    Args:
        name: The module.
        then: What to call.
    """

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name, self._then, self._busy = name, then, False

    def watch(self) -> None:
        """Begin; where the module is imported already, call at once."""
        if self._name in sys.modules:
            self._then()
        elif self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def waits(self) -> bool:
        """Whether the import is still to come, and watched for."""
        return self in sys.meta_path

    def end(self) -> None:
        """Watch no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Let the others find the module, and have its loader tell."""
        del path, target
        if name != self._name or self._busy:
            return None
        self._busy = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._busy = False
        if spec is not None and spec.loader is not None:
            self._tell(spec.loader)
        return spec

    def _tell(self, loader: Loader) -> None:
        execute = loader.exec_module

        def execute_then(module: ModuleType) -> None:
            execute(module)
            self.end()
            self._then()

        loader.exec_module = execute_then  # type: ignore[method-assign] # of this one loader
