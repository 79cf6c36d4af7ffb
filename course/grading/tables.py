"""What a terminal shows of grades."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from course.engine import Standing
from course.grading.changes import Change
from course.grading.record import Record
from course.grading.release import Release
from course.grading.summary import by_category, rates, row

WORST_SHOWN = 3


def show_records(records: Sequence[Record], console: Console) -> None:
    """Show the grades; of a single submission also how its score came about, of several what they missed most."""
    if len(records) == 1 and records[0]["score"]:
        console.print(score_table(records[0]))
    console.print(grades_table(records))
    if len(records) > 1:
        for said in filter(None, (rates(records), most_missed_line(records))):
            console.print(said, highlight=False)


def show_changes(changes: Sequence[Change], console: Console) -> None:
    """Show which grades have changed, and why; nothing where none has."""
    if not changes:
        return
    table = Table(title="What has changed")
    for column in ("submission", "before", "now", "why"):
        table.add_column(column, justify="right" if column in ("before", "now") else "left")
    for change in sorted(changes, key=lambda change: change.submission):
        points = ["-" if each is None else f"{each:.2f}" for each in (change.old, change.new)]
        table.add_row(escape(change.submission), *points, escape(change.why))
    console.print(table)


def show_release(release: Release, console: Console) -> None:
    """Show what a release has put out, and what it changes for whom."""
    said = f"Release {release.folder.name}:" if release.is_new else "Nothing has changed since the release in"
    console.print(f"{said} {escape(str(release.folder))}", highlight=False, soft_wrap=True)
    show_changes(release.changes, console)
    for what, names in (("For the first time", release.first), ("Same grade, other report", release.other)):
        if names:
            console.print(f"{what}: {escape(', '.join(names))}", highlight=False, soft_wrap=True)


def grades_table(records: Sequence[Record]) -> Table:
    """The grades as a table for a terminal."""
    table = Table(title="Grades")
    for column in ("submission", "points", "bugs", "hygiene", "do not count", ""):
        table.add_column(column, justify="left" if column in ("submission", "") else "right")
    for record in records:
        figures = row(record)
        points = "-" if figures["points"] is None else f"{figures['points']:.2f}"
        mark = "" if record["standing"] == Standing.PROVED else f"{record['standing']}: "
        table.add_row(
            escape(figures["name"]),
            points,
            f"{figures['caught']}/{figures['bugs']}",
            f"{figures['hygiene']}/{figures['proofs']}",
            str(figures["doubtful"]),
            escape(mark + figures["line"]),
        )
    return table


def score_table(record: Record) -> Table:
    """How the score of one submission came about, as a table for a terminal; it must have a score."""
    table = Table(title="How the score came about")
    for column in ("what", "why", "points", "of"):
        table.add_column(column, justify="right" if column in ("points", "of") else "left")
    for entry in record["score"]["lines"]:
        table.add_row(entry["title"], escape(entry["why"]), f"{entry['points']:.2f}", f"{entry['of']:.2f}")
    return table


def most_missed_line(records: Sequence[Record]) -> str:
    """The categories of which the class has missed most, as one line; empty where it missed nothing."""
    if not any(row(record)["caught"] for record in records):
        return "Nobody caught a bug."
    worst = sorted((one for one in by_category(records) if one.missed), key=lambda one: -one.share)
    shares = ", ".join(f"{one.what} {one.share:.0%}" for one in worst[:WORST_SHOWN])
    return f"Missed most: {shares}" if shares else ""
