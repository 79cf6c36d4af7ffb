"""The lesson table in README.md, written from course.toml."""

from __future__ import annotations

from course.errors import CourseError
from course.syllabus import Lesson, Syllabus

BEGIN = "<!-- lessons: written by `make render` -->"
END = "<!-- /lessons -->"


class ReadmeError(CourseError):
    """README.md lost the marks between which the table stands."""


def readme_with_table(readme: str, course: Syllabus) -> str:
    """Return README.md with the lesson table between its two marks.

    Raises:
        ReadmeError: A mark is missing.
    """
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ReadmeError("README.md has no place for the lesson table.", f"Add the lines {BEGIN} and {END}.")
    return f"{head}{BEGIN}\n\n{table(course)}\n\n{END}{tail}"


def table(course: Syllabus) -> str:
    rows = "\n".join(f"| {cell(lesson)} | {lesson.summary} | {lesson.minutes} min |" for lesson in course.everything)
    return f"| lesson | what it teaches | time |\n|---|---|---|\n{rows}"


def cell(lesson: Lesson) -> str:
    title = f"{lesson.number} {lesson.title}"
    return f"{title} *(in preparation)*" if lesson.planned else f"[{title}](notebooks/{lesson.slug}.ipynb)"
