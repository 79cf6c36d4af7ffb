"""A folder that programs take which look for copied work: JPlag and Dolos. There is no such program in here.

Both take one file for each learner, and one with what everybody was given, which does not count as copied.

Sources: <https://github.com/jplag/JPlag/blob/main/docs/1.-How-to-Use-JPlag.md> (*Single-file submissions* and
*Base Code*), <https://dolos.ugent.be/docs/running.html> (*Ignoring template code*) and
<https://dolos.ugent.be/docs/adding-metadata.html> (the columns of `info.csv`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from course.atomic import write_atomically
from course.errors import CourseError
from course.grading.cells import suite_files
from course.grading.exports import as_csv
from course.grading.loading import SubmissionError
from course.grading.submission import Submission
from course.shipped import shipped
from course.syllabus import syllabus

SUBMISSIONS, BASE, INFO = "submissions", "base/starter.py", "info.csv"
COLUMNS = ("filename", "full_name", "created_at")


def write_similarity(folder: Path, suites: Iterable[tuple[Submission, Path]], subject: str) -> tuple[str, str]:
    """Write what JPlag and Dolos compare: one Python file for each suite, and the starter.

    Args:
        folder: Where to; made where it is missing. What an earlier call has written there is replaced.
        suites: What was handed in, each with its folder, which may go as soon as the next one is asked for.
        subject: Name of the program under test, by which the starter is found.

    Returns:
        The commands to type, for JPlag and for Dolos.

    Raises:
        CourseError: Something else is in that folder.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / INFO).is_file():
        raise CourseError(f"{folder} holds other files.", "Name a folder for --similarity that is empty or not there.")
    shutil.rmtree(folder / SUBMISSIONS, ignore_errors=True)
    info: list[tuple[str, ...]] = [COLUMNS]
    for submission, suite in suites:
        name = f"{SUBMISSIONS}/{submission.folder}.py"
        files = {path.relative_to(suite).as_posix(): path for path in suite.rglob("*.py") if path.is_file()}
        texts = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in files.items()}
        write_atomically(folder / name, _one_file(texts))
        info.append((name, submission.name, submission.handed_in))
    write_atomically(folder / BASE, _one_file(_starter(subject)))
    write_atomically(folder / INFO, as_csv(info))
    return (
        f'java -jar jplag.jar -l python3 -bc "{folder / BASE}" "{folder / SUBMISSIONS}"',
        f'cd "{folder}" && dolos run -f web -l python -i {BASE} {INFO}',
    )


def _one_file(files: Mapping[str, str]) -> str:
    """Python files below each other, each under its name, in the order of their names."""
    return "".join(f"# {name}\n{text.rstrip()}\n\n" for name, text in sorted(files.items()) if name.endswith(".py"))


def _starter(subject: str) -> dict[str, str]:
    """What learners were given: the cells of the lessons about that program, as they are shipped."""
    files: dict[str, str] = {}
    for lesson in syllabus().lessons:
        path = shipped("notebooks") / f"{lesson.slug}.ipynb"
        if lesson.subject == subject and path.is_file():
            try:
                cells = suite_files(path.read_text(encoding="utf-8"))
            except SubmissionError:
                continue
            files |= {f"{lesson.slug}/{name}": text for name, text in cells.items()}
    return files
