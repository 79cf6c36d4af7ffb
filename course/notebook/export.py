"""`course.export`: the learner's cells as a pytest project of their own, with the program they test."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from course.engine import Subject, load_subject
from course.errors import CourseError
from course.notebook.faults import guarded
from course.notebook.panel import Panel, Row
from course.notebook.session import Session, session
from course.notebook.showing import show
from course.syllabus import Lesson

# What an import does not show: drivers and parsers that FastAPI and SQLAlchemy load by themselves
BEHIND = {
    "fastapi": ("httpx", "python-multipart", "email-validator", "uvicorn"),
    "sqlalchemy": ("psycopg2-binary",),
    "pytest-asyncio": ("asyncpg", "greenlet"),
}
# A fixture is used by its name, without an import
FIXTURES = {"httpserver": "pytest-httpserver", "respx_mock": "respx"}
PYPROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"

[tool.pytest.ini_options]
pythonpath = ["."]
testpaths = ["tests"]
addopts = ["--import-mode=importlib"]
"""
README = """\
# {title}

What you wrote in lesson {number}, as a project of its own: `{package}` is the program, `tests/` are your tests.

```
python -m pip install -r requirements.txt
export DATABASE_URL=postgresql+psycopg2://user:password@localhost:5432/an_empty_test_database
{nats}python -m pytest
```

Your tests may empty or drop what is in that database: never name one whose rows somebody needs. In a notebook of the
course, `DATABASE_URL` is a database that was made for the lesson.
"""


class NothingToExportError(CourseError):
    """No cell of the lesson has run yet."""


@guarded
def export(lesson: str = "") -> None:
    """Write your cells of a lesson as a pytest project into the workspace's folder `exports`.

    Where you have changed an earlier export, the new one stands beside it.

    Args:
        lesson: Its name or its number, such as `"06"`; the one that has begun, when not given.

    Raises:
        CourseError: There is no such lesson, or none of its cells has run.
    """
    here = session()
    chosen = here.lesson_meant(lesson)
    files = project(here, chosen)
    folder = free_folder(here.workspace.folder / "exports", chosen.slug, files)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    show(_panel(here, chosen, folder))


def project(here: Session, lesson: Lesson) -> dict[str, str]:
    """All files of a lesson's project: path to text.

    Raises:
        NothingToExportError: None of its cells has run.
    """
    suites = {each.id: files for each in lesson.exercises if (files := here.progress.cells(each.id))}
    if not suites:
        raise NothingToExportError(f"No cell of lesson {lesson.number} has run yet.", "Run its exercises first.")
    subjects = [load_subject(name) for name in dict.fromkeys(e.subject for e in lesson.exercises if e.subject)]
    files = dict(test_files(suites))
    for subject in subjects:
        files |= dict(program_files(subject))
    packages = [subject.package for subject in subjects]
    words = {"title": lesson.title, "number": lesson.number, "package": packages[0] if packages else "nothing"}
    words["nats"] = "export NATS_URL=nats://localhost:4222\n" if "nats" in lesson.services else ""
    return files | {
        "pyproject.toml": PYPROJECT.format(name=lesson.slug.replace("_", "-")),
        "requirements.txt": "".join(f"{each}\n" for each in requirements(files.values(), packages)),
        "README.md": README.format(**words),
    }


def test_files(suites: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """The tests; exercises that ran with different conftest cells get a folder for each.

    Args:
        suites: Exercise id to its files by name.

    Example:
        >>> suites = {"6.1": {"conftest.py": "a", "test_6_1.py": "b"}, "6.2": {"conftest.py": "c", "test_6_2.py": "d"}}
        >>> [name for name, _ in test_files(suites)]
        ['tests/part_1/conftest.py', 'tests/part_1/test_6_1.py', 'tests/part_2/conftest.py', 'tests/part_2/test_6_2.py']
    """
    parts = list(dict.fromkeys(files.get("conftest.py", "") for files in suites.values()))
    for files in suites.values():
        number = parts.index(files.get("conftest.py", "")) + 1
        folder = "tests" if len(parts) == 1 else f"tests/part_{number}"
        for name, text in files.items():
            yield f"{folder}/{name}", text


def program_files(subject: Subject) -> Iterator[tuple[str, str]]:
    """The program under test, without its bugs."""
    for path in sorted((subject.folder / subject.package).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(subject.folder).as_posix(), path.read_text(encoding="utf-8")


def requirements(texts: Collection[str], own: Iterable[str]) -> list[str]:
    """What the files import and whose fixtures they use, as pip's requirements with the versions installed here.

    Args:
        texts: Python files; others are passed over.
        own: Packages of the project.

    Example:
        >>> [line.partition("=")[0] for line in requirements(["import pytest, os"], [])]
        ['pytest']
        >>> [line.partition("=")[0] for line in requirements(["def test_it(httpserver): ..."], [])]
        ['pytest-httpserver', 'pytest']
    """
    modules = {name for text in texts for name in _imports(text)} - set(own)
    known = packages_distributions()
    names = {known[module][0] for module in modules if module in known} | {"pytest"}
    names |= {FIXTURES[name] for text in texts for name in _arguments(text) if name in FIXTURES}
    names |= {extra for name in list(names) for extra in BEHIND.get(name.lower(), ())}
    return sorted(line for name in names if (line := _pinned(name)))


def free_folder(parent: Path, name: str, files: Mapping[str, str]) -> Path:
    """The folder of that name, or the next one with a number, where an earlier export is not the same any longer."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        if not folder.exists() or all(_holds(folder / each, text) for each, text in files.items()):
            return folder
        number += 1


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text


def _nodes(text: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(ast.parse(text))
    except SyntaxError:
        return


def _arguments(text: str) -> Iterator[str]:
    yield from (node.arg for node in _nodes(text) if isinstance(node, ast.arg))


def _imports(text: str) -> Iterator[str]:
    for node in _nodes(text):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _pinned(name: str) -> str:
    try:
        return f"{name.lower()}=={version(name)}"
    except PackageNotFoundError:
        return ""


def _panel(here: Session, lesson: Lesson, folder: Path) -> Panel:
    solved = here.progress.solved()
    ran = [each for each in lesson.exercises if here.progress.cells(each.id)]
    left_out = [each.id for each in lesson.exercises if each not in ran]
    rows = [Row(f"`{folder}`", label="Project"), Row("`python -m pytest`", dim="in that folder", label="Run it")]
    unsolved = [each.id for each in ran if each.id not in solved]
    if unsolved:
        rows.append(Row(f"not solved yet, and written as they are: {', '.join(unsolved)}", "note"))
    if left_out:
        rows.append(Row(f"not run yet, and left out: {', '.join(left_out)}", "note"))
    return Panel(
        f"{lesson.number} · {lesson.title}",
        dim="exported",
        right=f"{len(ran)} {'exercise' if len(ran) == 1 else 'exercises'}",
        rows=tuple(rows),
    )
