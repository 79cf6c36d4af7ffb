"""What coming late costs: a teacher's rules, applied when grades are written down and never kept in a record.

```toml
deadline = 2026-05-01T23:59:00+02:00 # without an offset, this machine's time
grace_minutes = 10                   # so much later is in time still
percent_per_day = 10                 # of the points earned, or points_per_day = 5; a day that has begun counts
most = 50                            # what is taken away at most, in the same unit; all of it, unless given

[[learner]]                          # for one of them
name = "ada"                         # as in the reports
deadline = 2026-05-08T23:59:00+02:00
handed_in = 2026-05-08T20:00:00+02:00 # where the time of the file is wrong
```
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from course.grading.record import LATE, Record
from course.manifest import MISSING, Table, read_manifest

DAY = timedelta(days=1)
MOMENT = "a date and a time without quotes, such as 2026-05-01T23:59:00+02:00"


@dataclass(frozen=True)
class Policy:
    """When hand-ins are late, and what that costs.

    Attributes:
        deadline: For all who have no other.
        grace: How much later is in time still; beyond it, lateness counts from the deadline.
        per_day: What each day that has begun costs.
        percent: That is percent of the points earned, rather than points.
        most: What is taken away at most, in the same unit.
        deadlines: Learner to a deadline of their own.
        handed_in: Learner to the time that counts in place of the file's.
    """

    deadline: datetime
    per_day: float
    percent: bool
    grace: timedelta = timedelta()
    most: float = math.inf
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    handed_in: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Learners for whom something else holds."""
        return {*self.deadlines, *self.handed_in}

    def days(self, record: Record) -> int:
        """How many days late it was handed in; 0 for in time."""
        name = record["submission"]
        when = self.handed_in.get(name) or datetime.fromisoformat(record["handed_in"])
        late = when - self.deadlines.get(name, self.deadline)
        return math.ceil(late / DAY) if late > self.grace else 0

    def deduct(self, record: Record) -> Record:
        """The record with its points as they count: a line of its score says what was taken away, and why."""
        days = self.days(record) if record["score"] else 0
        if not days:
            return record
        score = record["score"]
        unit = " %" if self.percent else " points"
        why = f"{days} day{'s' if days > 1 else ''} late, {self.per_day:g}{unit} a day"
        why += f", {self.most:g}{unit} at most" if days * self.per_day > self.most else ""
        left = {key: round(self._left(score[key], days), 2) for key in ("points", "lowest", "highest")}
        taken = round(left["points"] - score["points"], 2)
        line = {"part": LATE, "name": LATE, "title": "Handed in late", "points": taken, "of": 0.0, "why": why}
        return record | {"score": score | left | {"lines": [*score["lines"], line]}}

    def _left(self, points: float, days: int) -> float:
        taken = min(days * self.per_day, self.most)
        return max(0.0, points * (1 - taken / 100) if self.percent else points - taken)


def read_policy(path: Path) -> Policy:
    """Read the rules.

    Raises:
        ManifestError: A key is missing, wrong or unknown; says line and fix.
    """
    table = read_manifest(path)
    percent = "points_per_day" not in table.values
    if not percent and "percent_per_day" in table.values:
        raise table.error("there are percent and points.", "Keep percent_per_day or points_per_day.", "points_per_day")
    deadline = _moment(table, "deadline", MISSING)
    per_day = float(table.number("percent_per_day" if percent else "points_per_day", float))
    grace = timedelta(minutes=float(table.number("grace_minutes", float, 0.0)))
    most = float(table.number("most", float, math.inf))
    deadlines, handed_in, names = {}, {}, set[str]()
    for learner in table.tables("learner"):
        name = learner.name_by("name")
        if name in names:
            raise learner.error("stands there twice.", "Remove one of the two.")
        names.add(name)
        if own := _moment(learner, "deadline", None):
            deadlines[name] = own
        if time := _moment(learner, "handed_in", None):
            handed_in[name] = time
        learner.done()
    table.asked += ["percent_per_day", "points_per_day"]
    table.done()
    return Policy(deadline, per_day, percent, grace, most, deadlines, handed_in)


def _moment(table: Table, key: str, default: Any) -> Any:
    """A date and a time; with the offset of this machine where it names none."""
    time = table.get(key, default, (datetime,), MOMENT)
    return time.astimezone() if isinstance(time, datetime) and time.tzinfo is None else time
