"""`course.doctor` in a notebook: what is on this machine, as a panel."""

from __future__ import annotations

from course.notebook.faults import guarded
from course.notebook.panel import Mark, Panel, Row
from course.notebook.showing import show
from course.services.doctor.doctor import examine
from course.services.doctor.finding import Finding, State

MARKS: dict[State, Mark] = {"ok": "on", "note": "todo", "problem": "bad"}


@guarded
def doctor() -> None:
    """Look at this machine, and say what to do about what is missing."""
    show(health_panel(examine()))


def health_panel(findings: tuple[Finding, ...]) -> Panel:
    """A row for each finding: the sign, what is here, and what to do."""
    problems = sum(finding.state == "problem" for finding in findings)
    right = "all lessons run here" if not problems else f"{problems} to mend"
    rows = tuple(Row(each.here, MARKS[each.state], dim=each.advice, label=each.subject) for each in findings)
    return Panel("This machine", right=right, rows=rows)
