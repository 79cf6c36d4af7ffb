"""Says how two records of one submission differ, and why: the hand-in, a rule, a bug or the course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course.atomic import write_atomically
from course.engine import Fate, Standing
from course.grading.exports import as_csv
from course.grading.record import Record

FILE = "changes.csv"
COLUMNS = ("when", "submission", "old", "new", "why")
SHOWN = 3
# What decides about a grade, as `Grader.inputs` names it, to what is said where nothing more is known
CAUSES = {
    "suite": "It was handed in again.",
    "course": "Another version of the course.",
    "bugs": "Other bugs.",
    "rules": "Other rules.",
    "right programs": "Other right programs.",
    "program": "Another program under test.",
}


@dataclass(frozen=True)
class Change:
    """A grade that has changed.

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
    before, now = (each["score"] and float(each["score"]["points"]) for each in (old, new))
    if before == now and old["standing"] == new["standing"] and not effects:
        return None
    said = [*_causes(old, new), new["detail"], *effects]
    return Change(str(new["submission"]), before, now, " ".join(filter(None, said)))


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of what is not the same, in the order in which they came."""
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def note(change: Change, out: Path) -> None:
    """Write a change below those that are in `changes.csv` already: it is the history of all grades."""
    path = out / FILE
    when = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    points = ["" if each is None else f"{each:.2f}" for each in (change.old, change.new)]
    known = path.read_text(encoding="utf-8") if path.is_file() else as_csv([COLUMNS])
    write_atomically(path, known + as_csv([[when, change.submission, *points, change.why]]))


def _causes(old: Record, new: Record) -> Iterable[str]:
    """What decides about a grade and is another one, as sentences."""
    differs = differing(old.get("inputs", {}), new["inputs"])
    if not differs and old["standing"] == Standing.GRADER_ERROR:
        yield "The grader had failed."
    known = {"bugs": _bugs(old, new), "rules": _rules(old, new), "right programs": _correct(old, new)}
    for name in differs:
        yield known.get(name) or CAUSES[name]


def _bugs(old: Record, new: Record) -> str:
    before, now = ({bug["id"]: bug["diff"] for bug in each["bugs"]} for each in (old, new))
    if "" in {*before, *now}:  # a learner does not know them all
        return ""
    kinds: dict[str, list[str]] = {}
    for name in differing(before, now):
        kind = "New bugs" if name not in before else "Bugs that are gone" if name not in now else "Changed bugs"
        kinds.setdefault(kind, []).append(name)
    return " ".join(f"{kind}: {_list(names)}." for kind, names in kinds.items())


def _rules(old: Record, new: Record) -> str:
    before, now = ({line["title"]: line["of"] for line in _lines(each).values()} for each in (old, new))
    apart = differing(before, now)
    return f"Other rules: {_list(apart)}." if apart else ""


def _correct(old: Record, new: Record) -> str:
    apart = sorted({*old["correct"]} ^ {*new["correct"]})
    return f"Other right programs: {_list(apart)}." if apart else ""


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
    before = {bug["id"]: bug["fate"] for bug in old["bugs"]}
    said = [
        f"{bug['title']}: {'' if bug['fate'] == Fate.CAUGHT else 'not '}caught"
        for bug in new["bugs"]
        if bug["category"] == category and bug["id"] and bug["fate"] != before.get(bug["id"])
    ]
    return f" ({_list(said)})" if said else ""


def _lines(record: Record) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in record["score"]["lines"]} if record["score"] else {}


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
