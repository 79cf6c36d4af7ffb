"""Slips that a look at a cell shows before anything runs, such as fixtures that nobody asks for, or a lost test."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator

from course.notebook.assertions import always_true, bodies_of, forgotten, outside, tests_of
from course.notebook.cell import Cell, uncollected
from course.notebook.names import tables_of
from course.notebook.problem import Problem

KEYBOARD = {"breakpoint", "input"}


def slips(cell: Cell) -> list[Problem]:
    """Find the slips in a cell that is Python."""
    asserted = (*always_true(cell), *outside(cell), *forgotten(cell))
    return [*_keyboard(cell), *_unnamed(cell), *_lost(cell), *asserted]


def _keyboard(cell: Cell) -> Iterator[Problem]:
    defined = {node.name for node in ast.walk(cell.tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Call) and (name := _called(node)) in {*KEYBOARD, "set_trace"} - defined:
            what = f"`{name}()` waits for somebody at a keyboard, and a run has nobody there."
            advice = "Take it out. What a test prints stands on the board."
            yield Problem(f"{what} {advice}", node.lineno, cell.line(node.lineno))


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id if call.func.id in KEYBOARD else ""
    return call.func.attr if isinstance(call.func, ast.Attribute) and call.func.attr == "set_trace" else ""


def _lost(cell: Cell) -> Iterator[Problem]:
    """Tests whose name another one of the same file or class takes."""
    for body in bodies_of(cell):
        first: dict[str, int] = {}
        for test in (each for each in tests_of(cell) if each in body):
            if line := first.get(test.name):
                what = f"`{test.name}` is the name of a test at line {line} as well, which is lost by that."
                yield Problem(f"{what} Give each a name of its own.", test.lineno, cell.line(test.lineno))
            first.setdefault(test.name, test.lineno)


def _unnamed(cell: Cell) -> Iterator[Problem]:
    """Fixtures of this cell that a function uses without having asked for them: it would see the function itself."""
    fixtures = {node.name for node in cell.tree.body if isinstance(node, ast.FunctionDef) and _is_fixture(node)}
    functions = {node.lineno: node for node in ast.walk(cell.tree) if isinstance(node, ast.FunctionDef)}
    with uncollected():
        top = symtable.symtable(cell.text, cell.filename, "exec")
    for table in tables_of(top):
        function = next((each for each in functions.values() if each.name == table.get_name()), None)
        if table.get_type() != "function" or function is None:
            continue
        for symbol in table.get_symbols():
            if symbol.get_name() in fixtures and symbol.is_global() and symbol.is_referenced():
                line = _line(function, symbol.get_name())
                what = f"`{symbol.get_name()}` is a fixture. Name it among the arguments of `{function.name}`."
                yield Problem(what, line, cell.line(line))


def _is_fixture(function: ast.FunctionDef) -> bool:
    marks = (each.func if isinstance(each, ast.Call) else each for each in function.decorator_list)
    return any(ast.unparse(mark) in {"fixture", "pytest.fixture"} for mark in marks)


def _line(function: ast.FunctionDef, name: str) -> int:
    uses = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
    return min(uses, default=function.lineno)
