"""What a learner's project needs installed: read from its imports, in the versions that are installed here."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version

COURSE = "integration-testing-course"
# What an import does not show: drivers and parsers that FastAPI and SQLAlchemy load by themselves
BEHIND = {
    "fastapi": ("httpx", "httpx2", "python-multipart", "uvicorn"),
    "sqlalchemy": ("psycopg2-binary",),
    "pytest-asyncio": ("asyncpg",),
}
# A fixture is used by its name, without an import
FIXTURES = {"httpserver": "pytest-httpserver", "respx_mock": "respx"}


def requirements(texts: Collection[str], own: Iterable[str], more: Iterable[str] = ()) -> list[str]:
    """What the files import and whose fixtures they use, as pip's requirements.

    Args:
        texts: Python files; others are passed over.
        own: Packages of the project.
        more: What it needs as well, by name.

    Example:
        >>> [line.partition("=")[0] for line in requirements(["import pytest, os, pwdlib"], [])]
        ['pwdlib[argon2]', 'pytest']
        >>> [line.partition("=")[0] for line in requirements(["def test_it(httpserver): ..."], [])]
        ['pytest', 'pytest-httpserver']
    """
    modules = {name for text in texts for name in _imports(text)} - set(own)
    known = packages_distributions()
    names = {known[module][0].lower() for module in modules if module in known} | {"pytest", *more}
    names |= {FIXTURES[name] for text in texts for name in _arguments(text) if name in FIXTURES}
    names |= {extra for name in list(names) for extra in BEHIND.get(name, ())}
    return [line for name in sorted(names) if (line := _pinned(name))]


def _nodes(text: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(ast.parse(text))
    except SyntaxError:
        return


def _arguments(text: str) -> Iterator[str]:
    yield from (node.arg for node in _nodes(text) if isinstance(node, ast.arg))


def _imports(text: str) -> Iterator[str]:
    for node in _nodes(text):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _pinned(name: str) -> str:
    try:
        return f"{name}{_extras().get(name, '')}=={version(name)}"
    except PackageNotFoundError:
        return ""


@cache
def _extras() -> dict[str, str]:
    """The extras with which the course installs a package, such as `[argon2]` for pwdlib."""
    try:
        lines = requires(COURSE) or []
    except PackageNotFoundError:
        return {}
    return {found[1].lower(): found[2] for line in lines if (found := re.match(r"([\w.-]+)(\[[\w,-]+\])", line))}
