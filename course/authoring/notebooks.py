"""Runs all notebooks under nbval, strictly, and a canary first that proves that failures are seen.

With `COURSE_STRICT=1` an exercise that is not solved raises. Learner notebooks have their exercises tagged
`raises-exception`, so nothing else in them may raise; and this module, as a pytest plugin, fails a tagged cell that
raises nothing: an exercise that is green as shipped. It ends with how long each lesson took.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from course.errors import CourseError
from course.shipped import CLONE
from course.syllabus import syllabus

CANARY = CLONE / "tests" / "canary" / "must_fail.ipynb"
CANARY_CELLS = 3
FOLDERS = {"notebooks": "learner", "solutions": "solution"}

Seconds = Mapping[tuple[str, str], float]  # (slug, folder) to how long the notebook took
took: defaultdict[tuple[str, str], float] = defaultdict(float)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a cell that is tagged `raises-exception` and raises nothing: a green exercise in a learner's notebook."""
    yield
    options, outputs = getattr(item, "options", {}), getattr(item, "test_outputs", None) or []
    if options["check_exception"] and not any(output["output_type"] == "error" for output in outputs):
        pytest.fail("The cell is tagged raises-exception and raised nothing.", pytrace=False)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a cell's seconds to its notebook; those of the kernel's start and end are among them."""
    notebook = Path(report.nodeid.partition("::")[0])
    took[notebook.stem, notebook.parent.name] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each lesson took."""
    if any(folder in FOLDERS for _, folder in took):
        terminalreporter.write_line("")
        terminalreporter.write_line(table(took))


def table(seconds: Seconds) -> str:
    """A line for each lesson, and one for all: its seconds as a learner has it, as it is solved, and in total.

    Example:
        >>> print(table({("06_test_an_api", "notebooks"): 2.0, ("06_test_an_api", "solutions"): 10.2}))
        lesson           learner  solution     total
        06_test_an_api     2.0 s    10.2 s    12.2 s
        total              2.0 s    10.2 s    12.2 s
    """
    slugs = sorted({slug for slug, folder in seconds if folder in FOLDERS})
    rows = {slug: [seconds.get((slug, folder), 0.0) for folder in FOLDERS] for slug in slugs}
    rows["total"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    width = max(map(len, rows))
    head = "".join(f"{name:>10}" for name in (*FOLDERS.values(), "total"))
    lines = (
        f"{slug:{width}}" + "".join(f"{second:8.1f} s" for second in (*row, sum(row))) for slug, row in rows.items()
    )
    return "\n".join([f"{'lesson':{width}}{head}", *lines])


class NoNotebookError(CourseError):
    """There is no notebook of that name."""


def chosen(names: list[str]) -> list[Path]:
    """The notebooks of the lessons that are named, or of all.

    Args:
        names: Slugs or numbers, such as `"06"`.

    Raises:
        UnknownLessonError: There is no such lesson; the nearest is named.
        NoNotebookError: A lesson has not been rendered.
    """
    lessons = [syllabus().lesson(name) for name in names] or syllabus().lessons
    paths = [CLONE / folder / f"{lesson.slug}.ipynb" for folder in ("solutions", "notebooks") for lesson in lessons]
    for path in paths:
        if not path.is_file():
            raise NoNotebookError(f"{path} is missing.", "Run: make render")
    return paths


def command(notebooks: list[Path]) -> list[str]:
    """Build the command that runs notebooks in a pytest of its own: those of several lessons two at a time."""
    plugins = ["-p", "course.authoring.notebooks", "-p", "no:cacheprovider"]
    nbval = ["--nbval-lax", "--nbval-current-env", "-W", "default"]
    # Half of a notebook's time is one process that starts: a kernel, a server
    at_once = ["-n", "2", "--dist", "loadfile"] if len(notebooks) > len(FOLDERS) else []
    return [sys.executable, "-m", "pytest", "-q", *plugins, *nbval, *at_once, *map(str, notebooks)]


def run(notebooks: list[Path], *, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run notebooks; what they print is kept where `quiet`, and shown as it comes otherwise."""
    stdout = subprocess.PIPE if quiet else None
    with tempfile.TemporaryDirectory(prefix="course-nbval-") as workspace:
        variables = {**os.environ, "COURSE_STRICT": "1", "COURSE_WORKSPACE": workspace}
        return subprocess.run(command(notebooks), env=variables, cwd=CLONE, check=False, text=True, stdout=stdout)


def main(names: list[str]) -> int:
    """Run the canary, then the notebooks of the lessons that are named, or all of them.

    Args:
        names: Slugs or numbers.

    Returns:
        0 where everything is as it should be.
    """
    try:
        notebooks = chosen(names)
    except CourseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    last_line = run([CANARY], quiet=True).stdout.strip().rpartition("\n")[2]
    if not last_line.startswith(f"{CANARY_CELLS} failed in "):
        sys.stderr.write(f"Each cell of {CANARY} must fail, and nbval says: {last_line}. So nothing is proved.\n")
        return 1
    return run(notebooks).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
