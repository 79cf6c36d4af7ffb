"""What is different between two records of one submission, and why: the hand-in, a rule, a bug or the course."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course.atomic import write_atomically
from course.engine import Fate, Standing
from course.grading.exports import spreadsheet_cell
from course.grading.record import Record

FILE = "changes.csv"
COLUMNS = ("when", "submission", "old", "new", "why")
SHOWN = 3


@dataclass(frozen=True)
class Change:
    """One grade that is another one now.

    Attributes:
        submission: Whose it is.
        old: Points before; None where the grader had failed.
        new: Points now.
        why: What differs, as sentences: the cause first, then what it did to the points.
    """

    submission: str
    old: float | None
    new: float | None
    why: str


def compare(old: Record, new: Record) -> Change | None:
    """What has changed from one record to the next of the same submission; None where the grade is the same.

    Args:
        old: A full record, or one as its learner may see it.
        new: The same, later.
    """
    effects = _effects(old, new)
    before, now = _points(old), _points(new)
    if before == now and old["standing"] == new["standing"] and not effects:
        return None
    return Change(
        str(new["submission"]), before, now, " ".join([*_causes(old, new), new["detail"], *effects]).replace("  ", " ")
    )


def note(changes: Sequence[Change], out: Path) -> None:
    """Write changes below those that are in `changes.csv` already: it is the history of all grades."""
    path = out / FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    known = list(csv.reader(io.StringIO(text))) or [list(COLUMNS)]
    when = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    rows = [[when, each.submission, _shown(each.old), _shown(each.new), each.why] for each in changes]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [*known, *([spreadsheet_cell(cell) for cell in row] for row in rows)]
    )
    write_atomically(path, written.getvalue())


def differing(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """Names of the inputs of two records that are not the same, such as `{"suite"}`."""
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def _causes(old: Record, new: Record) -> list[str]:
    """What decides about a grade and is another one, as sentences."""
    differs = differing(old["inputs"], new["inputs"])
    said = []
    if "suite" in differs:
        said.append("It was handed in again.")
    if "course" in differs:
        said.append(f"Course {old['course']} is now {new['course']}.")
    if "bugs" in differs:
        said.append(_bugs(old, new))
    if "rules" in differs:
        said.append(_rules(old, new))
    if "right programs" in differs:
        apart = sorted({*old["correct"]} ^ {*new["correct"]})
        said.append(f"Other right programs: {_list(apart)}." if apart else "A right program was changed.")
    if "program" in differs:
        said.append("The program under test was changed.")
    if not said and old["standing"] == Standing.GRADER_ERROR:
        said.append("The grader had failed.")
    return said


def _bugs(old: Record, new: Record) -> str:
    before, now = _by_id(old), _by_id(new)
    if "" in {*before, *now}:  # a learner does not know them all
        return "The bugs were changed."
    words = {
        "New bugs": [name for name in now if name not in before],
        "Bugs that are gone": [name for name in before if name not in now],
        "Changed bugs": [name for name in now if name in before and now[name]["diff"] != before[name]["diff"]],
    }
    return " ".join(f"{what}: {_list(names)}." for what, names in words.items() if names) or "The bugs were changed."


def _rules(old: Record, new: Record) -> str:
    before, now = _lines(old), _lines(new)
    apart = [line["title"] for name, line in (before | now).items() if _of(before, name) != _of(now, name)]
    return f"Other rules: {_list(apart)}." if apart else "The rules were changed."


def _effects(old: Record, new: Record) -> list[str]:
    """Each line of the score that has other points, with the bugs that did it, as sentences.

    Hygiene that is earned before and after moves with the points for bugs, and is one sentence.
    """
    before, now = _lines(old), _lines(new)
    moved: dict[str, list[float]] = {}
    for name, line in (before | now).items():
        points = [round(lines[name]["points"], 2) if name in lines else 0.0 for lines in (before, now)]
        title = "Hygiene, in proportion" if line["part"] == "hygiene" and all(points) else line["title"]
        title += _fates(old, new, name)
        moved[title] = [sum(pair) for pair in zip(moved.get(title, (0, 0)), points, strict=True)]
    return [f"{title} {was:.4g} → {is_:.4g}." for title, (was, is_) in moved.items() if round(was - is_, 2)]


def _fates(old: Record, new: Record, category: str) -> str:
    """The bugs of a category that came out in another way, in brackets; of those that a learner knows."""
    before, now = ({name: bug for name, bug in _by_id(each).items() if name} for each in (old, new))
    others = [bug for name, bug in now.items() if bug["fate"] != before.get(name, {}).get("fate")]
    said = [
        f"{bug['title']}: {'' if bug['fate'] == Fate.CAUGHT else 'not '}caught"
        for bug in others
        if bug["category"] == category
    ]
    return f" ({_list(said)})" if said else ""


def _points(record: Record) -> float | None:
    return None if record["score"] is None else float(record["score"]["points"])


def _lines(record: Record) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in record["score"]["lines"]} if record["score"] else {}


def _of(lines: dict[str, dict[str, Any]], name: str) -> float:
    return float(lines[name]["of"]) if name in lines else 0.0


def _by_id(record: Record) -> dict[str, dict[str, Any]]:
    return {bug["id"]: bug for bug in record["bugs"]}


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _shown(points: float | None) -> str:
    return "" if points is None else f"{points:.2f}"
