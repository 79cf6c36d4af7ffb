"""The path as a table: what is done, and how the learner's copies stand."""

from __future__ import annotations

from rich.table import Table

from course.notebook.workspace import Workspace
from course.syllabus import syllabus


def status_table(workspace: Workspace) -> Table:
    """Build the table that `course status` prints; planned lessons are dim."""
    table = Table(title=f"Workspace: {workspace.folder}")
    for name in ("lesson", "minutes", "notebook"):
        table.add_column(name, justify="right" if name == "minutes" else "left")
    for lesson in syllabus().everything:
        row = (f"{lesson.number} {lesson.title}", str(lesson.minutes))
        if lesson.planned:
            table.add_row(*row, "in preparation", style="dim")
        else:
            table.add_row(*row, workspace.state(lesson.slug))
    return table
