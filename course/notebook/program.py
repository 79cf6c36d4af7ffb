"""The program under test, importable in the kernel: a private copy, which the next lesson replaces."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


class Program:
    """What a lesson has put into the kernel, and how to take it away again.

    Args:
        folders: Go to the front of `sys.path`; none for a lesson without a program.
        packages: Names of the packages in it.
        environment: Variables to set; a value of None removes one.
    """

    def __init__(
        self, folders: tuple[Path, ...], packages: tuple[str, ...], environment: Mapping[str, str | None]
    ) -> None:
        self.packages = packages
        self._folders = [str(folder) for folder in folders]
        self._before = {name: os.environ.get(name) for name in environment}
        forget(packages)
        sys.path[:0] = self._folders
        set_variables(environment)

    def remove(self) -> None:
        """Put the kernel back to how it was: path, modules and variables."""
        forget(self.packages)
        sys.path[:] = [each for each in sys.path if each not in self._folders]
        set_variables(self._before)


def forget(packages: tuple[str, ...]) -> None:
    """Have the packages imported anew the next time."""
    for name in list(sys.modules):
        if name.partition(".")[0] in packages:
            del sys.modules[name]


def set_variables(variables: Mapping[str, str | None]) -> None:
    """Set environment variables; None removes one."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def no_proxy() -> str:
    """Whom to reach without a proxy: who is named already, and this machine, where lessons run servers of their own."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return ",".join(filter(None, (named, "localhost", "127.0.0.1", "::1")))
