"""Lines of green tests that are never reached, and so prove nothing: below a call that raises, below a `return`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest

from course.notebook.assertions import tests_of
from course.notebook.cell import Cell
from course.notebook.problem import Problem

NO_CODE = (ast.Global, ast.Nonlocal)
LEAVES = (ast.Return, ast.Break, ast.Continue)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Reached:
    """A pytest plugin that notes which lines of a cell its tests run.

    Args:
        cell: The cell.
    """

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._lines: set[int] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Any:
        """Follow the test, where no debugger does."""
        if sys.gettrace() is not None:
            return (yield)
        sys.settrace(self._enter)
        try:
            return (yield)
        finally:
            sys.settrace(None)

    def problems(self, passed: Collection[str]) -> Iterator[Problem]:
        """One for each block that ends before its last line.

        Args:
            passed: Names of the functions whose tests passed.
        """
        for test in tests_of(self._cell):
            if test.name in passed and any(self._ran(each) for each in test.body):
                for line, why in self._block(test.body, None):
                    yield Problem(f"This line is never reached: {why}", line, self._cell.line(line), test.name)

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        del event, argument
        return self._note if frame.f_code.co_filename == self._cell.filename else None

    def _note(self, frame: FrameType, event: str, argument: object) -> Any:
        del argument
        if event == "line":
            self._lines.add(frame.f_lineno)
        return self._note

    def _block(self, block: Sequence[ast.stmt], inside: ast.stmt | None) -> Iterator[tuple[int, str]]:
        """Lines that did not run although the one above them did, with the reason."""
        code = [each for each in block if not isinstance(each, NO_CODE) and not _is_text(each)]
        for one, following in pairwise(code):
            if self._ran(one) and not self._ran(following) and not _may_leave(one) and not _must_fail(following):
                yield following.lineno, _why(one, inside)
        for each in code:
            if self._ran(each):
                yield from self._inner(each)

    def _inner(self, statement: ast.stmt) -> Iterator[tuple[int, str]]:
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            yield from self._block(statement.body, statement)
        elif isinstance(statement, ast.Try) and not statement.handlers:
            yield from self._block(statement.body, None)
        elif isinstance(statement, (ast.For, ast.AsyncFor)):
            if not self._ran(statement.body[0]) and any(isinstance(each, ast.Assert) for each in ast.walk(statement)):
                yield statement.body[0].lineno, f"the loop in line {statement.lineno} has nothing to go through."
            yield from self._block(statement.body, None)
        elif isinstance(statement, (ast.If, ast.While)):
            yield from self._block(statement.body, None)
            yield from self._block(statement.orelse, None)

    def _ran(self, statement: ast.stmt) -> bool:
        body = getattr(statement, "body", None)
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        last = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or first
        return not self._lines.isdisjoint(range(first, last + 1))


def _is_text(statement: ast.stmt) -> bool:
    """Whether it is text or `…`, for which no code is made; nor is there for a name with a type only."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _may_leave(statement: ast.AST) -> bool:
    """Whether there is a way out of the block in it that is not always taken."""
    if isinstance(statement, LEAVES):
        return False
    inner = [each for each in ast.iter_child_nodes(statement) if not isinstance(each, FUNCTIONS)]
    return any(isinstance(each, LEAVES) or _may_leave(each) for each in inner)


def _must_fail(statement: ast.stmt) -> bool:
    """Whether it says itself that nobody may come here: `pytest.fail(…)`, `raise`, `assert False`."""
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant) and not statement.test.value
    return isinstance(statement, ast.Raise) or ast.unparse(statement).startswith(("pytest.fail(", "fail("))


def _why(one: ast.stmt, inside: ast.stmt | None) -> str:
    if isinstance(one, LEAVES):
        return f"it stands below the `{ast.unparse(one).split()[0]}` in line {one.lineno}."
    if inside is not None:
        return (
            f"line {one.lineno} raises, and that ends the `with`. Put it below the `with`, and less far to the right."
        )
    return f"line {one.lineno} does not come to its end."
