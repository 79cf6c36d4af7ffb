"""`course.brief`: the contract of a program under test, on the page."""

from __future__ import annotations

from course.engine import load_subject
from course.errors import CourseError
from course.notebook.faults import guarded
from course.notebook.session import session
from course.notebook.showing import Page, show


class NoProgramError(CourseError):
    """A contract is asked for, and there is no program."""


@guarded
def brief(subject: str = "") -> None:
    """Show what a program promises: all that a test may rely on.

    Args:
        subject: Its name, such as `"todo_api"`; the program of the lesson that has begun, when not given.

    Raises:
        CourseError: There is no such program; the nearest name is suggested.
    """
    name = subject or session().lesson_meant().subject
    if name is None:
        raise NoProgramError("This lesson has no program under test.", 'Name one: course.brief("users_api")')
    show(Page((load_subject(name).folder / "brief.md").read_text(encoding="utf-8")))
