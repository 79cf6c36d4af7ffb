"""The suite of an exercise, cut out of its lesson source: as the author solved it, or as a learner first gets it."""

from __future__ import annotations

from pathlib import Path

from course.authoring.region import find_region, otherwise, solved, stubbed
from course.authoring.render import checked_source
from course.authoring.source import Cell
from course.syllabus import Exercise, Lesson


def exercise_files(
    lesson: Lesson, exercise: Exercise, path: Path, *, as_shipped: bool = False, otherwise_solved: bool = False
) -> dict[str, str]:
    """Return the test files of one exercise: its cell, and the last conftest cell above it.

    Args:
        lesson: The lesson.
        exercise: One of its exercises.
        path: The lesson source.
        as_shipped: With red stubs, as learners get it; else with the author's solution.
        otherwise_solved: With the lines of `other_way` in place of the solution in the exercise's own cell.

    Returns:
        Texts by file name: `test_6_2.py`, and `conftest.py` where there is such a cell.

    Raises:
        LessonError: The source breaks the grammar, or does not agree with course.toml.
    """
    cells = checked_source(lesson, path)
    titles = {each.id: each.title for each in lesson.exercises}

    def text(cell: Cell) -> str:
        source = stubbed(path, cell, titles.get(cell.exercise or "", "")) if as_shipped else solved(path, cell)
        return source + "\n"

    own = next(cell for cell in cells if "exercise" in cell.tags and cell.exercise == exercise.id)
    above = [cell for cell in cells if "conftest" in cell.tags and cell.line < own.line]
    test = otherwise(path, own, exercise.other_code) + "\n" if otherwise_solved else text(own)
    shared = {"conftest.py": text(above[-1])} if above and exercise.language == "python" else {}
    return {exercise.file: test} | shared


def is_sick(lesson: Lesson, exercise: Exercise, path: Path) -> bool:
    """Whether a learner gets a suite to cure: with an `# INSTEAD:` in its cell, and no stub.

    Raises:
        LessonError: The source breaks the grammar, or does not agree with course.toml.
    """
    cells = checked_source(lesson, path)
    own = next(cell for cell in cells if "exercise" in cell.tags and cell.exercise == exercise.id)
    region = find_region(path, own)
    return region is not None and region.instead is not None
