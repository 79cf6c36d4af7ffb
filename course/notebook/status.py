"""The path as a table: what is done, and how the learner's copies stand."""

from __future__ import annotations

from rich.table import Table

from course.notebook.progress import Progress
from course.notebook.workspace import Workspace
from course.syllabus import Lesson, syllabus


def status_table(workspace: Workspace) -> Table:
    """Build the table that `course status` prints; planned lessons are dim."""
    table = Table(title=f"Workspace: {workspace.folder}")
    table.add_column("lesson")
    table.add_column("minutes", justify="right")
    table.add_column("solved", justify="right")
    table.add_column("notebook")
    solved = Progress(workspace.progress).solved()
    for lesson in syllabus().everything:
        row = (f"{lesson.number} {lesson.title}", str(lesson.minutes))
        if lesson.planned:
            table.add_row(*row, "", "in preparation", style="dim")
        else:
            table.add_row(*row, solved_of(lesson, solved), workspace.state(lesson.slug))
    return table


def solved_of(lesson: Lesson, solved: frozenset[str]) -> str:
    """Say how many exercises of a lesson are solved; a tick where all are."""
    ids = {exercise.id for exercise in lesson.exercises}
    return f"{'✔ ' if ids and ids <= solved else ''}{len(ids & solved)} of {len(ids)}"
