"""Measures everything in one run and prints a table: `python tests/bench [NAME…]`; reports, never asserts."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
REPORT = HERE.parent.parent / "build" / "bench.json"

Row = dict[str, Any]


def measurements(wanted: list[str]) -> Iterator[Row]:
    """Run `measure()` of each module beside this one, in the order of their names.

    Args:
        wanted: Module names to run; empty for all.

    Yields:
        Rows of `name`, `value`, `unit`, `limit` (a string such as `≤ 3`) and `ok`.
    """
    for path in sorted(HERE.glob("[a-z]*.py")):
        if wanted and path.stem not in wanted:
            continue
        Console(stderr=True).print(f"[dim]measuring {path.stem} …[/dim]")
        yield from load(path).measure()


def load(path: Path) -> Any:
    """Import a benchmark module from its file; it must be importable again by the processes it starts."""
    sys.path.insert(0, str(HERE))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def show(rows: list[Row]) -> None:
    """Print the table: a tick or a cross beside each figure, never colour alone."""
    table = Table(title="Benchmark: one run on one machine")
    for column in ("measure", "value", "unit", "must reach", ""):
        table.add_column(column, justify="right" if column == "value" else "left")
    for row in rows:
        mark = "[green]✔[/green]" if row["ok"] else "[red]✗[/red]"
        table.add_row(row["name"], f"{row['value']:.4g}", row["unit"], row["limit"], mark)
    Console().print(table)


def main() -> None:
    """Measure, show, and write `build/bench.json`."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows = list(measurements(sys.argv[1:]))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)
    Console().print(f"Written to {REPORT.relative_to(Path.cwd()) if REPORT.is_relative_to(Path.cwd()) else REPORT}")


if __name__ == "__main__":
    main()
