"""Lesson sources become notebooks: one to work through, one worked through; the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from course.atomic import write_atomically
from course.authoring.readme import readme_with_table
from course.authoring.region import solved, stubbed
from course.authoring.source import Cell, LessonError, read_source
from course.errors import CourseError
from course.shipped import CLONE, PACKAGE
from course.syllabus import LANGUAGES, Lesson, Syllabus, syllabus

LESSONS = PACKAGE / "lessons"
METADATA = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}

Notebook = dict[str, Any]


class StaleError(CourseError):
    """Derived files are not what their sources say."""


def learner_notebook(lesson: Lesson, path: Path) -> Notebook:
    """Render a lesson source for learners: exercises are red stubs, cells tagged `solution` are left out.

    Raises:
        LessonError: The source breaks the grammar, or does not agree with course.toml.
    """
    titles = {exercise.id: exercise.title for exercise in lesson.exercises}
    cells = [heading(lesson)]
    for cell in checked_source(lesson, path):
        if "solution" not in cell.tags:
            text = stubbed(path, cell, titles.get(cell.exercise or "", ""))
            # A stub is red by design; the tag tells `jupyter execute` and nbval so.
            red = ("raises-exception",) if "exercise" in cell.tags else ()
            cells.append(rendered(cell, text, (*cell.tags, *red)))
    return notebook(cells)


def solution_notebook(lesson: Lesson, path: Path) -> Notebook:
    """Render a lesson source as it was written, with the outputs that are checked.

    Raises:
        LessonError: The source breaks the grammar, or does not agree with course.toml.
    """
    cells = [heading(lesson)]
    for cell in checked_source(lesson, path):
        cells.append(rendered(cell, solved(path, cell), cell.tags))
        if cell.expected is not None:
            cells[-1]["execution_count"] = 1  # a cell with outputs has run, says the format
            cells[-1]["outputs"] = [
                {"name": "stdout", "output_type": "stream", "text": cell.expected.splitlines(keepends=True)}
            ]
    return notebook(cells)


def notebook(cells: list[Notebook]) -> Notebook:
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def heading(lesson: Lesson) -> Notebook:
    """Return the first cell: title, time, and what you'll do, learn and need, from course.toml."""
    lines = [
        f"# {lesson.number} · {lesson.title}",
        "",
        f"*{lesson.minutes} minutes · {len(lesson.exercises)} exercises*",
        "",
        f"**What you'll do.** {lesson.do}",
        "",
        "**What you'll learn**",
        "",
        *(f"- {each}" for each in lesson.learn),
        "",
        f"**What you'll need.** {lesson.need}",
    ]
    return {"cell_type": "markdown", "id": "lesson", "metadata": {}, "source": split("\n".join(lines))}


def rendered(cell: Cell, text: str, tags: Iterable[str]) -> Notebook:
    metadata = {"tags": sorted(set(tags))} if tags else {}
    common = {"cell_type": cell.kind, "id": cell_id(cell), "metadata": metadata}
    if cell.kind == "markdown":
        return {**common, "source": split(text)}
    if "exercise" in cell.tags:
        text = f"%%{LANGUAGES[cell.language].magic} {cell.exercise}\n{text}"
    elif "conftest" in cell.tags:
        text = f"%%conftest\n{text}"
    return {**common, "execution_count": None, "outputs": [], "source": split(text)}


def cell_id(cell: Cell) -> str:
    """Make the id from the cell's name, or for markdown without one from its text: other cells never change it."""
    if cell.name:
        return cell.name.replace("_", "-")[:64]
    return "text-" + hashlib.sha256("\n".join(cell.lines).encode()).hexdigest()[:12]


