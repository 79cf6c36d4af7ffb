"""`course.brief`: the contract of a program under test, on the page."""

from __future__ import annotations

from course.engine import load_subject
from course.notebook.faults import guarded
from course.notebook.showing import Page, show


@guarded
def brief(subject: str) -> None:
    """Show what a program promises: all that a test may rely on.

    Args:
        subject: Its name, such as `"todo_api"`.

    Raises:
        CourseError: There is no such program; the nearest name is suggested.
    """
    show(Page((load_subject(subject).folder / "brief.md").read_text(encoding="utf-8")))
