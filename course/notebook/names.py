"""Finds the names that a cell takes from other cells: in a file of its own they will be missing."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from course.notebook.cell import Cell, uncollected

# IPython puts these among the builtins; a test file has neither
ONLY_IN_NOTEBOOKS = {"display", "get_ipython"}
BUILTINS = {*dir(builtins), "__file__", "__name__", "__doc__", "__builtins__"} - ONLY_IN_NOTEBOOKS


@dataclass(frozen=True)
class Stranger:
    """A name that will be missing where the cell runs as a file.

    Attributes:
        name: The name.
        line: The line of the cell that uses it first.
        advice: What it is and where to move it, in two sentences.
    """

    name: str
    line: int
    advice: str


def strangers(
    cell: Cell, notebook: Collection[str], conftest: Mapping[str, object] | None = None
) -> tuple[Stranger, ...]:
    r"""Find names that only the notebook knows.

    Args:
        cell: A cell that is valid Python.
        notebook: Names of the notebook.
        conftest: What the conftest cell defines or imports.

    Example:
        >>> cell = Cell("%%exercise 6.2", "def test_it():\n    assert make() == 1", "test_6_2", "")
        >>> strangers(cell, {"make"})[0].advice
        '`make` comes from another cell. Move what defines it into this cell.'
    """
    shared = conftest or {}
    return tuple(
        Stranger(name, line, _advice(cell, name, shared))
        for name, line in sorted(_uses(cell, free_names(cell)), key=lambda use: use[1])
        if name in shared or name in notebook or name in ONLY_IN_NOTEBOOKS
    )


def free_names(cell: Cell) -> set[str]:
    """Global names that a cell reads and never defines; none where it imports `*`, which may define anything."""
    with uncollected():
        top = symtable.symtable(cell.text, cell.filename, "exec")
    tables = list(tables_of(top))
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(cell.tree)):
        return set()
    defined = {symbol.get_name() for symbol in top.get_symbols() if _is_defined(symbol)}
    used = set()
    for table in tables:
        for symbol in table.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                defined.add(symbol.get_name())
            elif symbol.is_referenced() and (table is top or symbol.is_global()):
                used.add(symbol.get_name())
    return used - defined - BUILTINS


def _is_defined(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def tables_of(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """A table and all below it."""
    yield table
    for child in table.get_children():
        yield from tables_of(child)


def _uses(cell: Cell, names: Collection[str]) -> list[tuple[str, int]]:
    """Each name with the first line that uses it."""
    first: dict[str, int] = {}
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Name) and node.id in names:
            first[node.id] = min(node.lineno, first.get(node.id, node.lineno))
    return list(first.items())


def _advice(cell: Cell, name: str, conftest: Mapping[str, object]) -> str:
    if name in ONLY_IN_NOTEBOOKS:
        return f"`{name}` exists in notebooks only, not in a test file: use `print`, or leave it out."
    if cell.module == "conftest":
        return f"`{name}` comes from another cell. Move what defines it into this `%%conftest` cell."
    if name not in conftest:
        return f"`{name}` comes from another cell. Move what defines it into this cell."
    if is_fixture(conftest[name]):
        return f"`{name}` is a fixture. Name it among the arguments of the test that uses it."
    return f"`{name}` is known in `%%conftest` only, which a test file does not see. Import or define it here too."


def is_fixture(thing: object) -> bool:
    """Whether something was made by `pytest.fixture`."""
    return type(thing).__name__ == "FixtureFunctionDefinition"
