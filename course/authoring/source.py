"""Reads a lesson source: jupytext's percent format, cut down to a closed grammar (CONTRIBUTING.md explains it)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from course.errors import CourseError, nearest

TAGS = ("setup", "exercise", "conftest", "solution", "raises-exception", "nbval-check-output")
KEYS = ("tags", "exercise")
MARKER = re.compile(r"# %%(?!\S)")
MARKER_PARTS = re.compile(
    r'# %%(?: (?P<name>[a-z][a-z0-9_]*))?(?: \[(?P<kind>[a-z]+)\])?(?P<options>(?: [a-z]+=(?:"[^"]*"|\[[^\]]*\]))*) *'
)


class LessonError(CourseError):
    """A lesson source breaks the grammar: file, line and fix."""

    def __init__(self, path: Path, line: int, what: str, fix: str) -> None:
        super().__init__(f"{path}:{line}: {what}", fix)


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson source.

    Attributes:
        name: Its name, or None for markdown without one.
        kind: `"code"` or `"markdown"`.
        tags: From `TAGS`.
        exercise: The exercise's id, for cells tagged `exercise` or `conftest`.
        lines: The body; markdown and magics are uncommented.
        expected: What the cell prints, from its `# OUTPUT:` block.
        line: Line of the marker in the file, counted from 1; body line `i` stands in line `line + 1 + i`.
        language: What the body is written in.
    """

    name: str | None
    kind: str
    tags: tuple[str, ...]
    exercise: str | None
    lines: tuple[str, ...]
    expected: str | None
    line: int
    language: str = "python"


def read_source(path: Path, languages: Mapping[str, str] | None = None) -> tuple[Cell, ...]:
    """Read a lesson source into its cells.

    Args:
        path: The file.
        languages: Exercise id to its language, where that is not Python: such a cell is commented as a whole.

    Raises:
        LessonError: The grammar is broken.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if MARKER.match(line)]
    check_magics(path, lines)
    for number, line in enumerate(lines[: starts[0] if starts else None]):
        if line.strip() and not line.startswith("#"):
            raise LessonError(path, number + 1, "there is code before the first cell.", "Put `# %% name` above it.")
    ends = [*starts[1:], len(lines)]
    cells = tuple(
        read_cell(path, start + 1, lines[start:end], languages or {}) for start, end in zip(starts, ends, strict=True)
    )
    check_names(path, cells)
    return cells


def read_cell(path: Path, line: int, lines: list[str], languages: Mapping[str, str]) -> Cell:
    name, kind, options = read_marker(path, line, lines[0])
    body = without_blank_ends(lines[1:])
    # Leading blank lines are kept out of the notebook; the line numbers of messages take them into account.
    first = line + next((place for place, each in enumerate(lines[1:]) if each.strip()), 0)
    tags, exercise = read_options(path, line, kind, options)
    if kind == "markdown":
        return Cell(name, kind, tags, exercise, tuple(uncommented(path, first, body)), None, first)
    if name is None:
        raise LessonError(path, line, "a code cell has no name.", "Write `# %% what_it_does`.")
    if not body:
        raise LessonError(path, line, f"cell {name} is empty.", "Fill it or remove it.")
    if exercise is not None and "exercise" in tags and exercise in languages:
        return Cell(name, kind, tags, exercise, tuple(uncommented(path, first, body)), None, first, languages[exercise])
    code, expected = split_expected(path, first, body, tags)
    return Cell(name, kind, tags, exercise, tuple(with_magics(path, first, code)), expected, first)


def read_marker(path: Path, line: int, marker: str) -> tuple[str | None, str, dict[str, str]]:
    parts = MARKER_PARTS.fullmatch(marker)
    named = re.match(r"# %% (?P<name>\w*[A-Z]\w*)(?= \[| \w+=|$)", marker)
    if named:
        fix = f"Write `# %% {snake_case(named['name'])}`: names of cells are in snake_case."
        raise LessonError(path, line, f"{named['name']} is no name of a cell.", fix)
    if parts is None or parts["kind"] not in {None, "markdown"}:
        fix = 'Write `# %% name`, `# %% [markdown]` or `# %% name tags=["exercise"] exercise="6.2"`.'
        raise LessonError(path, line, f"`{marker}` is no cell marker.", fix)
    options = dict(option.split("=", 1) for option in re.findall(r'[a-z]+=(?:"[^"]*"|\[[^\]]*\])', parts["options"]))
    return parts["name"], parts["kind"] or "code", options


def read_options(path: Path, line: int, kind: str, options: dict[str, str]) -> tuple[tuple[str, ...], str | None]:
    for key in options:
        if key not in KEYS:
            raise LessonError(path, line, f'there is no key "{key}".', nearest(key, KEYS))
    try:
        tags = tuple(ast.literal_eval(options.get("tags", "[]")))
    except (ValueError, SyntaxError):
        raise LessonError(path, line, f"tags={options['tags']} is no list.", 'Write tags=["exercise"].') from None
    for tag in tags:
        if tag not in TAGS:
            raise LessonError(path, line, f'there is no tag "{tag}".', nearest(str(tag), TAGS))
        if kind == "markdown" and tag != "solution":
            raise LessonError(
                path, line, f'a markdown cell has the tag "{tag}".', 'Only "solution" goes with markdown.'
            )
    exercise = options["exercise"].strip('"') if "exercise" in options else None
    if "exercise" in tags and exercise is None:
        raise LessonError(path, line, "an exercise cell has no id.", 'Add exercise="6.2".')
    if exercise is not None and not {"exercise", "conftest"} & set(tags):
        fix = 'Add tags=["exercise"], or tags=["conftest"] for fixtures that the learner completes.'
        raise LessonError(path, line, f'exercise="{exercise}" stands on a cell that is no exercise.', fix)
    return tags, exercise


def check_magics(path: Path, lines: list[str]) -> None:
    """Tell `# %%name`, a marker without its space, from `# %%magic`, which stands first in its cell."""
    last = ""
    for number, line in enumerate(lines, start=1):
        if re.match(r"# %%\w", line) and not MARKER.match(last):
            what = f"`{line}` is no cell marker, and no magic at the top of a cell."
            raise LessonError(path, number, what, f"Write `# %% {line[4:]}`, with a space.")
        last = line if line.strip() else last


def snake_case(name: str) -> str:
    """Turn `MissingUser` into `missing_user`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def check_names(path: Path, cells: tuple[Cell, ...]) -> None:
    seen: dict[str, int] = {"lesson": 0}
    for cell in cells:
        if cell.name in seen:
            what = (
                f"two cells are named {cell.name}." if seen[cell.name] else "the name lesson is taken by the heading."
            )
            raise LessonError(path, cell.line, what, "Give each cell a name of its own: its id is made from it.")
        if cell.name:
            seen[cell.name] = cell.line


