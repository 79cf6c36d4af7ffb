"""What the tests of a cell assert, as its source shows: nothing, what is always true, or outside of a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from course.notebook.cell import Cell
from course.notebook.problem import Problem

Function = ast.FunctionDef | ast.AsyncFunctionDef
# What asserts by its name, beside all that begins with `assert`
CALLS = {"raises", "warns", "deprecated_call", "fail", "expect", "raise_for_status", "RaisesGroup"}
CHECKS = ("assert", "validate", "model_validate")
PATH, MOST = re.compile(r"/(?:[a-z]+/)+(\d+)"), 2**31 - 1  # beyond that no database has ids
DISPLAYS = {ast.Tuple: "tuple", ast.List: "list", ast.Set: "set", ast.Dict: "dict", ast.GeneratorExp: "generator"}


def tests_of(cell: Cell) -> list[Function]:
    """The test functions of a cell, methods too, by their names."""
    functions = [node for body in bodies_of(cell) for node in body if isinstance(node, Function)]
    return [function for function in functions if function.name.startswith("test")]


def bodies_of(cell: Cell) -> list[list[ast.stmt]]:
    """Where tests may stand: the statements of the cell, and those of its classes."""
    return [cell.tree.body, *(node.body for node in cell.tree.body if isinstance(node, ast.ClassDef))]


def silent(cell: Cell, conftest: Cell | None = None) -> Iterator[Problem]:
    """The tests that assert nothing: neither they, nor a function or a fixture that they name."""
    speaking = _speaking([each.tree for each in (cell, conftest) if each])
    for test in tests_of(cell):
        if not (_asserts(test) or _names(test) & speaking):
            what = f"`{test.name}` asserts nothing: it fails only if something in it raises."
            yield Problem(f"{what} Say with `assert` what has to hold.", test.lineno, cell.line(test.lineno), test.name)


def made_up(cell: Cell) -> Iterator[Problem]:
    """The ids written into a path as a number: the program promises no ids."""
    for node in ast.walk(cell.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        if (found := PATH.fullmatch(node.value)) and 0 < int(found[1]) <= MOST:
            what = f"`{node.value}` may be somebody, and may be nobody: ids start anywhere. Take an id from an answer."
            yield Problem(what, node.lineno, cell.line(node.lineno))


def always_true(cell: Cell) -> Iterator[Problem]:
    """The assertions that hold whatever the program does."""
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Assert) and (why := _why_true(node.test)):
            yield Problem(f"This assertion is always true: {why}", node.lineno, cell.line(node.lineno))


def outside(cell: Cell) -> Iterator[Problem]:
    """The assertions that stand in no function."""
    for node in _outside(cell.tree):
        what = "This assertion stands outside of the test: indent it as the lines of the test are."
        yield Problem(what, node.lineno, cell.line(node.lineno))


def forgotten(cell: Cell) -> Iterator[Problem]:
    """The comparisons of tests whose result nobody looks at."""
    for test in tests_of(cell):
        for node in _outside(test, ast.Expr):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
                what = "This compares, and nothing comes of it: write `assert` before it."
                yield Problem(what, node.lineno, cell.line(node.lineno))


def _outside(body: ast.AST, kind: type[ast.stmt] = ast.Assert) -> Iterator[ast.stmt]:
    """Statements of a kind, those of inner functions left out, and of a `with` that waits for an error."""
    for node in ast.iter_child_nodes(body):
        if isinstance(node, kind):
            yield node
        elif not isinstance(node, (*Function.__args__, ast.ClassDef, ast.Lambda)) and not _is_raises(node):
            yield from _outside(node, kind)


def _is_raises(node: ast.AST) -> bool:
    items = node.items if isinstance(node, (ast.With, ast.AsyncWith)) else []
    return any(_called(each.context_expr) in {"raises", "suppress"} for each in items)


def _why_true(test: ast.expr) -> str:
    for kind, name in DISPLAYS.items():
        if isinstance(test, kind) and ast.unparse(test) not in {"[]", "()", "{}"}:
            cure = "Put `all(…)` around it." if name == "generator" else "Write an `assert` for each part."
            return f"a {name} with something in it holds. {cure}"
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        true = next((each for each in test.values if _why_true(each)), None)
        return (
            f"`{ast.unparse(true)}` stands for true after `or`. Compare each time, or write `in {{…}}`." if true else ""
        )
    if isinstance(test, ast.JoinedStr) or (isinstance(test, ast.Constant) and test.value):
        return "there is nothing in it that could be wrong."
    return ""


def _speaking(trees: list[ast.Module]) -> set[str]:
    """Names of the functions and classes that assert, or that name one which does."""
    kinds = (*Function.__args__, ast.ClassDef)
    every = [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]
    speaking = {node.name for node in every if _asserts(node)}
    while more := {node.name for node in every if _names(node) & speaking} - speaking:
        speaking |= more
    return speaking


def _asserts(node: ast.AST) -> bool:
    return any(
        isinstance(each, (ast.Assert, ast.Raise))
        or (isinstance(each, ast.Call) and (_called(each) in CALLS or _called(each).startswith(CHECKS)))
        for each in ast.walk(node)
    )


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _names(node: ast.AST) -> set[str]:
    """All names that stand in a function: what it calls, and the fixtures that it asks for."""
    kinds = ((ast.Name, "id"), (ast.Attribute, "attr"), (ast.arg, "arg"), (ast.Constant, "value"))
    found = {getattr(each, field) for each in ast.walk(node) for kind, field in kinds if isinstance(each, kind)}
    return {name for name in found if isinstance(name, str)}
