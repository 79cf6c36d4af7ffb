"""What learners hand in: found among files, named apart, and read into a folder that a suite can run in.

The rule: a folder that holds test files (`conftest.py`, `test_*.py`, `*_test.py`, or a `tests` folder with such),
settings of pytest or a `submission.json` is one submission; of any other folder, each entry is one, save files that are
known to be nobody's. A zip, a notebook or a Python file is one submission, unless a platform has named what is in the
zip after learners.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course.engine import Suite
from course.errors import CourseError
from course.grading.archive import unpack
from course.grading.contents import is_stray
from course.grading.delivery import SEVERAL, Delivery, HandIn
from course.grading.handed_in import time_of
from course.grading.loading import Parts, SubmissionError, Target, copy_folder
from course.grading.names import distinct, folder_name
from course.grading.project import TEST_MODULE, Project
from course.hygiene.scrub import shown
from course.syllabus import syllabus


class NoSubmissionsError(CourseError):
    """There is nothing to grade."""


@dataclass(frozen=True)
class Submission:
    """One learner's hand-in, as it was found.

    Attributes:
        name: What reports call it; safe to show, and no other submission's.
        path: The folder or file.
        kind: `folder`, `zip`, `notebook` or `file` (which is nothing that can be graded).
        files: Which files of it are this learner's, and how they are called; all when None.
        notes: What their names say, as sentences.
        entry: What it was called among what was handed in: tells two learners of one name apart; safe to show.
        handed_in: When, in ISO 8601 with an offset; empty where nobody has looked.
    """

    name: str
    path: Path
    kind: str
    files: Mapping[Parts, Parts] | None = None
    notes: tuple[str, ...] = ()
    entry: str = ""
    handed_in: str = ""

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
        program: A copy of the program under test among the files, by path; no part of the suite.
    """

    suite: Suite
    digest: str
    notes: tuple[str, ...] = ()
    program: Mapping[str, str] = field(default_factory=dict)


def find_submissions(
    paths: Sequence[Path],
    reports: Path | None = None,
    *,
    each: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Submission, ...]:
    """All submissions in `paths`, sorted by name; two with one name are told apart by a number.

    Args:
        paths: Submissions, and folders or zips of such.
        reports: Where reports go, which may be among them and is no submission.
        each: Each entry of a folder is one, whatever is in it.
        tell: Told the names of what is no submission.

    Raises:
        NoSubmissionsError: There are none, or a path is not there.
        DoubtError: It is not clear what is one learner's.
    """
    delivery = Delivery(each=each)
    found: list[HandIn] = []
    for path in dict.fromkeys(paths):
        if not path.exists():
            raise NoSubmissionsError(f"There is no {shown(str(path))}.", "Name a folder of submissions.")
        found += delivery.hand_ins(path)
    if reports is not None and reports.exists():
        found = [hand_in for hand_in in found if not _is_same(hand_in, reports)]
    for name in delivery.left_out:
        tell(name)
    if not found:
        raise NoSubmissionsError("There are no submissions there.", "Each folder, zip, notebook or Python file is one.")
    found = sorted(_unique(found), key=lambda each: (os.fsencode(each.name), os.fsencode(each.path)))
    names = distinct([shown(hand_in.name) for hand_in in found])
    return tuple(
        Submission(
            name,
            hand_in.path,
            _kind(hand_in),
            hand_in.files,
            hand_in.notes,
            _entry(hand_in, paths),
            time_of(hand_in).isoformat(timespec="seconds"),
        )
        for name, hand_in in zip(names, found, strict=True)
    )


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
    target = Target(folder, list(submission.notes))
    _fetch(submission, target)
    _name_as_tests(target)
    exercises = {each.id for lesson in syllabus().everything if lesson.subject == package for each in lesson.exercises}
    project = Project(folder, package, frozenset(exercises), target.notes)
    root = project.find()
    return Loaded(Suite.from_folder(root), digest(root), tuple(sorted(set(target.notes))), project.program)


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
            copy_folder(submission.path, target, submission.files)
        elif submission.kind == "zip":
            unpack(submission.path, target, submission.files)
        elif submission.kind == "notebook":
            with submission.path.open("rb") as file:
                target.add(("submission.ipynb",), file)
        elif submission.path.suffix.lower() == ".py":
            with submission.path.open("rb") as file:
                target.add((submission.path.name,), file)
        else:
            raise SubmissionError(
                f"{shown(submission.path.name)} is no folder, no zip, no notebook and no Python file.",
                "Hand in one of these.",
            )
    except OSError as error:
        raise SubmissionError(f"It cannot be read: {error.strerror or error}.") from error


def _name_as_tests(target: Target) -> None:
    """A Python file that was handed in alone is its learner's tests, however they have called it."""
    alone = list(target.folder.iterdir()) if target.files == 1 else []
    for path in alone:
        if path.suffix == ".py" and not is_stray(path.name) and not TEST_MODULE.fullmatch(path.name):
            path.rename(path.with_name(f"test_{path.name}"))
            target.notes.append(f"{shown(path.name)} was read as test_{shown(path.name)}.")


def _unique(found: Sequence[HandIn]) -> list[HandIn]:
    """Each hand-in once, also where two paths have led to it."""
    return list({(hand_in.path, hand_in.name, tuple(hand_in.files or ())): hand_in for hand_in in found}.values())


def _is_same(hand_in: HandIn, folder: Path) -> bool:
    return hand_in.files is None and hand_in.path.exists() and hand_in.path.samefile(folder)


def _entry(hand_in: HandIn, paths: Sequence[Path]) -> str:
    entry = hand_in.entry or hand_in.path.name or hand_in.path.resolve().name
    return shown(entry if len(paths) < SEVERAL else f"{hand_in.path.parent.name}/{entry}")


def _kind(hand_in: HandIn) -> str:
    path = hand_in.path
    if path.is_dir():
        return "folder"
    return {".zip": "zip", ".ipynb": "notebook"}.get(path.suffix.lower(), "file")
