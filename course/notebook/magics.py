"""The cell magics: `%%exercise`, `%%conftest`, `%%pytest`, `%%jest` and `%%workflow`."""

from __future__ import annotations

from typing import Any

from course.engine import Step
from course.errors import CourseError
from course.notebook.board import board, progress_panel, waiting_panel
from course.notebook.cell import Cell, public_names
from course.notebook.exercise import StoppedError, check_strictly, missing_names, run_exercise, working_folder
from course.notebook.explanation import explain
from course.notebook.faults import guarded
from course.notebook.jest import install_packages, run_jest
from course.notebook.jest import run_plain as run_plain_jest
from course.notebook.live import Live
from course.notebook.names import is_fixture
from course.notebook.panel import Panel
from course.notebook.plain_pytest import run_plain
from course.notebook.problem import Problem
from course.notebook.session import NotBegunError, Session, session
from course.notebook.showing import running_shell, show
from course.notebook.timeline import timeline
from course.notebook.workflow import rehearse_once, run_workflow
from course.syllabus import LANGUAGES, Exercise, UnknownExerciseError, there_are


class OtherLanguageError(CourseError):
    """An exercise is in another language than the cell's magic is for."""


class CellError(CourseError):
    """A conftest cell cannot be executed: its line, and what is wrong."""


@guarded
def exercise(line: str, source: str) -> None:
    """`%%exercise 6.2`: run the cell, prove it, show the board.

    Raises:
        CourseError: The id is wrong, or the lesson has not begun; under `COURSE_STRICT=1`, it is not solved.
        StoppedError: Ctrl-C.
    """
    here, shell = session(), running_shell()
    if not line.strip():
        raise UnknownExerciseError("`%%exercise` needs the number of an exercise.", _numbers(here))
    wanted = exercise_of(here, line, "exercise")
    shell.history_manager.writeout_cache()  # in another thread IPython would write while a test's disk is full
    live = Live()
    try:
        result = run_exercise(
            here,
            wanted,
            source,
            notebook_names(shell),
            lambda step: live.show(progress_panel(wanted, step)),
            lambda wait: live.show(waiting_panel(wanted, wait)),
        )
    except StoppedError:
        live.end(Panel(f"{wanted.id}  {wanted.title}", right="stopped"))
        raise
    if result.module is not None:
        shell.push(public_names(result.module))
    live.end(board(result, here.progress.take_news()))
    check_strictly(result)


def _numbers(here: Session) -> str:
    """Which numbers there are, where a lesson with exercises has begun."""
    ids = [each.id for each in here.lesson.exercises] if here.lesson else []
    return f"{there_are(ids)} Write `%%exercise {ids[0]}`." if ids else "Write one behind it: `%%exercise 6.2`."


@guarded
def workflow(line: str, source: str) -> None:
    """`%%workflow 12.1`: prove the file on good and bad commits; without a number, rehearse it on one commit.

    `%%workflow` takes the good commit of the lesson's project, `%%workflow database/forgets_to_commit` a bad one.

    Raises:
        CourseError: No such exercise or commit, or the lesson has not begun; under `COURSE_STRICT=1`, it is not solved.
        StoppedError: Ctrl-C.
    """
    here, name = session(), line.strip()
    if not name or "/" in name:
        show(timeline(rehearse_once(here, name, source), f"on {name or 'the good commit'}"))
        return
    wanted = exercise_of(here, name, "workflow")
    live = Live()
    try:
        result, good = run_workflow(here, wanted, source, lambda step: live.show(progress_panel(wanted, step)))
    except StoppedError:
        live.end(Panel(f"{wanted.id}  {wanted.title}", right="stopped"))
        raise
    live.end(board(result, here.progress.take_news()))
    if good is not None:
        show(timeline(good, "on the good commit"))
    check_strictly(result)


