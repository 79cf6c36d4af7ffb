"""What learners hand in: found among files, named apart, and read into a folder that a suite can run in.

The rule: a folder that holds test files (`conftest.py`, `test_*.py`, `*_test.py`, or a `tests` folder with such) or a
`submission.json` is one submission; of any other folder, each entry is one. A zip or a notebook is one submission.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course.engine import Suite
from course.errors import CourseError
from course.grading.archive import unpack
from course.grading.cells import suite_files
from course.grading.loading import SKIPPED, SubmissionError, Target, copy_folder
from course.grading.names import distinct, folder_name
from course.hygiene.scrub import shown

TEST_FILE = re.compile(r"conftest\.py|test_.*\.py|.*_test\.py")
DEEPEST_PROJECT = 5
NESTED_ZIPS = 2


class NoSubmissionsError(CourseError):
    """There is nothing to grade."""


@dataclass(frozen=True)
class Submission:
    """One learner's hand-in, as it was found.

    Attributes:
        name: What reports call it; safe to show, and no other submission's.
        path: The folder or file.
        kind: `folder`, `zip`, `notebook` or `file` (which is nothing that can be graded).
    """

    name: str
    path: Path
    kind: str

    @property
    def folder(self) -> str:
        """Name of its folder among the reports."""
        return folder_name(self.name)


@dataclass(frozen=True)
class Loaded:
    """A submission that was read.

    Attributes:
        suite: Its files.
        digest: Of all names and contents, in hex.
        notes: What was left out, as sentences.
    """

    suite: Suite
    digest: str
    notes: tuple[str, ...] = ()


def find_submissions(paths: Sequence[Path], reports: Path | None = None) -> tuple[Submission, ...]:
    """All submissions in `paths`, sorted by name; two with one name are told apart by a number.

    Args:
        paths: Submissions, and folders of such.
        reports: Where reports go, which may be among them and is no submission.

    Raises:
        NoSubmissionsError: There are none, or a path is not there.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NoSubmissionsError(f"There is no {shown(str(path))}.", "Name a folder of submissions.")
        found += [path] if not path.is_dir() or _is_suite(path) else _entries(path)
    if reports is not None and reports.exists():
        found = [path for path in found if not path.exists() or not path.samefile(reports)]
    if not found:
        raise NoSubmissionsError("There are no submissions in there.", "Each folder, zip or notebook is one.")
    found = sorted(dict.fromkeys(found), key=lambda path: (os.fsencode(_stem(path)), os.fsencode(path)))
    names = distinct([shown(_stem(path)) for path in found])
    return tuple(Submission(name, path, _kind(path)) for name, path in zip(names, found, strict=True))


def load(submission: Submission, folder: Path, package: str) -> Loaded:
    """Read a submission into `folder`, which is made.

    Args:
        submission: What was found.
        folder: A folder of ours that is not there yet.
        package: Name of the program under test; a copy of it among the files is set aside.

    Raises:
        SubmissionError: It cannot be read, or holds no test files.
    """
    folder.mkdir(parents=True)
    target = Target(folder)
    _fetch(submission, target)
    project = _project(folder, target.notes)
    _set_aside(project, package, target.notes)
    if not any(TEST_FILE.fullmatch(path.name) for path in project.rglob("*.py")):
        raise SubmissionError(*_no_tests(project))
    return Loaded(Suite.from_folder(project), digest(project), tuple(sorted(set(target.notes))))


def digest(folder: Path) -> str:
    """A digest of all files below a folder, names and contents."""
    total = hashlib.sha256()
    for path in sorted((path for path in folder.rglob("*") if path.is_file()), key=os.fsencode):
        name = os.fsencode(path.relative_to(folder))
        data = path.read_bytes()
        total.update(b"%d %d " % (len(name), len(data)) + name + data)
    return total.hexdigest()


def _fetch(submission: Submission, target: Target) -> None:
    try:
        if submission.path.is_symlink():
            raise SubmissionError("It is a link, and links are not followed.", "Hand in the folder itself.")
        if submission.kind == "folder":
            copy_folder(submission.path, target)
        elif submission.kind == "zip":
            unpack(submission.path, target)
        elif submission.kind == "notebook":
            with submission.path.open("rb") as file:
                target.add(("submission.ipynb",), file)
        else:
            raise SubmissionError("It is no folder, zip or notebook.", "Hand in one of these.")
    except OSError as error:
        raise SubmissionError(f"It cannot be read: {error.strerror or error}.") from error


def _project(folder: Path, notes: list[str], zips: int = NESTED_ZIPS) -> Path:
    """The folder of the project: the only folder in a folder is gone into, the only notebook or zip opened."""
    for _ in range(DEEPEST_PROJECT):
        if _is_suite(folder):
            return folder
        entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
        folders = [path for path in entries if path.is_dir()]
        files = [path for path in entries if path.suffix.lower() in (".ipynb", ".zip")]
        if len(files) == 1 and not folders:
            return _opened(files[0], notes, zips)
        if len(folders) != 1:
            return folder
        folder = folders[0]
    return folder


def _opened(file: Path, notes: list[str], zips: int) -> Path:
    inside = file.with_name(file.name + ".opened")
    inside.mkdir()
    if file.suffix.lower() == ".ipynb":
        Suite.from_files(suite_files(file.read_text(encoding="utf-8", errors="replace"))).write(inside)
        return inside
    if not zips:
        raise SubmissionError("It is a zip in a zip in a zip.", "Pack the folder once.")
    target = Target(inside, notes)
    unpack(file, target)
    return _project(inside, notes, zips - 1)


def _set_aside(project: Path, package: str, notes: list[str]) -> None:
    """Remove a copy of the program: imported first, it would stand before every variant that is to be tested."""
    for path in [*project.rglob(package), *project.rglob(f"{package}.py")]:
        if path.is_dir() and any(path.glob("*.py")):
            shutil.rmtree(path)
        elif path.suffix == ".py":
            path.unlink()
        else:
            continue
        notes.append(f"Its own copy of {package} was set aside: the grader brings the program.")


def _no_tests(project: Path) -> tuple[str, str]:
    if not any(path.is_file() for path in project.rglob("*")):
        return "It is empty.", "Hand in the folder with your tests."
    return "It holds no tests.", "Names of test files begin with `test_`."


def _is_suite(folder: Path) -> bool:
    names = _file_names(folder)
    if "submission.json" in names or any(TEST_FILE.fullmatch(name) for name in names):
        return True
    return any(TEST_FILE.fullmatch(name) for below in ("tests", "test") for name in _file_names(folder / below))


def _file_names(folder: Path) -> list[str]:
    if not folder.is_dir() or folder.is_symlink():
        return []
    return [path.name for path in folder.iterdir() if path.is_file() and not path.is_symlink()]


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in SKIPPED]


def _stem(path: Path) -> str:
    path = path if path.name not in ("", "..") else path.resolve()
    return path.stem if _kind(path) in ("zip", "notebook") else path.name


def _kind(path: Path) -> str:
    if path.is_dir():
        return "folder"
    return {".zip": "zip", ".ipynb": "notebook"}.get(path.suffix.lower(), "file")
