"""What `%%jest 11.1` does: jest runs the cell in Node, on right and on wrong code, and the board shows the result."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from course.engine import (
    JudgedTest,
    Proof,
    Request,
    RunResult,
    Standing,
    Step,
    Suite,
    Validity,
    Variant,
    Verdict,
    load_subject,
)
from course.javascript import NAME, install, plain_command
from course.notebook.exercise import Result, StoppedError
from course.notebook.first_run import PRINTED, FirstRun
from course.notebook.panel import Panel
from course.notebook.problem import Problem
from course.notebook.session import Session
from course.services.cleanup.process import run
from course.syllabus import Exercise, Lesson

FILE = "cell.test.js"
SECONDS = 60.0
HANGS = "did not exit one second after"
# Of a stack: where jest and the packages have passed an error on
_SPACE = r"(?:\x1b\[[\d;]*m|[ \t])*"  # with a terminal's colours
BESIDE_THE_POINT = re.compile(rf"^{_SPACE}(?:at .*(?:node_modules|node:).*|----.*)\n", re.MULTILINE)
# What jest says to whoever would translate other languages, above the error itself
ON_OTHER_LANGUAGES = re.compile(
    rf"^{_SPACE}Jest encountered an unexpected token.*?Details:.*?\n\s*(?=\S)", re.MULTILINE | re.DOTALL
)
RED = (Validity.FALSE_ALARM, Validity.NEVER_ENDS)


class _RedError(Exception):
    """The cell is red on the original: nothing else is tried."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("red")
        self.problems = problems


def install_packages(lesson: Lesson, show: Callable[[Panel], None]) -> None:
    """Install what the lesson's programs in JavaScript need, and show how far that is.

    Raises:
        CourseError: There is no Node, or the packages cannot be had.
    """
    names = {each.subject for each in lesson.exercises if each.subject} | (
        {lesson.subject} if lesson.subject else set()
    )

    def tell(done: int, total: int) -> None:
        right = f"npm installs {done} of {total} packages, once"
        show(Panel(f"{lesson.number} · {lesson.title}", right=right, share=done / total))

    for subject in map(load_subject, sorted(names)):
        if subject.language == NAME:
            install(subject.folder, tell)


def run_jest(session: Session, exercise: Exercise, source: str, on_step: Callable[[Step | None], None]) -> Result:
    """Prove the tests of an exercise, and remember them.

    Args:
        session: The kernel's session, in which the exercise's lesson has begun.
        exercise: One in JavaScript.
        source: The cell below the magic's line.
        on_step: Told after each run of the proof.

    Raises:
        StoppedError: Ctrl-C.
        CourseError: There is no Node, or its packages cannot be had.
    """
    started = time.monotonic()
    session.latest = exercise
    # A comment takes the place of the magic, so that all line numbers agree
    files = {exercise.file: f"// Exercise {exercise.id}: {exercise.title}\n{source.rstrip()}\n"}
    first, verdict = FirstRun(), None
    try:
        verdict, output = prove(session, exercise, files, on_step)
        first = seen(verdict, output, source)
    except _RedError as red:
        first.problems += [with_source(each, source) for each in red.problems]
    except KeyboardInterrupt:
        raise StoppedError from None
    told = verdict if first.green or (verdict and verdict.standing is Standing.GRADER_ERROR) else None
    result = Result(exercise, first, told, time.monotonic() - started)
    alive = tuple(judged.bug.id for judged in told.alive) if told else ()
    session.progress.ran(exercise.id, files, solved=result.solved, alive=alive)
    return result


def prove(
    session: Session, exercise: Exercise, files: dict[str, str], on_step: Callable[[Step], None]
) -> tuple[Verdict, str]:
    """The verdict, and what the tests have printed on the original.

    Raises:
        _RedError: A test fails on the original.
    """
    subject = load_subject(exercise.subject or "")
    subject = replace(subject, seconds=exercise.seconds or subject.seconds)
    prover, printed = session.prover(), list[str]()

    def run_all(requests: Sequence[Request], on_done: Callable[[int, RunResult], None]) -> list[RunResult]:
        results = prover.run_all(requests, on_done)
        printed.append(results[0].output)
        return results

    def stop_where_red(tests: tuple[JudgedTest, ...]) -> None:
        if problems := [problem_of(test) for test in tests if test.validity in RED]:
            raise _RedError([replace(problems[0], printed=printed[0][-PRINTED:]), *problems[1:]])

    bugs = tuple(subject.bug(name) for name in (*exercise.bugs, *exercise.alive))
    correct = tuple(subject.variant(name) for name in exercise.correct)
    with prover.suite_folder(Suite.from_files(files)) as folder:
        proof = Proof(run_all, prover.trees, folder, subject, bugs, correct, on_step=on_step)
        return proof.verdict(stop_where_red), printed[0]


