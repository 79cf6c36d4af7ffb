"""Puts reports out for learners: a numbered folder for each release, of which none is ever changed again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.grading.changes import Change, compare
from course.grading.report import LEARNERS

RELEASED = "released"
RESULT = "result.json"


@dataclass(frozen=True)
class Release:
    """What a release has put out.

    Attributes:
        number: From 1 on; that of the last one where nothing has changed since.
        folder: A folder for each learner, with the files of the report.
        learners: How many.
        is_new: Whether anything differs from the release before.
        changes: Grades that differ from those of the release before.
        first: Learners that no release held before.
        other: Learners with the same grade and another report.
    """

    number: int
    folder: Path
    learners: int
    is_new: bool
    changes: tuple[Change, ...]
    first: tuple[str, ...]
    other: tuple[str, ...]


def release(out: Path) -> Release:
    """Copy the reports as they are now to `released/NUMBER`, which then holds them and nothing else.

    Args:
        out: The folder of reports that `course grade` has written.

    Raises:
        CourseError: There are no reports.
    """
    now = _files(out / LEARNERS)
    if not now:
        raise CourseError(
            f"There are no reports in {out}.", "Grade first, and name the same folder: course grade … --out"
        )
    last = _last(out)
    before = _files(out / RELEASED / str(last)) if last else {}
    number = last if now == before else last + 1
    folder = out / RELEASED / str(number)
    if number != last:
        _write(folder, now)
    compared = {name: compare(_result(before[name]), _result(now[name])) for name in now if name in before}
    return Release(
        number,
        folder,
        len(now),
        number != last,
        tuple(change for change in compared.values() if change),
        tuple(sorted(set(now) - set(before))),
        tuple(name for name, change in compared.items() if not change and now[name] != before[name]),
    )


def _last(out: Path) -> int:
    return max((int(path.name) for path in (out / RELEASED).glob("*") if path.name.isdigit()), default=0)


def _files(folder: Path) -> dict[str, dict[str, bytes]]:
    """Learner's folder to its files; only those that are whole."""
    learners = {path.name: path for path in sorted(folder.glob("*")) if (path / RESULT).is_file()}
    return {name: {file.name: file.read_bytes() for file in path.glob("[!.]*")} for name, path in learners.items()}


def _write(folder: Path, learners: Mapping[str, Mapping[str, bytes]]) -> None:
    """All of it or nothing: a release that was cut short has no number."""
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    for name, files in learners.items():
        (half / name).mkdir(parents=True)
        for file, content in files.items():
            (half / name / file).write_bytes(content)
    half.rename(folder)


def _result(files: Mapping[str, bytes]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(files[RESULT])
    return result
