"""Puts reports out for learners: a numbered folder for each release, of which none is ever changed again."""

from __future__ import annotations

import filecmp
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from course.errors import CourseError
from course.grading.changes import Change, compare
from course.grading.report import LEARNERS

RELEASED = "released"
RESULT = "result.json"
FILES = ["report.html", RESULT, "results.json"]


@dataclass(frozen=True)
class Release:
    """What a release has put out.

    Attributes:
        folder: A folder for each learner, with the files of the report; its name is the release's number, from 1 on.
        is_new: Whether anything differs from the release before; else this is that one.
        changes: Grades that differ from those of the release before.
        first: Learners whom the release before did not hold.
        other: Learners with the same grade and another report.
    """

    folder: Path
    is_new: bool
    changes: tuple[Change, ...] = ()
    first: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


def release(out: Path) -> Release:
    """Copy the reports as they are now to `released/NUMBER`, which then holds them and nothing else.

    Args:
        out: The folder of reports that `course grade` has written.

    Raises:
        CourseError: There are no reports.
    """
    learners = sorted(path.parent for path in (out / LEARNERS).glob(f"*/{RESULT}"))
    if not learners:
        raise CourseError(f"There are no reports in {out}.", "Grade first, with this folder as --out.")
    last = max((int(path.name) for path in (out / RELEASED).glob("*") if path.name.isdigit()), default=0)
    before = out / RELEASED / str(last)
    names = {path.name for path in learners}
    held = {path.name for path in before.glob("*")}
    others = [path for path in learners if path.name in held and not _is_same(before / path.name, path)]
    if held == names and not others:
        return Release(before, is_new=False)
    compared = {path.name: compare(_result(before / path.name), _result(path)) for path in others}
    return Release(
        _copy(learners, out / RELEASED / str(last + 1)),
        True,
        tuple(filter(None, compared.values())),
        tuple(sorted(names - held)),
        tuple(name for name, change in compared.items() if change is None),
    )


def _copy(learners: list[Path], folder: Path) -> Path:
    """All of it or nothing: a release that was cut short has no number."""
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    for path in learners:
        (half / path.name).mkdir(parents=True)
        for name in FILES:
            shutil.copy2(path / name, half / path.name / name)
    return half.rename(folder)


def _is_same(one: Path, other: Path) -> bool:
    return filecmp.cmpfiles(one, other, FILES, shallow=False)[0] == FILES


def _result(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / RESULT).read_text(encoding="utf-8")))
