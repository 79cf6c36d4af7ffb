"""The syllabus: `course.toml` becomes frozen dataclasses, checked when they are loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course.errors import CourseError, nearest
from course.manifest import read_manifest
from course.syllabus.exercise import HYGIENE, LANGUAGES, Exercise, Hygiene
from course.syllabus.lesson import Lesson, read_lesson

COURSE_TOML = Path(__file__).parents[1] / "course.toml"

__all__ = [
    "COURSE_TOML", "HYGIENE", "LANGUAGES", "Exercise", "Hygiene", "Lesson", "Syllabus", "UnknownExerciseError",
    "UnknownLessonError", "load", "syllabus", "there_are",
]  # fmt: skip


class UnknownLessonError(CourseError):
    """No lesson has this name."""


class UnknownExerciseError(CourseError):
    """No exercise has this id."""


@dataclass(frozen=True)
class Syllabus:
    """All lessons in order, and how to find one by what a learner may type."""

    everything: tuple[Lesson, ...]

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """The path: the lessons that are written."""
        return tuple(lesson for lesson in self.everything if not lesson.planned)

    def lesson(self, name: str, *, planned: bool = False) -> Lesson:
        """Find a lesson by slug, number or file name: `"06_test_an_api"`, `"06"`, `"6"`.

        Args:
            name: What a learner typed.
            planned: Look among the planned ones as well.

        Raises:
            UnknownLessonError: There is none; the nearest name is suggested.
        """
        wanted = str(name).strip().removesuffix(".ipynb")
        known = self.everything if planned else self.lessons
        for lesson in known:
            if wanted == lesson.slug or wanted.zfill(2) == lesson.number:
                return lesson
        raise UnknownLessonError(f'There is no lesson "{name}".', nearest(wanted, [each.slug for each in known]))

    def exercise(self, name: str) -> Exercise:
        """Find an exercise of the path by id; `"06.2"` is `"6.2"`.

        Raises:
            UnknownExerciseError: There is none; the nearest id is suggested.
        """
        wanted = re.sub(r"^0+(?=\d)", "", str(name).strip())
        known = {exercise.id: exercise for lesson in self.lessons for exercise in lesson.exercises}
        if wanted not in known:
            beside = [each for each in known if each.partition(".")[0] == wanted.partition(".")[0]]
            longer = [each for each in beside if wanted.startswith(each)]
            told = nearest(wanted, known if not beside else longer) if longer or not beside else there_are(beside)
            raise UnknownExerciseError(f'There is no exercise "{name}".', told)
        return known[wanted]

    def lesson_of(self, exercise: Exercise | str) -> Lesson:
        """Return the lesson that an exercise stands in."""
        found = exercise if isinstance(exercise, Exercise) else self.exercise(exercise)
        return next(lesson for lesson in self.everything if found in lesson.exercises)


def there_are(ids: list[str]) -> str:
    """Which exercises a lesson has, one at least, as a sentence."""
    return f"This lesson has {ids[0]} to {ids[-1]}." if ids[1:] else f"This lesson has {ids[0]} only."


@cache
def syllabus() -> Syllabus:
    """Return the course's own syllabus, loaded once.

    Example:
        >>> syllabus().everything[0].slug
        '00_start_here'
    """
    return load(COURSE_TOML)


def load(path: Path) -> Syllabus:
    """Read and check a `course.toml`.

    Raises:
        ManifestError: It cannot be read or breaks a rule; file, line and fix are named.
    """
    root = read_manifest(path)
    lessons: list[Lesson] = []
    for table in root.tables("lesson", at_least=1):
        lesson = read_lesson(table)
        if lessons and lesson.number <= lessons[-1].number:
            fix = "Order the lessons by their numbers and use each number once."
            raise table.error(f"it comes after {lessons[-1].slug}.", fix)
        lessons.append(lesson)
    root.done()
    return Syllabus(tuple(lessons))
