"""`course.export`: the learner's cells as a pytest project of their own, with the program they test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from course.engine import Subject, load_subject
from course.errors import CourseError
from course.javascript import NAME as JAVASCRIPT
from course.notebook.export_jest import jest_project
from course.notebook.faults import guarded
from course.notebook.panel import Panel, Row
from course.notebook.requirements import requirements
from course.notebook.session import Session, session
from course.notebook.showing import show
from course.notebook.surroundings import POSTGRES, conftest, readme, services
from course.syllabus import Lesson

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
    return project_around(lesson, suites)


def project_around(lesson: Lesson, suites: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """All files of a project with these tests, path to text.

    Args:
        lesson: Whose they are.
        suites: Exercise id to its files by name.
    """
    subjects = [load_subject(name) for name in dict.fromkeys(e.subject for e in lesson.exercises if e.subject)]
    if subjects and subjects[0].language == JAVASCRIPT:
        return jest_project(lesson, subjects[0], suites)
    packages = [subject.package for subject in subjects]
    wanted = services(lesson.services, suites.values())
    environment = {name: value for subject in subjects for name, value in subject.environment.items()}
    files = dict(test_files(suites))
    if POSTGRES not in wanted and not any(POSTGRES.variable in text for text in files.values()):
        environment[POSTGRES.variable] = "sqlite://"  # so that the program makes no file, and reaches no server
    files |= {name: text for subject in subjects for name, text in program_files(subject)}
    if own := conftest(wanted, environment):
        files["conftest.py"] = own
    docker = any(POSTGRES.container in text for text in files.values())
    words = {"title": lesson.title, "number": lesson.number, "package": packages[0] if packages else "nothing"}
    needed = requirements(files.values(), packages, own_requirements(subjects))
    return {
        "pyproject.toml": PYPROJECT.format(name=lesson.slug.replace("_", "-")),
        "requirements.txt": "".join(f"{each}\n" for each in needed),
        "README.md": readme(wanted, docker=docker, **words),
    } | files


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
            yield (f".github/workflows/{name}" if name.endswith(".yml") else f"{folder}/{name}"), text


def program_files(subject: Subject) -> Iterator[tuple[str, str]]:
    """The program under test, without its bugs; where it is a whole project, with its tests and its settings."""
    places = (subject.folder / subject.package, subject.folder / "tests")
    for path in sorted([subject.folder / "pyproject.toml", *(path for place in places for path in place.rglob("*"))]):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(subject.folder).as_posix(), path.read_text(encoding="utf-8")


def own_requirements(subjects: Iterable[Subject]) -> list[str]:
    """Names of the packages that the programs themselves ask for."""
    files = [subject.folder / "requirements.txt" for subject in subjects]
    lines = [line for file in files if file.is_file() for line in file.read_text(encoding="utf-8").splitlines()]
    return [line.partition("[")[0] for line in lines]


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


def _panel(here: Session, lesson: Lesson, folder: Path) -> Panel:
    solved = here.progress.solved()
    ran = [each for each in lesson.exercises if here.progress.cells(each.id)]
    left_out = [each.id for each in lesson.exercises if each not in ran]
    run = "npm test" if (folder / "package.json").is_file() else "python -m pytest"
    rows = [Row(f"`{folder}`", label="Project"), Row(f"`{run}`", dim="as its README.md says", label="Run it")]
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
