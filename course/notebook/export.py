"""`course.export`: the learner's cells as a pytest project of their own, with the program they test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from course.notebook.surroundings import POSTGRES, apart_told, conftest, readme, services
from course.syllabus import Lesson

ALL = "all"
WHOLE_PATH = "whole_path"
Suites = Mapping[str, Mapping[str, str]]  # exercise id to its files by name
Works = Sequence[tuple[Lesson, Suites]]
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
    """Write your cells of a lesson, or of all lessons, as a pytest project into the workspace's folder `exports`.

    Where you have changed an earlier export, the new one stands beside it.

    Args:
        lesson: Its name or its number, such as `"06"`, or `"all"`; the one that has begun, when not given.

    Raises:
        CourseError: There is no such lesson, or none of its cells has run.
    """
    here = session()
    if lesson == ALL:
        chosen, name, files = here.course.lessons, WHOLE_PATH, whole_project(here)
    else:
        meant = here.lesson_meant(lesson)
        chosen, name, files = (meant,), meant.slug, project(here, meant)
    folder = free_folder(here.workspace.folder / "exports", name, files)
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
    suites = written(here, lesson)
    if not suites:
        raise NothingToExportError(f"No cell of lesson {lesson.number} has run yet.", "Run its exercises first.")
    return project_around(lesson, suites)


def whole_project(here: Session) -> dict[str, str]:
    """All files of one project with what was written in all lessons: path to text.

    Raises:
        NothingToExportError: No cell of any lesson has run.
    """
    works = [(lesson, suites) for lesson in here.course.lessons if (suites := written(here, lesson))]
    if not works:
        raise NothingToExportError("No cell of any lesson has run yet.", "Run an exercise first.")
    return project_around_all(works)


def written(here: Session, lesson: Lesson) -> Suites:
    """What the learner has run in a lesson: exercise id to its files by name."""
    return {each.id: files for each in lesson.exercises if (files := here.progress.cells(each.id))}


def project_around(lesson: Lesson, suites: Suites) -> dict[str, str]:
    """All files of a project with these tests of a lesson: path to text."""
    if JAVASCRIPT in {each.language for each in lesson.exercises}:
        return jest_project(lesson, load_subject(lesson.exercises[0].subject or ""), suites)
    source = f"lesson {lesson.number} of the course"
    return _project(
        [(lesson, suites)], dict(test_files(suites, "tests")), lesson.slug, title=lesson.title, source=source
    )


def project_around_all(works: Works) -> dict[str, str]:
    """All files of one project with the tests of several lessons, path to text.

    The tests of a lesson have a folder in `tests/`. A lesson in another language than Python has a project of its own,
    in a folder beside it, and a line in the README.

    Args:
        works: Lessons, each with its suites.
    """
    apart = [
        (lesson, suites) for lesson, suites in works if any(each.language != "python" for each in lesson.exercises)
    ]
    works = [work for work in works if work not in apart]
    tests = {
        name: text for lesson, suites in works for name, text in test_files(suites, f"tests/lesson_{lesson.number}")
    }
    files = _project(works, tests, WHOLE_PATH, title="Integration testing", source="the course")
    files["README.md"] += apart_told([lesson for lesson, _ in apart])
    for lesson, suites in apart:
        files |= {f"{lesson.slug}/{name}": text for name, text in project_around(lesson, suites).items()}
    return files


def _project(works: Works, tests: Mapping[str, str], name: str, **words: str) -> dict[str, str]:
    names = dict.fromkeys(each.subject for lesson, _ in works for each in lesson.exercises if each.subject)
    subjects = [load_subject(each) for each in names]
    packages = [subject.package for subject in subjects]
    given = {service for lesson, _ in works for service in lesson.services}
    wanted = services(given, [files for _, suites in works for files in suites.values()])
    environment = {name: value for subject in subjects for name, value in subject.environment.items()}
    files = dict(tests)
    if POSTGRES not in wanted and not any(POSTGRES.variable in text for text in files.values()):
        environment[POSTGRES.variable] = "sqlite://"  # so that the program makes no file, and reaches no server
    files |= {name: text for subject in subjects for name, text in program_files(subject)}
    if own := conftest(wanted, environment):
        files["conftest.py"] = own
    docker = any(POSTGRES.container in text for text in files.values())
    needed = requirements(files.values(), packages, own_requirements(subjects))
    return {
        "pyproject.toml": PYPROJECT.format(name=name.replace("_", "-")),
        "requirements.txt": "".join(f"{each}\n" for each in needed),
        "README.md": readme(wanted, packages, docker=docker, browser="browser" in given, **words),
    } | files


def test_files(suites: Suites, folder: str) -> Iterator[tuple[str, str]]:
    """The tests below `folder`; exercises that ran with different conftest cells get a folder each.

    Example:
        >>> suites = {"6.1": {"conftest.py": "a", "test_6_1.py": "b"}, "6.2": {"conftest.py": "c", "test_6_2.py": "d"}}
        >>> [name for name, _ in test_files(suites, "tests")]
        ['tests/part_1/conftest.py', 'tests/part_1/test_6_1.py', 'tests/part_2/conftest.py', 'tests/part_2/test_6_2.py']
    """
    parts = list(dict.fromkeys(files.get("conftest.py", "") for files in suites.values()))
    for files in suites.values():
        part = f"part_{parts.index(files.get('conftest.py', '')) + 1}"
        place = f"{folder}/{part}" if parts[1:] else folder
        for name, text in files.items():
            yield (f".github/workflows/{name}" if name.endswith(".yml") else f"{place}/{name}"), text


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
    """The folder of that name; where the learner has changed an earlier export, the next one with a number."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        if not folder.exists() or all(_holds(folder / each, text) for each, text in files.items()):
            return folder
        number += 1


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text


def _panel(here: Session, lessons: Sequence[Lesson], folder: Path) -> Panel:
    solved = here.progress.solved()
    exercises = [each for lesson in lessons for each in lesson.exercises]
    ran = [each for each in exercises if here.progress.cells(each.id)]
    left_out = [each.id for each in exercises if each not in ran]
    run = "npm test" if (folder / "package.json").is_file() else "python -m pytest"
    rows = [Row(f"`{folder}`", label="Project"), Row(f"`{run}`", dim="as its README.md says", label="Run it")]
    unsolved = [each.id for each in ran if each.id not in solved]
    if unsolved:
        rows.append(Row(f"not solved yet, and written as they are: {', '.join(unsolved)}", "note"))
    if left_out:
        rows.append(Row(f"not run yet, and left out: {', '.join(left_out)}", "note"))
    return Panel(
        f"{lessons[0].number} · {lessons[0].title}" if len(lessons) == 1 else "The whole path",
        dim="exported",
        right=f"{len(ran)} {'exercise' if len(ran) == 1 else 'exercises'}",
        rows=tuple(rows),
    )
