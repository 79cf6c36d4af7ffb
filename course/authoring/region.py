"""The region between `# BEGIN SOLUTION` and `# END SOLUTION`: without its marks for solutions, a red stub for learners.

In a language whose comments begin otherwise, the marks do, too: `// BEGIN SOLUTION`.

Where it has an `# INSTEAD:`, learners get what stands below that, uncommented.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from course.authoring.source import Cell, LessonError
from course.syllabus import LANGUAGES

WIDTH = 106  # characters that JupyterLab shows of a line, its side bar open, in a window of 1300 pixels
BEGIN = re.compile(r"(?P<indent> *)(?P<sign>#|//) BEGIN SOLUTION(?:: (?P<text>.+))?")
END = re.compile(r"(?P<indent> *)(?:#|//) END SOLUTION")
LOOKS_LIKE_ONE = re.compile(r"(?:#|//).*\b(BEGIN|END)[ _-]*SOLUTION", re.IGNORECASE)
INSTEAD = re.compile(r" *(?:#|//) INSTEAD\b.*")


@dataclass(frozen=True)
class Region:
    """Where the solution stands in a cell.

    Attributes:
        begin: Place of BEGIN SOLUTION among the cell's lines.
        end: Place of END SOLUTION.
        indent: Of both marks.
        text: What the TODO says.
        solution: The lines of the solution.
        instead: The lines that learners get in its place; None where they get the TODO.
    """

    begin: int
    end: int
    indent: str
    text: str | None
    solution: tuple[str, ...]
    instead: tuple[str, ...] | None


def find_region(path: Path, cell: Cell) -> Region | None:
    """Find the one region of a cell; None where there is none.

    Raises:
        LessonError: Nested, unterminated, empty, misspelt, more than one, or where none belongs.
    """
    marks = [(place, line) for place, line in enumerate(cell.lines) if LOOKS_LIKE_ONE.search(line)]
    halves = [place for place, line in enumerate(cell.lines) if INSTEAD.fullmatch(line)]
    matches = [
        read_mark(path, cell.line + 1 + at, line, BEGIN if place % 2 == 0 else END)
        for place, (at, line) in enumerate(marks)
    ]
    if not marks:
        if "exercise" in cell.tags:
            fix = "Put `# BEGIN SOLUTION` and `# END SOLUTION` around what the learner is to write."
            raise LessonError(path, cell.line, f"exercise {cell.exercise} has no solution region.", fix)
        check_halves(path, cell, halves, range(0))
        return None
    check_cell(path, cell, marks)
    (begin, _), (end, last) = marks
    opening = matches[0]
    if not last.startswith(opening["indent"] + opening["sign"]):
        fix = "Indent both marks alike."
        raise LessonError(path, cell.line + 1 + end, "END SOLUTION is indented otherwise than BEGIN SOLUTION.", fix)
    check_halves(path, cell, halves, range(begin + 1, end))
    solution = cell.lines[begin + 1 : halves[0] if halves else end]
    if not any(line.strip() for line in solution):
        raise LessonError(path, cell.line + 1 + begin, "the solution region is empty.", "Write the solution into it.")
    instead = read_instead(path, cell, halves[0], end, opening) if halves else None
    return Region(begin, end, opening["indent"], opening["text"], solution, instead)


def check_halves(path: Path, cell: Cell, halves: list[int], region: range) -> None:
    """Refuse an INSTEAD outside of the region, and a second one."""
    for place in halves:
        if place not in region:
            fix = "Put it between `# BEGIN SOLUTION` and `# END SOLUTION`, below the solution."
            raise LessonError(path, cell.line + 1 + place, "INSTEAD outside of a solution region.", fix)
    if len(halves) > 1:
        fix = "Write all that learners get below the first one."
        raise LessonError(path, cell.line + 1 + halves[1], "a second INSTEAD.", fix)


def read_instead(path: Path, cell: Cell, half: int, end: int, opening: re.Match[str]) -> tuple[str, ...]:
    """Uncomment what learners get in place of the solution, and of a TODO."""
    number = cell.line + 1 + half
    prefix = f"{opening['indent']}{opening['sign']}"
    if cell.lines[half] != f"{prefix} INSTEAD:":
        fix = "Write `# INSTEAD:` alone on its line, indented as BEGIN SOLUTION is."
        raise LessonError(path, number, f"`{cell.lines[half].strip()}` is no mark.", fix)
    if opening["text"]:
        fix = "Write `# BEGIN SOLUTION`; say what to do in the text above the cell."
        raise LessonError(path, number, "learners get no TODO where there is an INSTEAD.", fix)
    for at, line in enumerate(cell.lines[half + 1 : end], start=number + 1):
        if line.strip() and line != prefix and not line.startswith(f"{prefix} "):
            fix = "Start it with `# `, indented as BEGIN SOLUTION is."
            raise LessonError(path, at, "a line below INSTEAD is not commented.", fix)
    lines = tuple(f"{opening['indent']}{line[len(prefix) + 1 :]}".rstrip() for line in cell.lines[half + 1 : end])
    if not any(lines):
        raise LessonError(path, number, "nothing stands below INSTEAD.", "Write, commented, what learners get.")
    return lines


def read_mark(path: Path, number: int, line: str, wanted: re.Pattern[str]) -> re.Match[str]:
    """Read a mark where BEGIN is wanted, or END."""
    if mark := wanted.fullmatch(line):
        return mark
    if BEGIN.fullmatch(line):
        raise LessonError(path, number, "a solution region begins inside another.", "End the first one above it.")
    if END.fullmatch(line):
        raise LessonError(path, number, "END SOLUTION without BEGIN SOLUTION.", "Begin the region above it.")
    fix = "Write `# BEGIN SOLUTION`, `# BEGIN SOLUTION: what to do` or `# END SOLUTION`, alone on its line."
    raise LessonError(path, number, f"`{line.strip()}` is no mark.", fix)


def check_cell(path: Path, cell: Cell, marks: list[tuple[int, str]]) -> None:
    number = cell.line + 1 + marks[-1][0]
    if len(marks) % 2:
        raise LessonError(path, number, "this solution region never ends.", "Put `# END SOLUTION` below it.")
    if marks[2:]:
        fix = "Split the cell: one region for each exercise."
        raise LessonError(path, cell.line + 1 + marks[2][0], "a second solution region.", fix)
    if cell.exercise is None:
        fix = 'Add tags=["exercise"] exercise="6.2" (or conftest for exercise) to the cell.'
        raise LessonError(path, number, "a solution region outside of an exercise.", fix)


def solved(path: Path, cell: Cell) -> str:
    """Return the cell's source as it stands in `solutions/`: without the marks, and without what learners get."""
    region = find_region(path, cell)
    if region is None:
        return "\n".join(cell.lines)
    return "\n".join([*cell.lines[: region.begin], *region.solution, *cell.lines[region.end + 1 :]])


