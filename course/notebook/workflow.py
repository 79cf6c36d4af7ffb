"""What `%%workflow 12.1` does: read the file, rehearse it on good and on bad commits, and show the board."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from course.engine import Step, Subject, Variant, load_subject
from course.errors import CourseError
from course.notebook.exercise import Result, StoppedError
from course.notebook.first_run import FirstRun
from course.notebook.problem import Problem
from course.notebook.session import Session
from course.syllabus import Exercise
from course.workflows import RehearsalResult, Workflow, WorkflowError, read_workflow, rehearse
from course.workflows.proof import Proved, prove_workflow, pull_request

TODO = re.compile(r"^ *# (TODO \d+\.\d+: .*)$", re.MULTILINE)


def run_workflow(
    session: Session, exercise: Exercise, source: str, on_step: Callable[[Step | None], None]
) -> tuple[Result, RehearsalResult | None]:
    """Prove the workflow of an exercise, and remember it.

    Args:
        session: The kernel's session, in which the exercise's lesson has begun.
        exercise: The exercise.
        source: The cell below the magic's line.
        on_step: Told when the file is read (None), and after each rehearsal.

    Returns:
        What came of it, and the rehearsal on the good commit where there was one.

    Raises:
        StoppedError: Ctrl-C.
    """
    started = time.monotonic()
    session.latest = exercise
    first, proved = FirstRun(), None
    try:
        workflow = read(source)
        on_step(None)
        proved = prove(session, exercise, workflow, on_step)
        first.passed.append("workflow")
    except CourseError as error:
        first.problems.append(problem(error, source))
    except KeyboardInterrupt:
        raise StoppedError from None
    verdict = proved.verdict if proved else None
    hygiene = (proved.fails_fast,) if proved and exercise.hygiene else ()
    result = Result(exercise, first, verdict, time.monotonic() - started, hygiene=hygiene)
    alive = tuple(judged.bug.id for judged in verdict.alive) if verdict else ()
    session.progress.ran(exercise.id, {exercise.file: source}, solved=result.solved, alive=alive)
    return result, proved.good if proved else None


def read(source: str) -> Workflow:
    """Read a cell.

    Raises:
        WorkflowError: It still has a TODO, or GitHub would refuse it; the line is the cell's.
    """
    if todo := TODO.search(source):
        raise WorkflowError(source[: todo.start()].count("\n") + 1, todo[1])
    return read_workflow(source)


def prove(session: Session, exercise: Exercise, workflow: Workflow, on_step: Callable[[Step], None]) -> Proved:
    """Rehearse it on the exercise's commits."""
    subject = subject_of(exercise)
    return prove_workflow(
        workflow,
        subject,
        session.prover().trees.path,
        bugs=[subject.bug(name) for name in exercise.bugs],
        correct=[subject.variant(name) for name in exercise.correct],
        on_step=on_step,
    )


def subject_of(exercise: Exercise) -> Subject:
    """The project under test, with the exercise's own deadline where it has one."""
    subject = load_subject(exercise.subject or "")
    return replace(subject, seconds=exercise.seconds or subject.seconds)


def problem(error: CourseError, source: str) -> Problem:
    """Why a file cannot be rehearsed, with the line of the cell (the magic is line 1)."""
    found = re.match(r"Line (\d+): (.*)", error.what, re.DOTALL)
    if not found:
        return Problem(str(error))
    number, words = int(found[1]), f"{found[2][:1].upper()}{found[2][1:]} {error.next_step}".strip()
    lines = source.splitlines()
    shown = lines[number - 1].strip() if number <= len(lines) else ""
    return Problem(words, number + 1, shown, is_todo=words.startswith("TODO "))


def rehearse_once(session: Session, commit: str, source: str) -> RehearsalResult:
    """Rehearse a workflow on the lesson's project as a pull request: on the good commit, or on a bad one.

    Args:
        session: The kernel's session, in which a lesson has begun.
        commit: Such as `database/forgets_to_commit`; empty for the good one.
        source: The cell below the magic's line.

    Raises:
        CourseError: No such commit, or the file cannot be rehearsed.
    """
    subject = load_subject(session.lesson_meant().subject or "")
    variant = Variant(subject, subject.bug(commit) if commit else None)
    folder = session.prover().trees.path(variant)
    return rehearse(read(source), folder, pull_request(variant, folder), subject.seconds)
