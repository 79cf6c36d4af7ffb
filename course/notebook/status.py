"""The path as a table for a terminal: its stages, what is done, how the learner's copies stand, and what is next."""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table

from course.notebook.progress import Progress
from course.notebook.stages import legend, sign, stages, upcoming
from course.notebook.workspace import Workspace
from course.syllabus import Lesson, Syllabus, syllabus


def status_table(workspace: Workspace, course: Syllabus | None = None) -> Table:
    """Build the table that `course status` prints; it fits into 80 columns, and planned lessons are dim.

    Args:
        workspace: The learner's.
        course: The syllabus, where it is not the course's own.
    """
    course = course or syllabus()
    solved = Progress(workspace.progress).solved()
    title = f"Workspace: {escape(str(workspace.folder))}"
    table = Table(title=title, caption=caption(course, solved), caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("lesson", no_wrap=True)
    table.add_column("minutes", justify="right")
    table.add_column("solved", justify="right")
    table.add_column("notebook")
    for stage in stages(course):
        table.add_row(f"[bold]{stage.name}[/]")
        for lesson in stage.lessons:
            table.add_row(*row(lesson, solved, workspace), style="dim" if lesson.planned else None)
    return table


def row(lesson: Lesson, solved: frozenset[str], workspace: Workspace) -> tuple[str, str, str, str]:
    title = f"  {sign(lesson, solved)} {lesson.number} {lesson.title}"
    if lesson.planned:
        return title, str(lesson.minutes), "", "in preparation"
    return title, str(lesson.minutes), solved_of(lesson, solved), workspace.state(lesson.slug)


def caption(course: Syllabus, solved: frozenset[str]) -> str:
    """What the signs mean, and the lesson to go on with."""
    signs = "   ".join(legend(course))
    lesson = upcoming(course, solved)
    going_on = f"Next: {lesson.number} {lesson.title} ({lesson.slug}.ipynb)" if lesson else "All lessons are done."
    return f"{signs}\n{going_on}"


def solved_of(lesson: Lesson, solved: frozenset[str]) -> str:
    """Say how many exercises of a lesson are solved."""
    ids = {exercise.id for exercise in lesson.exercises}
    return f"{len(ids & solved)} of {len(ids)}"
