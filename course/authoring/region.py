"""The region between `# BEGIN SOLUTION` and `# END SOLUTION`: dropped marks for solutions, a red stub for learners."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from course.authoring.source import Cell, LessonError

BEGIN = re.compile(r"(?P<indent> *)# BEGIN SOLUTION(?:: (?P<text>.+))?")
END = re.compile(r"(?P<indent> *)# END SOLUTION")
LOOKS_LIKE_ONE = re.compile(r"#.*\b(BEGIN|END)[ _-]*SOLUTION", re.IGNORECASE)


@dataclass(frozen=True)
class Region:
    """Where the solution stands in a cell: the places of its two marks, its indent, and what its TODO says."""

    begin: int
    end: int
    indent: str
    text: str | None


def find_region(path: Path, cell: Cell) -> Region | None:
    """Find the one region of a cell; None where there is none.

    Raises:
        LessonError: Nested, unterminated, empty, misspelt, more than one, or where none belongs.
    """
    marks = [(place, line) for place, line in enumerate(cell.lines) if LOOKS_LIKE_ONE.search(line)]
    for place, (at, line) in enumerate(marks):
        check_mark(path, cell.line + 1 + at, line, is_begin=place % 2 == 0)
    if not marks:
        if "exercise" in cell.tags:
            fix = "Put `# BEGIN SOLUTION` and `# END SOLUTION` around what the learner is to write."
            raise LessonError(path, cell.line, f"exercise {cell.exercise} has no solution region.", fix)
        return None
    check_cell(path, cell, marks)
    (begin, first), (end, last) = marks
    opening = BEGIN.fullmatch(first)
    assert opening is not None  # noqa: S101 - check_mark has seen to it
    if not last.startswith(opening["indent"] + "#"):
        fix = "Indent both marks alike."
        raise LessonError(path, cell.line + 1 + end, "END SOLUTION is indented otherwise than BEGIN SOLUTION.", fix)
    if not any(line.strip() for line in cell.lines[begin + 1 : end]):
        raise LessonError(path, cell.line + 1 + begin, "the solution region is empty.", "Write the solution into it.")
    return Region(begin, end, opening["indent"], opening["text"])


def check_mark(path: Path, number: int, line: str, *, is_begin: bool) -> None:
    if not (BEGIN.fullmatch(line) or END.fullmatch(line)):
        fix = "Write `# BEGIN SOLUTION`, `# BEGIN SOLUTION: what to do` or `# END SOLUTION`, alone on its line."
        raise LessonError(path, number, f"`{line.strip()}` is no mark.", fix)
    if is_begin and not BEGIN.fullmatch(line):
        raise LessonError(path, number, "END SOLUTION without BEGIN SOLUTION.", "Begin the region above it.")
    if not is_begin and not END.fullmatch(line):
        raise LessonError(path, number, "a solution region begins inside another.", "End the first one above it.")


def check_cell(path: Path, cell: Cell, marks: list[tuple[int, str]]) -> None:
    number = cell.line + 1 + marks[-1][0]
    if len(marks) % 2:
        raise LessonError(path, number, "this solution region never ends.", "Put `# END SOLUTION` below it.")
    if len(marks) > 2:  # noqa: PLR2004 - one region has two marks
        fix = "Split the cell: one region for each exercise."
        raise LessonError(path, cell.line + 1 + marks[2][0], "a second solution region.", fix)
    if cell.exercise is None:
        fix = 'Add tags=["exercise"] exercise="6.2" (or conftest for exercise) to the cell.'
        raise LessonError(path, number, "a solution region outside of an exercise.", fix)


def solved(path: Path, cell: Cell) -> str:
    """Return the cell's source as it stands in `solutions/`: without the marks."""
    region = find_region(path, cell)
    drop = (region.begin, region.end) if region else ()
    return "\n".join(line for place, line in enumerate(cell.lines) if place not in drop)


def stubbed(path: Path, cell: Cell, title: str) -> str:
    """Return the cell's source as a learner gets it: the region is a line that raises `NotImplementedError`.

    Args:
        path: The lesson source, for messages.
        cell: The cell.
        title: What the TODO says where BEGIN SOLUTION says nothing.
    """
    region = find_region(path, cell)
    if region is None:
        return "\n".join(cell.lines)
    todo = json.dumps(f"TODO {cell.exercise}: {region.text or title}", ensure_ascii=False)
    stub = f"{region.indent}raise NotImplementedError({todo})"
    return "\n".join([*cell.lines[: region.begin], stub, *cell.lines[region.end + 1 :]])


def otherwise(path: Path, cell: Cell, code: str) -> str:
    """Return the cell's source with other lines in place of its solution.

    Args:
        path: The lesson source, for messages.
        cell: The cell.
        code: The lines. Where the first one is not indented, all of them get the indent of the region.
    """
    region = find_region(path, cell)
    if region is None:
        return "\n".join(cell.lines)
    indent = "" if code.startswith(" ") else region.indent
    lines = textwrap.indent(code.rstrip("\n"), indent).splitlines()
    return "\n".join([*cell.lines[: region.begin], *lines, *cell.lines[region.end + 1 :]])