def stubbed(path: Path, cell: Cell, title: str) -> str:
    """Return the cell's source as a learner gets it: the region is a line that raises `NotImplementedError`.

    Where the region has an INSTEAD, it is what stands below that: a suite that is sick, for the learner to cure.

    Args:
        path: The lesson source, for messages.
        cell: The cell.
        title: What the TODO says where BEGIN SOLUTION says nothing.
    """
    region = find_region(path, cell)
    if region is None:
        return "\n".join(cell.lines)
    stub = region.instead or stub_lines(cell, f"TODO {cell.exercise}: {region.text or title}", region.indent)
    return "\n".join([*cell.lines[: region.begin], *stub, *cell.lines[region.end + 1 :]])


def stub_lines(cell: Cell, words: str, indent: str) -> tuple[str, ...]:
    """Return what stands in place of a solution: a statement that raises, or a comment in another language."""
    if cell.language == "python":
        return red_lines(words, indent)
    return (f"{indent}{LANGUAGES[cell.language].comment} {words}",)


def red_lines(words: str, indent: str) -> tuple[str, ...]:
    """Return the statement that raises a TODO, on as many lines as it takes to fit into a cell."""
    begin = f"{indent}raise NotImplementedError("
    width = WIDTH - len(begin) - len('" ")') - words.count('"')
    parts = [json.dumps(f"{part} ", ensure_ascii=False) for part in textwrap.wrap(words, width)]
    parts[-1] = f'{parts[-1][:-2]}")'
    return tuple(f"{' ' * len(begin) if place else begin}{part}" for place, part in enumerate(parts))


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