@guarded
def jest(line: str, source: str) -> None:
    """`%%jest 11.1`: prove the tests on right and on wrong code; without a number, run them as a terminal would.

    `%%jest` takes the lesson's program and its database, `%%jest database/loses_the_user` the program with a bug.

    Raises:
        CourseError: No such exercise or bug, or the lesson has not begun; under `COURSE_STRICT=1`, it is not solved.
        StoppedError: Ctrl-C.
    """
    here, name, live = session(), line.strip(), Live()
    install_packages(here.lesson_meant(), live.show)
    if not name or "/" in name:
        print(run_plain_jest(here, name, source, colour=hasattr(running_shell(), "kernel")))  # noqa: T201 - a report
        return
    wanted = exercise_of(here, name, "jest")
    live.show(progress_panel(wanted, Step(0, 1, "")))
    try:
        result = run_jest(here, wanted, source, lambda step: live.show(progress_panel(wanted, step)))
    except StoppedError:
        live.end(Panel(f"{wanted.id}  {wanted.title}", right="stopped"))
        raise
    live.end(board(result, here.progress.take_news()))
    check_strictly(result)


def exercise_of(here: Session, name: str, magic: str) -> Exercise:
    """The exercise of that number, once its lesson has begun and if the magic is for its language.

    Raises:
        CourseError: There is none, or it is in another language.
    """
    wanted = here.course.exercise(name)
    here.require(wanted)
    if LANGUAGES[wanted.language].magic != magic:
        raise OtherLanguageError(f"Exercise {wanted.id} is no `%%{magic}`.", f"Begin the cell with `{wanted.magic}`.")
    return wanted


@guarded
def conftest(line: str, source: str) -> None:
    """`%%conftest`: define the fixtures, here and as conftest.py; `%%conftest 5.2` is for exercise 5.2 only.

    Raises:
        CourseError: The cell cannot be executed; the error names its line and the way out.
    """
    here, shell = session(), running_shell()
    if here.lesson is None:
        raise NotBegunError("No lesson has begun in this kernel.", "Run the first cell, and then this one again.")
    name = here.course.exercise(line).id if line.strip() else ""
    cell = Cell(f"%%conftest {line}".strip(), source, "conftest", f"The conftest cell of {here.lesson.slug}")
    here.conftests[name] = cell
    names = public_names(execute(here, cell, notebook_names(shell)))
    shell.push(names)
    show(Panel(_fixtures([name for name, value in names.items() if is_fixture(value)])))


def _fixtures(names: list[str]) -> str:
    if not names:
        return "no fixture: one has `@pytest.fixture` above its `def`"
    return f"{len(names)} {'fixture' if len(names) == 1 else 'fixtures'}: {', '.join(f'`{name}`' for name in names)}"


@guarded
def pytest(line: str, source: str) -> None:
    """`%%pytest -x`: run the cell as a file of its own under plain pytest, and print the report.

    Raises:
        CourseError: The options cannot be read.
    """
    is_kernel = hasattr(running_shell(), "kernel")
    print(run_plain(line, source, colour=is_kernel))  # noqa: T201 - a report, as in a terminal


def execute(here: Session, cell: Cell, notebook: set[str]) -> Any:
    """Execute a conftest cell as a module of its own.

    Raises:
        CellError: It cannot be executed.
    """
    with working_folder(here.scratch() / "cells"):
        try:
            _ = cell.tree
            module = cell.run()
            problems = missing_names(cell, notebook - set(public_names(module)), {})
        except Exception as error:  # noqa: BLE001 - whatever a learner's cell raises is told
            problems = [explain(error, {cell.filename: cell})]
    if problems:
        raise CellError(sentence(problems[0]))
    return module


def sentence(problem: Problem) -> str:
    """A problem in one line: `line 4: NameError: …`."""
    place = f"line {problem.line} of this cell" if problem.line else "this cell"
    return f"{place}: {' '.join(problem.what.split())}" + (f"\n    > {problem.source}" if problem.source else "")


def notebook_names(shell: Any) -> set[str]:
    """Names that the learner's notebook has, those of IPython left out."""
    return {name for name in shell.user_ns if name not in shell.user_ns_hidden}
