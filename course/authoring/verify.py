"""Proves what ships: every patch applies exactly, and every exercise names variants that exist."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from course.engine.subject import load_subject, subject_names
from course.engine.variant import Trees, Variant
from course.errors import CourseError, nearest
from course.syllabus import Lesson, syllabus


class VerifyError(CourseError):
    """There is nothing of that name to prove."""


def verify(names: tuple[str, ...], console: Console | None = None) -> int:
    """Prove subjects and lessons, and print a line for each proof.

    Args:
        names: Subjects and lessons; all of them where none is named.
        console: Where to print.

    Returns:
        0 where everything is proved, else 1.

    Raises:
        VerifyError: A name is neither a subject nor a lesson.
    """
    console = console or Console()
    subjects, lessons = chosen(names)
    faults = 0
    for title, proof in [
        *[(name, prove_subject(name)) for name in subjects],
        *[(one.slug, prove_lesson(one)) for one in lessons],
    ]:
        found = list(proof)
        faults += len(found)
        console.print(f"{'✗' if found else '✔'} {title}")
        for fault in found:
            console.print(f"    {fault}")
    return 1 if faults else 0


def chosen(names: tuple[str, ...]) -> tuple[list[str], list[Lesson]]:
    subjects = [name for name in subject_names() if not names or name in names]
    lessons = [lesson for lesson in syllabus().lessons if not names or {lesson.slug, lesson.number} & set(names)]
    known = [*subject_names(), *(lesson.slug for lesson in syllabus().lessons)]
    for name in names:
        if name not in subjects and not any(name in {lesson.slug, lesson.number} for lesson in lessons):
            raise VerifyError(f'There is no subject and no lesson "{name}".', nearest(name, known))
    return subjects, lessons


def prove_subject(name: str) -> Iterator[str]:
    """Yield what is wrong with a subject."""
    subject = load_subject(name)
    with tempfile.TemporaryDirectory(prefix="course-verify-") as folder:
        trees = Trees(Path(folder))
        for patch in (*subject.bugs, *subject.correct):
            try:
                trees.path(Variant(subject, patch))
            except CourseError as error:
                yield str(error)


def prove_lesson(lesson: Lesson) -> Iterator[str]:
    """Yield what is wrong with a lesson's exercises."""
    for exercise in lesson.exercises:
        if exercise.subject is None:
            continue
        subject = load_subject(exercise.subject)
        for find, names in ((subject.bug, exercise.bugs + exercise.alive), (subject.variant, exercise.correct)):
            for name in names:
                try:
                    find(name)
                except CourseError as error:
                    yield f"{exercise.id}: {error}"
