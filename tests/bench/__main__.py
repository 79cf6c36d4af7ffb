"""Measures everything in one run: `python tests/bench [NAME…]`; reports, never asserts."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rows import Row

from course.errors import CourseError

HERE = Path(__file__).parent
REPORT = HERE.parent.parent / "build" / "bench.json"
MODULES = ("database", "grading", "machine", "notebook")
Measure = Callable[[], Iterator[Row]]


class UnknownMeasureError(CourseError):
    """Nothing of that name is measured."""


def measures() -> dict[str, Measure]:
    """What can be measured, by name; each module beside this one says it in its `MEASURES`."""
    found: dict[str, Measure] = {}
    for module in MODULES:
        more: Mapping[str, Measure] = importlib.import_module(module).MEASURES
        found |= more
    return found


def chosen(known: Mapping[str, Measure], wanted: list[str]) -> list[str]:
    """The names to measure; all where none is wanted.

    Raises:
        UnknownMeasureError: One of them is no name.
    """
    for name in wanted:
        if name not in known:
            raise UnknownMeasureError(f'Nothing called "{name}" is measured.', f"There are: {', '.join(known)}.")
    return wanted or list(known)


def shown(row: Row) -> str:
    """A row as a line: a tick or a cross beside each figure, never colour alone."""
    mark = "[green]✔[/green]" if row["ok"] else "[red]✗[/red]"
    return f"{mark} {row['name']:<32} {row['value']:>10.4g} {row['unit']:<6} {row['limit']}"


def main() -> int:
    """Measure, print each row as it comes, and keep it in `build/bench.json` at once."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console, rows = Console(highlight=False), []
    REPORT.parent.mkdir(exist_ok=True)
    try:
        known = measures()
        for name in chosen(known, sys.argv[1:]):
            Console(stderr=True).print(f"[dim]measuring {name} …[/dim]")
            for row in known[name]():
                rows.append(row)
                REPORT.write_text(json.dumps(rows, indent=1) + "\n")
                console.print(shown(row), soft_wrap=True)
    except UnknownMeasureError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print(f"Stopped. What was measured is kept in {REPORT}.", soft_wrap=True)
        return 130
    console.print(f"Written to {REPORT.relative_to(Path.cwd()) if REPORT.is_relative_to(Path.cwd()) else REPORT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
