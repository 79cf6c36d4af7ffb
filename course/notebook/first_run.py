"""The first run of a cell: in the kernel, through ipytest, with a result that points at the learner's line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import ipytest
import pytest

from course.errors import nearest
from course.notebook.cell import Cell

# Quick and quiet: no plugins that happen to be installed, no settings or conftest.py of folders around, no report
QUIET = (
    "--disable-plugin-autoload", "--noconftest", "--capture=sys", "-o", "addopts=", "-p", "anyio.pytest_plugin",
    *(part for name in (
        "terminal", "cacheprovider", "pastebin", "junitxml", "doctest", "faulthandler", "stepwise", "setuponly",
        "unraisableexception", "threadexception",
    ) for part in ("-p", f"no:{name}")),
)  # fmt: skip
MESSAGE_LINES = 14
SETTINGS = "empty.ini"


@dataclass(frozen=True)
class Problem:
    """Why a cell is red.

    Attributes:
        what: One sentence, or what an assertion said.
        line: Line of the cell, 0 where there is none.
        source: That line.
        test: The test that failed; empty where it is not one test's.
        cell: `conftest` where the line stands in that cell.
        is_todo: A stub that waits to be filled in.
        printed: What the test printed.
        detail: More lines of what happened.
    """

    what: str
    line: int = 0
    source: str = ""
    test: str = ""
    cell: str = ""
    is_todo: bool = False
    printed: str = ""
    detail: str = ""


@dataclass
class FirstRun:
    """What happened in the kernel.

    Attributes:
        passed: Names of the tests that passed.
        skipped: Names of the tests that were skipped.
        problems: Why it is red; empty where it is green.
        stopped: Whether Ctrl-C ended it.
    """

    passed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    stopped: bool = False

    @property
    def green(self) -> bool:
        return bool(self.passed) and not self.problems and not self.stopped


def run_first(module: ModuleType, cell: Cell, conftest: ModuleType | None, conftest_cell: Cell | None) -> FirstRun:
    """Run the tests of a module that was made from a cell.

    Args:
        module: The executed cell.
        cell: The cell, for lines.
        conftest: The executed conftest cell; pytest takes it as a plugin, with its fixtures and hooks.
        conftest_cell: That cell.

    The current folder is the run's own: an empty one, where tests may write what they like.
    """
    watcher = Watcher([each for each in (cell, conftest_cell) if each])
    plugins = [watcher, *([conftest] if conftest else [])]
    Path(SETTINGS).write_text("[pytest]\n", encoding="utf-8")
    with _surroundings():
        ipytest.run(
            f"--rootdir={Path.cwd()}",
            "-c",
            SETTINGS,
            module=module,
            plugins=plugins,
            addopts=QUIET,
            display_columns=False,
        )
    watcher.finish()
    return watcher.result


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
    loop = asyncio._get_running_loop()  # noqa: SLF001 - see above
    if loop is None:
        yield
        return
    task = asyncio.current_task(loop)
    if task is not None:
        asyncio._leave_task(loop, task)  # noqa: SLF001 - see above
    asyncio._set_running_loop(None)  # noqa: SLF001 - see above
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001 - see above
        if task is not None:
            asyncio._enter_task(loop, task)  # noqa: SLF001 - see above


class Watcher:
    """A pytest plugin that keeps what a learner needs to know.

    Args:
        cells: The cells that lines are looked up in, the exercise's own first.
    """

    def __init__(self, cells: list[Cell]) -> None:
        self.result = FirstRun()
        self._cells = {cell.filename: cell for cell in cells}
        self._collected = 0
        self._failed: set[str] = set()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Draw no tracebacks: that parses source, which Python 3.11 cannot do in two threads at once."""
        config.option.tbstyle = "value"

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Any:
        """Keep why a cell cannot be collected."""
        report = yield
        if report.failed:
            what = str(getattr(report.longrepr, "longrepr", report.longrepr))
            self.result.problems.append(Problem(_last_lines(what)))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests."""
        self._collected = len(session.items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Keep one problem for each test that failed, and the names of the others."""
        report = yield
        if report.failed and item.nodeid not in self._failed:
            self._failed.add(item.nodeid)
            self.result.problems.append(self._problem(item, call, report))
        elif report.skipped:
            self.result.skipped.append(item.name)
        elif report.when == "call" and report.passed:
            self.result.passed.append(item.name)
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
        result = self.result
        if not (self._collected or result.problems or result.stopped):
            result.problems.append(no_tests(next(iter(self._cells.values()))))
        elif result.skipped and not (result.passed or result.problems):
            result.problems.append(Problem("Every test was skipped: nothing is proved by that."))

    def _problem(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> Problem:
        error = call.excinfo
        if error is None:  # a strict xfail that passed, for instance
            return Problem(_last_lines(str(report.longrepr)), test=item.name)
        if isinstance(error.value, pytest.FixtureLookupError):
            return missing_fixture(item, error.value, next(iter(self._cells.values())))
        return explain(error.value, self._cells, test=item.name, printed=report.capstdout)


def explain(error: BaseException, cells: dict[str, Cell], *, test: str = "", printed: str = "") -> Problem:
    """Say what an exception means for the learner.

    Args:
        error: What was raised.
        cells: The cells by the file names of their frames.
        test: The test that raised it.
        printed: What the test printed.
    """
    cell, line = _place(error, cells)
    return Problem(
        what=describe(error),
        line=line,
        source=cell.line(line) if cell else "",
        test=test,
        cell=cell.module if cell and cell.module == "conftest" else "",
        is_todo=isinstance(error, NotImplementedError) and str(error).startswith("TODO"),
        printed=printed[-2000:],
        detail=_beyond(error, cells),
    )


def describe(error: BaseException) -> str:
    """Say what was raised: an assertion's own words, or the exception with its name."""
    if isinstance(error, SyntaxError):
        return f"This is not Python: {error.msg}."
    words = "\n".join(str(error).splitlines()[:MESSAGE_LINES])
    if isinstance(error, NotImplementedError) and words.startswith("TODO"):
        return words
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return words or "The assertion does not hold."
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def no_tests(cell: Cell) -> Problem:
    """Say that a cell has no tests, and which function may have been meant as one."""
    import ast  # noqa: PLC0415 - only here

    functions = [node for node in cell.tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    plain = [function for function in functions if not function.decorator_list]
    what = "There is no test in this cell: a test is a function whose name begins with `test_`."
    if not plain:
        return Problem(what)
    line = plain[0].lineno
    return Problem(f"{what} Did you mean `test_{plain[0].name.lstrip('_')}`?", line, cell.line(line))


def missing_fixture(item: pytest.Item, error: pytest.FixtureLookupError, cell: Cell) -> Problem:
    """Say which fixture is missing, and which one may have been meant."""
    _, _, listed = error.formatrepr().errorstring.partition("available fixtures: ")
    known, name = listed.splitlines()[0].split(", ") if listed else [], error.argname or ""
    line = item.reportinfo()[1]
    line = line + 1 if line is not None else 0
    near = nearest(name, [each for each in known if not each.startswith("_")])
    advice = near if near.startswith("Did") else "Define it in the `%%conftest` cell, or in this one."
    return Problem(f"There is no fixture `{name}`. {advice}", line, cell.line(line), item.name)


def _place(error: BaseException, cells: dict[str, Cell]) -> tuple[Cell | None, int]:
    """The last line of a learner's cell on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename in cells:
        return cells[error.filename], error.lineno or 0
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in cells]
    return (cells[frames[-1].filename], frames[-1].lineno or 0) if frames else (None, 0)


def _beyond(error: BaseException, cells: dict[str, Cell]) -> str:
    """Where an error was raised, if that is not the learner's own line."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1].filename in cells or isinstance(error, (AssertionError, SyntaxError)):
        return ""
    last = frames[-1]
    return f"raised in {'/'.join(Path(last.filename).parts[-2:])}, line {last.lineno}: {last.line}"


def _last_lines(words: str) -> str:
    lines = [line.removeprefix("E").strip() for line in words.splitlines() if line.strip()]
    return "\n".join(lines[-4:])