def split(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def checked_source(lesson: Lesson, path: Path) -> tuple[Cell, ...]:
    """Read the source and hold it against course.toml: same exercises, same order, the conftest cells it names."""
    languages = {each.id: each.language for each in lesson.exercises if each.language != "python"}
    cells = read_source(path, languages)
    found = [cell for cell in cells if "exercise" in cell.tags]
    for cell, wanted in zip(found, lesson.exercises, strict=False):
        if cell.exercise != wanted.id:
            what = f"here stands exercise {cell.exercise}, and course.toml goes on with {wanted.id}."
            raise LessonError(path, cell.line, what, "Bring both into one order; each id once.")
    if len(found) != len(lesson.exercises):
        what = f"{len(found)} exercises, and course.toml lists {len(lesson.exercises)} for {lesson.slug}."
        raise LessonError(
            path, found[-1].line if found else 1, what, "Add the missing one, or its [[lesson.exercise]]."
        )
    for cell in cells:
        if cell.exercise not in {None, *(exercise.id for exercise in lesson.exercises)}:
            raise LessonError(path, cell.line, f"{lesson.slug} has no exercise {cell.exercise}.", "Correct the id.")
    for cell, wanted in zip(found, lesson.exercises, strict=True):
        check_conftest(path, cells, cell, wanted.conftest)
    check_begin(path, cells, lesson.slug)
    if len({cell_id(cell) for cell in cells}) < len(cells):
        raise LessonError(path, 1, "two text cells are the same.", "Name one of them: `# %% name [markdown]`.")
    return cells


def check_begin(path: Path, cells: tuple[Cell, ...], slug: str) -> None:
    for cell in cells:
        for number, line in enumerate(cell.lines, start=cell.line + 1):
            begun = re.search(r"course\.begin\(['\"](?P<name>[^'\"]*)['\"]", line) if cell.kind == "code" else None
            if begun and begun["name"] != slug:
                raise LessonError(path, number, f"it begins {begun['name']}.", f'Write course.begin("{slug}").')


def check_conftest(path: Path, cells: tuple[Cell, ...], cell: Cell, name: str | None) -> None:
    above = [each.name for each in cells if "conftest" in each.tags and each.line < cell.line]
    actual = above[-1] if above else None
    if name is not None and name != actual:
        what = f'exercise {cell.exercise} runs with conftest "{name}", and the last conftest above it is "{actual}".'
        raise LessonError(path, cell.line, what, "Correct `conftest` in course.toml, or move the cell.")


def sources(course: Syllabus, folder: Path = LESSONS) -> dict[str, Path]:
    """Return the source of each lesson of the path.

    Raises:
        StaleError: course.toml and the folder do not list the same lessons.
    """
    written = {path.stem: path for path in sorted(folder.glob("*.py"))}
    planned = {lesson.slug for lesson in course.everything if lesson.planned}
    for slug, path in written.items():
        if slug in planned:
            raise StaleError(f"{path} is written, and course.toml calls it planned.", "Remove `planned = true` there.")
        if slug not in {lesson.slug for lesson in course.lessons}:
            raise StaleError(f"{path} is no lesson of course.toml.", f'Add a [[lesson]] with slug = "{slug}".')
    for lesson in course.lessons:
        if lesson.slug not in written:
            fix = "Write it, or add `planned = true` to its [[lesson]]."
            raise StaleError(f"{folder / lesson.slug}.py is missing, and course.toml lists it.", fix)
    return written


def derived(course: Syllabus, only: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield each derived file, relative to the clone, with the content its sources ask for.

    Args:
        course: The syllabus.
        only: A slug, for one lesson's two notebooks.
    """
    paths = sources(course) if only is None else {only: LESSONS / f"{only}.py"}
    for lesson in course.everything:
        if path := paths.get(lesson.slug):
            yield f"notebooks/{lesson.slug}.ipynb", as_json(learner_notebook(lesson, path))
            yield f"solutions/{lesson.slug}.ipynb", as_json(solution_notebook(lesson, path))
    if only is None:
        yield "README.md", readme_with_table((CLONE / "README.md").read_text(encoding="utf-8"), course)


def as_json(content: Notebook) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def stale_files(wanted: dict[str, str], root: Path = CLONE) -> list[str]:
    """List what differs from `wanted` below `root`: files to write, and notebooks that no source asks for."""
    stale = [name for name, content in wanted.items() if current(root / name) != content]
    extra = [f"{each}/{path.name}" for each in ("notebooks", "solutions") for path in (root / each).glob("*.ipynb")]
    return stale + sorted(set(extra) - set(wanted))


def current(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def render(only: str | None = None) -> list[str]:
    """Write the derived files that are stale and remove notebooks without a source.

    Args:
        only: A lesson, as `Syllabus.lesson` finds it: nothing but its two notebooks is looked at.

    Returns:
        The names of the files that were written or removed.
    """
    slug = syllabus().lesson(only, planned=True).slug if only else None
    wanted = dict(derived(syllabus(), slug))
    stale = [name for name in stale_files(wanted) if slug is None or name in wanted]
    for name in stale:
        if name in wanted:
            write_atomically(CLONE / name, wanted[name])
        else:
            (CLONE / name).unlink()
    return stale


def check() -> None:
    """Compare every derived file with its sources.

    Raises:
        StaleError: One is stale; it is named, with the fix.
    """
    stale = stale_files(dict(derived(syllabus())))
    if stale:
        raise StaleError(f"Not what course/lessons/ and course.toml say: {', '.join(stale)}.", "Run: make render")
