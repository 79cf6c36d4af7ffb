"""What `%%exercise 6.2` does: run the cell in the kernel, then on right and on wrong code, and show the board."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

from course.engine import Step, Subject, Suite, Verdict, load_subject
from course.errors import CourseError
from course.hygiene import Proof, prove_suite, rules_of
from course.notebook.cell import Cell, public_names
from course.notebook.explanation import explain
from course.notebook.first_run import FirstRun, let_go, run_first
from course.notebook.guard import Guard, Wait
from course.notebook.names import strangers
from course.notebook.problem import Problem
from course.notebook.session import Session
from course.notebook.slips import slips
from course.services.machine import folders
from course.services.machine.browser import lacking
from course.syllabus import Exercise

STUB = 'raise NotImplementedError("TODO'
LIMIT = 30.0  # seconds that a test, or its fixtures, may take in the kernel


class NotSolvedError(CourseError):
    """Under `COURSE_STRICT=1`: an exercise whose cell is red, or whose board has a bug alive."""


class StoppedError(KeyboardInterrupt):
    """Ctrl-C ended an exercise; nothing of it runs on."""

    def _render_traceback_(self) -> list[str]:
        return ["Stopped. Nothing of it runs on."]


@dataclass(frozen=True)
class Result:
    """What came of running an exercise's cell.

    Attributes:
        exercise: The exercise.
        first: The run in the kernel.
        verdict: The proof; None where the cell is red, or where there is nothing to prove it on.
        hygiene: What the proofs of its hygiene have shown, where it is held to some.
        seconds: How long all of it took.
        module: The executed cell, where it could be executed.
        left_out: Whether a solution did not run, as this machine lacks what it needs.
    """

    exercise: Exercise
    first: FirstRun
    verdict: Verdict | None = None
    seconds: float = 0.0
    module: ModuleType | None = field(default=None, repr=False)
    hygiene: tuple[Proof, ...] = ()
    left_out: bool = False

    @property
    def solved(self) -> bool:
        """Green here without a doubt, right on right code, and every bug caught that this way of testing can show."""
        verdict, green = self.verdict, self.first.green and not self.first.doubts
        if not green or verdict is None:
            return green
        alive = {judged.bug.id for judged in verdict.alive} - set(self.exercise.alive)
        clean = all(proof.passed for proof in self.hygiene) and len(self.hygiene) == len(self.exercise.hygiene)
        return verdict.is_proved and bool(verdict.valid) and not verdict.doubtful and not alive and clean


def run_exercise(
    session: Session,
    exercise: Exercise,
    source: str,
    notebook: Collection[str] = (),
    on_step: Callable[[Step | None], None] = lambda _: None,
    on_wait: Callable[[Wait], None] = lambda _: None,
) -> Result:
    """Run an exercise's cell, prove it, and remember it.

    Args:
        session: The kernel's session, in which the exercise's lesson has begun.
        exercise: The exercise.
        source: The cell below the magic's line.
        notebook: Names that the notebook has.
        on_step: Told when the kernel's run is green (None), and after each run of the proof.
        on_wait: Told from another thread, while the kernel's run takes longer than a moment.

    Raises:
        StoppedError: Ctrl-C.
    """
    started = time.monotonic()
    session.latest = exercise
    cell = exercise_cell(exercise, source)
    conftest = session.conftest(exercise)
    files = {each.file: each.text for each in (conftest, cell) if each}
    if lacks := lacking(exercise.needs):
        session.progress.ran(exercise.id, files, solved=False)
        return Result(exercise, FirstRun(problems=[Problem(lacks, is_todo=True)]), left_out=STUB not in source)
    first, module = run_watched(session, cell, conftest, notebook, on_wait)
    verdict: Verdict | None = None
    hygiene: tuple[Proof, ...] = ()
    if first.green and exercise.subject:
        on_step(None)
        verdict, hygiene = prove(session, exercise, load_subject(exercise.subject), files, on_step)
    result = Result(exercise, first, verdict, time.monotonic() - started, module, hygiene)
    alive = tuple(judged.bug.id for judged in verdict.alive) if verdict else ()
    session.progress.ran(exercise.id, files, solved=result.solved, alive=alive)
    return result


def exercise_cell(exercise: Exercise, source: str) -> Cell:
    """The cell as a file: `test_6_2.py`."""
    return Cell(exercise.magic, source, exercise.file.removesuffix(".py"), f"Exercise {exercise.id}: {exercise.title}")


def run_watched(
    session: Session, cell: Cell, conftest: Cell | None, notebook: Collection[str], on_wait: Callable[[Wait], None]
) -> tuple[FirstRun, ModuleType | None]:
    """Run in the kernel under a guard; code that hangs becomes a problem that names its line.

    Raises:
        StoppedError: Ctrl-C.
    """
    first, module = FirstRun(stopped=True), None
    cells = {each.filename: each for each in (cell, conftest) if each}
    with Guard(cells, on_wait, LIMIT) as guard, contextlib.suppress(KeyboardInterrupt):
        first, module = run_in_kernel(session, cell, conftest, notebook, guard)
    if not first.green:
        let_go()
    if guard.problem:
        first.problems.append(guard.problem)
        first.stopped = False
    if first.stopped:
        raise StoppedError
    if first.problems:
        first.problems[:0] = lost_server(session)
    return first, module


def run_in_kernel(
    session: Session, cell: Cell, conftest: Cell | None, notebook: Collection[str], guard: Guard
) -> tuple[FirstRun, ModuleType | None]:
    """Execute the conftest cell and this one as fresh modules, as pytest would, and run the tests."""
    cells = {each.filename: each for each in (cell, conftest) if each}
    red = FirstRun()
    with working_folder(session.scratch() / "cells"), folders.room(session.scratch()):
        try:
            _ = cell.tree
            shared = conftest.run() if conftest else None
            red.problems += missing_names(cell, notebook, public_names(shared) if shared else {})
            if red.problems:
                return red, None
            module = cell.run()
        except KeyboardInterrupt:
            red.stopped = True
        except (CourseError, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a learner's cell raises is told, `SystemExit` too
            red.problems.append(explain(error, cells))
        else:
            return run_first(module, cell, shared, conftest, guard), module
    return red, None


def missing_names(cell: Cell, notebook: Collection[str], shared: Mapping[str, object]) -> list[Problem]:
    """Problems for the names that only another cell knows, and for slips that are seen without a run."""
    names = [Problem(each.advice, each.line, cell.line(each.line)) for each in strangers(cell, notebook, shared)]
    return names + slips(cell)


def lost_server(session: Session) -> list[Problem]:
    """A problem where a server of the lesson has ended: the cause of all others."""
    try:
        session.require_servers()
    except CourseError as error:
        return [Problem(str(error))]
    return []


def prove(
    session: Session, exercise: Exercise, subject: Subject, files: dict[str, str], on_step: Callable[[Step], None]
) -> tuple[Verdict, tuple[Proof, ...]]:
    """Prove a suite on the exercise's variants, and hold it to the exercise's rules.

    Raises:
        StoppedError: Ctrl-C.
    """
    lesson = session.course.lesson_of(exercise)
    services = tuple(service for service in subject.services if service in lesson.services)
    subject = replace(subject, services=services, seconds=exercise.seconds or subject.seconds)
    try:
        return prove_suite(
            session.prover(),
            Suite.from_files(files),
            subject,
            bugs=[subject.bug(name) for name in (*exercise.bugs, *exercise.alive)],
            correct=[subject.variant(name) for name in exercise.correct],
            rules=rules_of(exercise),
            on_step=on_step,
        )
    except KeyboardInterrupt:
        raise StoppedError from None


def check_strictly(result: Result) -> None:
    """Raise where an exercise is not solved and `COURSE_STRICT=1` asks for that.

    Raises:
        NotSolvedError: It is not solved.
    """
    if result.solved or result.left_out or os.environ.get("COURSE_STRICT") != "1":
        return
    problems = result.first.problems or result.first.doubts
    why = problems[0].what.splitlines()[0] if problems else "the board is not green"
    raise NotSolvedError(f"Exercise {result.exercise.id} is not solved: {why}.")


@contextlib.contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """Work in a folder for a while, wherever one worked before."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder):
        yield folder
