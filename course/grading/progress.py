"""What a terminal shows while a class is graded: how many are done, and who is under way."""

from __future__ import annotations

import threading

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from course.engine import Step
from course.grading.record import Record
from course.grading.submission import Submission
from course.grading.summary import row

# The speed of the last so many seconds tells how long it may take: a suite that hangs takes a minute
ESTIMATE_SECONDS = 600.0


def progress_bar(console: Console) -> Progress:
    """How many are done, how long it took and may take, and who is under way as far as there is room."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("[dim]{task.fields[under_way]}[/dim]", table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=console,
        speed_estimate_period=ESTIMATE_SECONDS,
    )


class Following:
    """Who is under way, for a progress bar; safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Step] = {}

    def take(self, submission: Submission, news: Step | Record) -> None:
        """Note a step, or the end of a submission."""
        with self._lock:
            if isinstance(news, Step):
                self._under_way[submission.name] = news
            else:
                self._under_way.pop(submission.name, None)

    def __str__(self) -> str:
        with self._lock:
            return ", ".join(f"{name} {step.done}/{step.total}" for name, step in sorted(self._under_way.items())[:3])


def line(record: Record, done: float, total: float | None) -> str:
    """One submission that is done, where there is no bar."""
    figures = row(record)
    points = "no points" if figures["points"] is None else f"{figures['points']:.2f} points"
    return escape(f"{done:g}/{total:g} {figures['name']}: {points} {figures['line']}".rstrip())