def without_blank_ends(lines: list[str]) -> list[str]:
    filled = [place for place, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def uncommented(path: Path, first: int, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=first + 1):
        if line.strip() and line != "#" and not line.startswith("# "):
            raise LessonError(path, number, "a line of this cell is not commented.", "Start it with `# `.")
        yield line[2:].rstrip()


def with_magics(path: Path, first: int, lines: list[str]) -> Iterator[str]:
    """Uncomment `# %line` magics, and the whole of a cell that starts with a `# %%cell` magic."""
    if re.match(r"# %%\w", lines[0]):
        yield from uncommented(path, first, lines)
        return
    for line in lines:
        yield line[2:] if re.match(r"# %[a-zA-Z]", line) else line.rstrip()


def split_expected(path: Path, first: int, lines: list[str], tags: tuple[str, ...]) -> tuple[list[str], str | None]:
    """Cut the `# OUTPUT:` block off a cell's end."""
    place = next((place for place, line in enumerate(lines) if line == "# OUTPUT:"), None)
    checked = "nbval-check-output" in tags
    if place is None and checked:
        fix = "End the cell with `# OUTPUT:` and, commented, the lines that it prints."
        raise LessonError(path, first, "a cell whose output is checked has no output.", fix)
    if place is None:
        return lines, None
    if not checked:
        raise LessonError(path, first + 1 + place, "this output is never checked.", 'Add tags=["nbval-check-output"].')
    printed = uncommented(path, first + 1 + place, lines[place + 1 :])
    return without_blank_ends(lines[:place]), "".join(f"{line}\n" for line in printed)
