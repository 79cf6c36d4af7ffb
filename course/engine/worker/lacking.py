"""Packages and options that a suite asks for and that are not installed: all of them in one sentence, with the fix."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

START = "No module named"
OPTIONAL = (ast.Try, ast.FunctionDef, ast.AsyncFunctionDef)  # what is imported in there may be missing


def lacks_package(error: BaseException | None, folder: Path) -> bool:
    """Whether somebody else's package is missing, rather than a module of the suite or of the program.

    Args:
        error: Why a file of the suite cannot be imported.
        folder: The suite.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return False
    return error.name.partition(".")[0] in lacking_packages(folder, [error.name])


def lacking_packages(folder: Path, also: Iterable[str] = ()) -> list[str]:
    """Names of the packages that the files of a suite import and that are not here, sorted.

    Args:
        folder: The suite.
        also: Modules that are known to be imported.
    """
    files = sorted(folder.rglob("*.py"))
    own = {part for path in files for part in path.relative_to(folder).with_suffix("").parts}
    roots = {name.partition(".")[0] for name in (*also, *(name for path in files for name in _imports(path)))}
    return sorted(root for root in roots - own if not _is_here(root))


def lacking_sentence(packages: Sequence[str], files: Sequence[str] = ()) -> str:
    """What is missing, which files do not count for that, and the way out.

    Example:
        >>> lacking_sentence(["faker"], ["test_a.py"])
        "No module named 'faker', so that test_a.py does not count. The brief says what is there: do without the rest."
    """
    names = ", ".join(repr(name) for name in packages)
    cost = f", so that {', '.join(files)} {'does' if len(files) == 1 else 'do'} not count" if files else ""
    return f"{START} {names}{cost}. The brief says what is there: do without the rest."


def options_sentence(options: Sequence[str]) -> str:
    """Which options of a suite were left out.

    Example:
        >>> options_sentence(["--cov"])
        'No plugin here knows --cov, so that it was left out. The brief says what is there.'
    """
    was = "it was" if len(options) == 1 else "they were"
    return f"No plugin here knows {', '.join(options)}, so that {was} left out. The brief says what is there."


def _imports(path: Path) -> Iterator[str]:
    try:
        todo: list[ast.AST] = [ast.parse(path.read_bytes())]
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
        elif not isinstance(node, OPTIONAL):
            todo += ast.iter_child_nodes(node)


def _is_here(root: str) -> bool:
    try:
        return root in sys.modules or find_spec(root) is not None
    except (ImportError, ValueError):
        return False
