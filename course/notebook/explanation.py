"""Explains why a cell is red: the line, what happened there, and what may have been meant."""

from __future__ import annotations

import ast
import difflib
import traceback
from pathlib import Path

import pytest

from course.engine import assertion_text
from course.errors import CourseError, nearest
from course.notebook.advice import advise
from course.notebook.cell import Cell
from course.notebook.problem import Problem

MESSAGE_LINES = 14
OF_XDIST = ("worker_id", "testrun_uid")  # fixtures that are there only where it is installed


def explain(
    error: BaseException, cells: dict[str, Cell], *, item: pytest.Item | None = None, printed: str = "", seen: str = ""
) -> Problem:
    """Say what an exception means for the learner.

    Args:
        error: What was raised.
        cells: The learner's cells by the file names of their frames.
        item: The test that raised it.
        printed: What the test printed.
        seen: What the application has raised meanwhile, as a sentence.
    """
    cell, line = _place(error, cells)
    if cell is None and item is not None:
        cell, line = next(iter(cells.values())), (item.reportinfo()[1] or 0) + 1
    more = (_beyond(error, cells), advise(error, item, cells), seen)
    return Problem(
        what=describe(error),
        line=line,
        source=cell.line(line) if cell else "",
        test=item.name if item else "",
        cell=cell.module if cell and cell.module == "conftest" else "",
        is_todo=isinstance(error, NotImplementedError) and str(error).startswith("TODO"),
        printed=printed[-2000:],
        detail="\n".join(each for each in more if each),
    )


def describe(error: BaseException) -> str:
    """Say what was raised: an assertion's own words, or the exception with its name."""
    if isinstance(error, SyntaxError):
        return f"This is not Python: {error.msg}."
    words = "\n".join(assertion_text(str(error)).splitlines()[:MESSAGE_LINES])
    if isinstance(error, NotImplementedError) and words.startswith("TODO"):
        return words
    if words.startswith("async def functions are not natively supported"):
        return "This test is `async def`, and nobody awaits it. Write `def`, or put `@pytest.mark.anyio` above it."
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return words or "The assertion does not hold."
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def no_tests(cell: Cell) -> Problem:
    """Say that a cell has no tests, and which function may have been meant as one."""
    functions = [node for node in cell.tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    plain = [function for function in functions if not function.decorator_list]
    what = "There is no test in this cell: a test is a function whose name begins with `test_`."
    if not plain:
        return Problem(what)
    line = plain[0].lineno
    return Problem(f"{what} Did you mean `{_test_name(plain[0].name)}`?", line, cell.line(line))


def _test_name(name: str) -> str:
    """What a function would be called as a test; `tets_a` is a misspelt `test_a`."""
    first, _, rest = name.lstrip("_").partition("_")
    letters = first.lower()
    misspelt = set(letters) <= set("test") and difflib.get_close_matches(letters, ["test"], cutoff=0.7)
    return f"test_{rest}" if rest and misspelt else f"test_{name.lstrip('_')}"


def missing_fixture(item: pytest.Item, error: pytest.FixtureLookupError, cell: Cell, *, has_conftest: bool) -> Problem:
    """Say which fixture is missing, and which one may have been meant."""
    _, _, listed = error.formatrepr().errorstring.partition("available fixtures: ")
    known, name = listed.splitlines()[0].split(", ") if listed else [], error.argname or ""
    line = item.reportinfo()[1]
    line = line + 1 if line is not None else 0
    near = nearest(name, [each for each in known if not each.startswith("_")])
    if name in OF_XDIST:
        advice = (
            "It comes with pytest-xdist, which is not installed here; the variable PYTEST_XDIST_WORKER needs no plugin."
        )
    elif near.startswith("Did"):
        advice = near
    elif has_conftest:
        advice = "Define it in the `%%conftest` cell and run that cell again, or define it in this one."
    else:
        advice = "No `%%conftest` cell has run in this kernel: run it, and then this one again."
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
    told = isinstance(error, (AssertionError, SyntaxError, pytest.fail.Exception, CourseError))
    if not frames or frames[-1].filename in cells or told or "_pytest" in Path(frames[-1].filename).parts:
        return ""
    last = frames[-1]
    return f"raised in {'/'.join(Path(last.filename).parts[-2:])}, line {last.lineno}: {last.line}"


def last_lines(words: str) -> str:
    """The last lines of what pytest says about a file that it cannot collect."""
    lines = [line.removeprefix("E").strip() for line in words.splitlines() if line.strip()]
    return "\n".join(lines[-4:])