def problem_of(test: JudgedTest) -> Problem:
    """A test that fails on the original, as a problem of the cell."""
    if test.validity is Validity.NEVER_ENDS:
        said = f"{test.message.replace(f' during {test.test}', '').rstrip('.')}."
        never = "It never ends. " if said.startswith("It was ended after") else ""
        return Problem(never + said, test=test.name)
    return Problem(test.message, line_of(test.where), test=test.name, is_todo=test.message.startswith("TODO "))


def seen(verdict: Verdict, output: str, source: str) -> FirstRun:
    """What the runs on the original have shown."""
    first = FirstRun()
    for test in verdict.tests:
        if not verdict.is_proved and test.validity in RED:
            continue
        (first.skipped if test.validity is Validity.SKIPPED else first.passed).append(test.name)
        if test.validity is Validity.VALID and test.message:
            first.doubts.append(
                with_source(Problem(test.message, _line_with(test.name, source), test=test.name), source)
            )
    if output.strip():
        first.printed["console.log"] = output[-PRINTED:]
    if not verdict.is_proved and verdict.standing is not Standing.GRADER_ERROR:
        is_todo = verdict.detail.startswith("TODO ")
        red = [problem_of(test) for test in verdict.tests if test.validity in RED]
        problem = Problem(verdict.detail, line_of(verdict.where), is_todo=is_todo, printed=verdict.output[-PRINTED:])
        first.problems += red or [with_source(problem, source)]
    elif not first.passed and first.skipped:
        first.problems.append(Problem("Every test was skipped: nothing is proved by that."))
    return first


def line_of(where: str) -> int:
    """The line of the cell (the magic is line 1) in a place such as `exercise_11_1.test.js:7`."""
    number = where.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def with_source(problem: Problem, source: str) -> Problem:
    """The same with its line of the cell."""
    lines = source.splitlines()
    place = problem.line - 2  # the magic is line 1, and no part of the source
    shown = lines[place].strip() if 0 <= place < len(lines) else ""
    return replace(problem, source=shown)


def _line_with(name: str, source: str) -> int:
    last = name.rpartition(" \u203a ")[2]
    return next((number for number, line in enumerate(source.splitlines(), start=2) if last in line), 0)


def run_plain(session: Session, variant: str, source: str, *, colour: bool = False) -> str:
    """Run a cell's tests as a terminal would, and return what jest says.

    Args:
        session: The kernel's session, in which a lesson has begun.
        variant: A bug or a correct variant to run on, such as `database/forgets_to_commit`; empty for the original.
        source: The tests.
        colour: Whether the report may hold a terminal's colours.

    Raises:
        CourseError: No lesson with a program has begun, or it has no such variant.
        StoppedError: Ctrl-C.
    """
    subject = load_subject(session.lesson_meant().subject or "")
    patch = (
        None if not variant else subject.variant(variant) if variant.startswith("correct/") else subject.bug(variant)
    )
    tree = session.prover().trees.path(Variant(subject, patch))
    with tempfile.TemporaryDirectory(prefix="course-jest-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / FILE).write_text(f"// %%jest\n{source}", encoding="utf-8")  # so that all line numbers agree
        command, variables = plain_command(subject.folder, tree, folder, os.environ["DATABASE_URL"], colour=colour)
        environment = {**os.environ, **variables}
        report = folder / "report.txt"
        try:
            code, said = run(command, folder, environment, SECONDS, report, lambda: HANGS in report.read_text("utf-8"))
        except KeyboardInterrupt:
            raise StoppedError from None
    said = ON_OTHER_LANGUAGES.sub("    ", BESIDE_THE_POINT.sub("", said)).replace(f"{folder}{os.sep}", "").strip("\n")
    if code is None:
        said += "\njest was ended." if HANGS in said else f"\nStill running after {SECONDS:g} s: jest was ended."
    return said
