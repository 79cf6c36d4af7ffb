from __future__ import annotations

import io

from rich.console import Console

from course.notebook.progress import Progress
from course.notebook.stages import legend, stages
from course.notebook.status import status_table
from course.notebook.workspace import Workspace
from course.syllabus import syllabus


def printed(folder, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(status_table(Workspace(folder)))
    return console.file.getvalue()


def test_the_status_fits_into_80_columns_and_cuts_no_title(tmp_path):
    said = printed(tmp_path)
    assert max(map(len, said.splitlines())) <= 80
    assert all(f"{lesson.number} {lesson.title}" in said for lesson in syllabus().everything)


def test_the_status_shows_stages_signs_a_legend_and_what_is_next(tmp_path):
    workspace = Workspace(tmp_path)
    Progress(workspace.progress).ran("0.1", {}, solved=True)
    said = printed(tmp_path)
    assert all(stage.name in said for stage in stages(syllabus()))
    assert all(each in said for each in legend(syllabus()))
    assert "◐ 00 Start here" in said
    assert "Next: 00 Start here (00_start_here.ipynb)" in said


def test_after_all_lessons_nothing_is_next(tmp_path):
    workspace = Workspace(tmp_path)
    for lesson in syllabus().lessons:
        for exercise in lesson.exercises:
            Progress(workspace.progress).ran(exercise.id, {}, solved=True)
    assert "All lessons are done." in printed(tmp_path)
