"""The doctor: what is on this machine, what a lesson would run on, and what to do about what is missing."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from rich.table import Table
from rich.text import Text

from course.services.doctor import examinations
from course.services.doctor.finding import Finding, State

Examination = Callable[[], Iterable[Finding]]

_MARKS: dict[State, str] = {"ok": "[green]●[/] ok", "note": "[yellow]○[/] note", "problem": "[red]✖[/] problem"}


def examine(seconds: float = 20.0) -> tuple[Finding, ...]:
    """Examine everything at once, in `seconds` at most; what takes longer becomes a problem."""
    # Imported by two threads at once, it would end in a deadlock
    importlib.import_module("docker.errors")
    return run(examinations.ALL, seconds)


def run(examinations: Mapping[str, Examination], seconds: float) -> tuple[Finding, ...]:
    """Run the examinations side by side; their findings come in the order given.

    Example:
        >>> run({"Clock": lambda: [Finding("Clock", "ok", "ticks")]}, seconds=1)
        (Finding(subject='Clock', state='ok', here='ticks', advice=''),)
    """
    end, results = time.monotonic() + seconds, dict[str, tuple[Finding, ...]]()
    threads = {
        subject: threading.Thread(target=_run_one, args=(subject, examination, results), daemon=True)
        for subject, examination in examinations.items()
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(end - time.monotonic(), 0))
    return tuple(finding for subject in threads for finding in results.get(subject) or (_late(subject, seconds),))


def table(findings: Iterable[Finding]) -> Table:
    """The findings as a table for a terminal."""
    result = Table(box=None, pad_edge=False, header_style="dim")
    for column, ratio in (("", 0), ("", 0), ("What is here", 3), ("What to do", 3)):
        result.add_column(column, ratio=ratio or None, no_wrap=not ratio, overflow="fold" if ratio else "ellipsis")
    for finding in findings:
        words = (Text(finding.here), Text(finding.advice, style="" if finding.state == "problem" else "dim"))
        result.add_row(f"[bold]{finding.subject}[/]", _MARKS[finding.state], *words)
    return result


def _run_one(subject: str, examination: Examination, results: dict[str, tuple[Finding, ...]]) -> None:
    try:
        results[subject] = tuple(examination())
    except Exception as error:  # noqa: BLE001 - the doctor's other findings matter more than one that fails
        results[subject] = (Finding(subject, "problem", f"could not be examined: {error}", "Please report this."),)


def _late(subject: str, seconds: float) -> Finding:
    return Finding(subject, "problem", f"did not answer within {seconds:g} s", "Try again; a restart may help.")
