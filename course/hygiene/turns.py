"""Pytest plugins that interleave the tests of workers on purpose: in the middle of each test another one runs.

The first worker stops in the middle of each of its tests, with what that has made so far; meanwhile each other worker
runs one whole test, from its fixtures to their end. What tests of two workers can do to each other, they do here, every
time alike.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import psycopg
import pytest

from course.hygiene.baton import Baton

# Somebody waits for a lock of one that does nothing, and has done nothing for a while: it stopped and will not let go
STUCK = """
SELECT count(*) FROM pg_stat_activity AS waiting
CROSS JOIN unnest(pg_blocking_pids(waiting.pid)) AS holder(pid)
JOIN pg_stat_activity AS holding ON holding.pid = holder.pid
WHERE waiting.wait_event_type = 'Lock' AND holding.state LIKE 'idle%'
AND holding.state_change < now() - interval '0.1 s'
"""


class Turns:
    """What all workers do.

    Args:
        baton: What they hand on.
        worker: Number of this one.
    """

    def __init__(self, baton: Baton, worker: int) -> None:
        self._baton, self._worker = baton, worker
        self._server = os.environ.get("COURSE_RUN_SERVER", "")
        self._connection: psycopg.Connection[Any] | None = None

    def wait(self) -> bool:
        """Wait for this worker's turn; False where another one waits for a lock of this one."""
        return self._baton.wait(self._worker, self._is_stuck)

    def give(self) -> None:
        self._baton.give(self._worker)

    def pytest_unconfigure(self) -> None:
        """Close the connection: a suite may turn a warning of it into an error of its own."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_stuck(self) -> bool:
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._server, autocommit=True, connect_timeout=10)
            return self._connection.execute(STUCK).fetchone() != (0,)
        except psycopg.Error:  # a suite may have ended this connection
            self.pytest_unconfigure()
            return False


class FirstWorker(Turns):
    """Lets the others run a test each in the middle of each of its own."""

    _is_due = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        self.wait()
        self._is_due = True
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        middle = middle_of(getattr(item, "obj", None))
        if middle is None or sys.gettrace() is not None:
            self._let_others_run()
            return (yield)
        sys.settrace(tracing(*middle, self._let_others_run))
        try:
            return (yield)
        finally:
            sys.settrace(None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        self._let_others_run()

    def _let_others_run(self) -> None:
        if self._is_due:
            self._is_due = False
            self.give()
            self.wait()


class OtherWorker(Turns):
    """Runs one test whenever it is its turn."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        self.wait()
        try:
            return (yield)
        finally:
            self.give()


def middle_of(test: Any) -> tuple[CodeType, int] | None:
    """The code of a test and the first line of its second half; None where it has but one statement, or no source."""
    code = getattr(inspect.unwrap(getattr(test, "__func__", test)), "__code__", None)
    if not isinstance(code, CodeType):
        return None
    body = _bodies(code.co_filename).get(code.co_firstlineno, [])
    while len(body) == 1 and isinstance(inner := getattr(body[0], "body", None), list):
        body = inner
    return (code, body[len(body) // 2].lineno) if len(body) > 1 else None


@cache
def _bodies(file: str) -> dict[int, list[ast.stmt]]:
    """First line of each function in a file to its statements, without the docstring."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        min(each.lineno for each in (node, *node.decorator_list)): node.body[ast.get_docstring(node) is not None :]
        for node in functions
    }


def tracing(code: CodeType, middle: int, then: Callable[[], None]) -> Callable[..., Any]:
    def in_test(frame: FrameType, event: str, _: object) -> Any:
        if event == "line" and frame.f_lineno >= middle:
            sys.settrace(None)
            then()
            return None
        return in_test

    return lambda frame, *_: in_test if frame.f_code is code else None
