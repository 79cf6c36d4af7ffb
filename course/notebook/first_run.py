"""The first run of a cell: in the kernel, through ipytest, with a result that points at the learner's line."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import io
import os
import sys
import warnings
from asyncio import _enter_task, _get_running_loop, _leave_task, _set_running_loop
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import ipytest
import pytest

from course.engine import Reported, Settings, load_plugins, plugins_for
from course.notebook.assertions import made_up, silent
from course.notebook.cell import Cell
from course.notebook.explanation import describe, explain, last_lines, missing_fixture, no_tests
from course.notebook.guard import Guard
from course.notebook.problem import Problem
from course.notebook.raised import Raised
from course.notebook.reached import Reached

# No plugins that happen to be installed, no settings or conftest.py of folders around, no hooks for a whole process:
# that is the kernel
ALONE = (
    "--disable-plugin-autoload", "--noconftest", "--capture=sys", "-o", "addopts=",
    *(part for name in ("faulthandler", "unraisableexception", "threadexception") for part in ("-p", f"no:{name}")),
)  # fmt: skip
PRINTED = 2000  # characters
SETTINGS_FILE = "empty.ini"


@dataclass
class FirstRun:
    """What happened in the kernel.

    Attributes:
        passed: Names of the tests that passed.
        skipped: Names of the tests that were skipped.
        printed: What the tests that passed have printed, by their names.
        problems: Why it is red; empty where it is green.
        doubts: What of a green cell proves nothing: tests that assert nothing, lines that are never reached.
        stopped: Whether Ctrl-C ended it.
    """

    passed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)
    stopped: bool = False

    @property
    def green(self) -> bool:
        return bool(self.passed) and not self.problems and not self.stopped


def run_first(
    module: ModuleType, cell: Cell, conftest: ModuleType | None, conftest_cell: Cell | None, guard: Guard
) -> FirstRun:
    """Run the tests of a module that was made from a cell.

    Args:
        module: The executed cell.
        cell: The cell, for lines.
        conftest: The executed conftest cell; pytest takes it as a plugin, with its fixtures and hooks.
        conftest_cell: That cell.
        guard: Told which test runs.

    The current folder is the run's own: an empty one, where tests may write what they like.
    """
    cells = [each for each in (cell, conftest_cell) if each]
    watcher, reached = Watcher(cells), Reached(cell)
    spoken = load_plugins(plugins_for("\n".join(each.source for each in cells)))
    plugins = [*spoken, Settings(), watcher, guard, reached, *([conftest] if conftest else [])]
    Path(SETTINGS_FILE).write_text("[pytest]\n", encoding="utf-8")
    with _surroundings():
        ipytest.run(
            f"--rootdir={Path.cwd()}",
            "-c",
            SETTINGS_FILE,
            module=module,
            plugins=plugins,
            addopts=ALONE,
            display_columns=False,
        )
    if watcher.is_async:
        collect_quietly()
    watcher.finish()
    result = watcher.result
    if result.green:
        passed = {name.partition("[")[0] for name in result.passed}
        result.doubts += [each for each in silent(cell, conftest_cell) if each.test in passed]
        result.doubts += [*made_up(cell), *reached.problems(passed)]
    return result


def let_go() -> None:
    """Forget the last error, as pytest keeps it: what its frames hold, such as a session, would stay open."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)
    collect_quietly()


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Keep what a learner's shell says to pytest out, and what pytest changes in the kernel."""
    path, modes = sys.path[:], {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
    with no_running_loop():
        try:
            yield
        finally:
            sys.path[:] = path
            os.environ.update(modes)


@contextlib.contextmanager
def no_running_loop() -> Iterator[None]:
    """Hide the kernel's event loop for a while: async tests and Playwright start loops of their own in this thread.

    The functions are those that asyncio documents for the authors of event loops.
    """
    loop = _get_running_loop()
    if loop is None:
        yield
        return
    task = asyncio.current_task(loop)
    if task is not None:
        _leave_task(loop, task)
    _set_running_loop(None)
    asyncio.set_event_loop(own := asyncio.new_event_loop())  # for `get_event_loop`, which would find the kernel's
    try:
        yield
    finally:
        own.close()
        asyncio.set_event_loop(loop)
        _set_running_loop(loop)
        if task is not None:
            _enter_task(loop, task)


def collect_quietly() -> None:
    """End now what tests have left open, before it is found while the next cell is compiled.

    Finalizers of connections whose loop is closed say much that helps nobody, and Python 3.11 fails to parse where they
    run meanwhile. That something was left open is what the board tells.
    """
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


class Watcher:
    """A pytest plugin that keeps what a learner needs to know.

    Args:
        cells: The cells that lines are looked up in, the exercise's own first.

    Attributes:
        result: What happened so far.
        is_async: Whether a test of the cell is async.
    """

    def __init__(self, cells: list[Cell]) -> None:
        self.result = FirstRun()
        self.is_async = False
        self._cells = {cell.filename: cell for cell in cells}
        self._collected = 0
        self._raised = Raised()
        self._reported = Reported()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Draw no tracebacks: that parses source, which Python 3.11 cannot do in two threads at once."""
        config.option.tbstyle = "value"

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Any:
        """Keep why a cell cannot be collected."""
        report = yield
        if report.failed:
            what = str(getattr(report.longrepr, "longrepr", report.longrepr))
            self.result.problems.append(Problem(last_lines(what)))
        return report

    def pytest_runtest_setup(self) -> None:
        """Listen to what the application raises."""
        self._raised.begin()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests, and see whether one of them is async."""
        self._collected = len(session.items)
        self.is_async = any(inspect.iscoroutinefunction(getattr(item, "obj", None)) for item in session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Keep the names of tests that did not fail."""
        self._reported = Reported()
        result = yield
        if not self._reported.failed:
            names = self.result.skipped if self._reported.result == "skipped" else self.result.passed
            names.append(item.name)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Keep one problem for each test that failed."""
        report = yield
        if self._reported.take(report):
            self.result.problems.append(self._problem(item, call, report))
        elif report.when == "call" and report.capstdout.strip():
            self.result.printed[item.name] = report.capstdout[-PRINTED:]
        return report

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Tell in a sentence that pytest itself failed; it would print a page."""
        self.result.problems.append(Problem(f"pytest itself failed: {describe(excinfo.value)}. Run the cell again."))
        return True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that Ctrl-C was pressed; `pytest.exit()` comes this way, too."""
        self.result.stopped = isinstance(excinfo.value, KeyboardInterrupt)
        if not self.result.stopped:
            self.result.problems.append(Problem(f"The tests were ended by `pytest.exit`: {excinfo.value}"))

    def finish(self) -> None:
        """Say why nothing ran, where nothing ran."""
        self._raised.end()
        result = self.result
        if not (self._collected or result.problems or result.stopped):
            result.problems.append(no_tests(next(iter(self._cells.values()))))
        elif result.skipped and not (result.passed or result.problems):
            result.problems.append(Problem("Every test was skipped: nothing is proved by that."))

    def _problem(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Problem:
        error = call.excinfo
        if error is None:  # a strict xfail that passed, for instance
            return Problem(last_lines(str(report.longrepr)), test=item.name)
        if isinstance(error.value, pytest.FixtureLookupError):
            first, *others = self._cells.values()
            return missing_fixture(item, error.value, first, has_conftest=bool(others))
        return explain(error.value, self._cells, item=item, printed=report.capstdout, seen=self._raised.sentence())
