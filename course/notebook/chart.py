"""Draws what was measured as HTML, which follows the page's theme and width, and fits pictures to any theme."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from course.notebook.panel import Panel, Row, framed

PICTURES = Path(__file__).with_name("matplotlibrc")
SIGNIFICANT = 2  # digits: a measurement of one moment is not more exact than that


@dataclass(frozen=True)
class Chart:
    """A panel with a drawing below its head.

    Attributes:
        panel: The head, and what a terminal shows.
        drawing: HTML of ours.
    """

    panel: Panel
    drawing: str

    def __str__(self) -> str:
        return str(self.panel)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # IPython picks from what it gets
        return {"text/html": framed(self.panel.head(), self.drawing), "text/plain": str(self)}


@dataclass(frozen=True)
class Column:
    """One column of bars: a title, a number for each row, and how it is written."""

    title: str
    values: Sequence[float]
    written: Callable[[float], str]


def fit_pictures() -> None:
    """Have matplotlib draw pictures for light and for dark pages, unless the learner has settings of their own."""
    os.environ.setdefault("MATPLOTLIBRC", str(PICTURES))


def dots(title: str, measured: Mapping[str, Sequence[float]], unit: str = "ms") -> Chart:
    """A line for each name: every value as a dot, the median as a stroke.

    The scale ends at three times the largest median, so that one late value does not press all others to the left; what
    lies beyond it stands at its end.

    Args:
        title: What was measured.
        measured: Name to values, not negative.
        unit: Their unit.
    """
    medians = {name: median(values) for name, values in measured.items()}
    end = 3 * max(medians.values()) or 1.0
    lines = "".join(_dotted(name, values, medians[name], end, unit) for name, values in measured.items())
    scale = f'<tr><td></td><td class="course-scale"><span>0</span><span>{short(end)} {unit}</span></td><td></td></tr>'
    rows = tuple(Row(f"{short(each)} {unit}", label=name) for name, each in medians.items())
    dim = f"{max(map(len, measured.values()))} runs each, the median at the right"
    return Chart(Panel(title, dim, rows=rows), f"<table><tbody>{lines}{scale}</tbody></table>")


def bars(names: Sequence[str], columns: Sequence[Column]) -> str:
    """A table of bars: a row for each name, and each column to its own scale."""
    heads = "".join(f"<td>{html.escape(column.title)}</td>" for column in columns)
    rows = "".join(
        f'<tr><td class="course-label">{html.escape(name)}</td>{"".join(_bar(column, row) for column in columns)}</tr>'
        for row, name in enumerate(names)
    )
    return f'<table class="course-bars"><tbody><tr class="course-dim"><td></td>{heads}</tr>{rows}</tbody></table>'


def short(value: float) -> str:
    """A number with two digits that mean something.

    Example:
        >>> [short(value) for value in (0, 0.0123, 1.26, 38.4, 1234)]
        ['0', '0.012', '1.3', '38', '1200']
    """
    return f"{float(f'{value:.{SIGNIFICANT}g}'):.10g}"


def _dotted(name: str, values: Sequence[float], middle: float, end: float, unit: str) -> str:
    marks = "".join(f'<i style="left:{_share(value, end)}%"></i>' for value in values)
    stroke = f'<b style="left:{_share(middle, end)}%"></b>'
    said = f"{short(middle)} {unit}"
    track = f'<div class="course-dots" role="img" aria-label="median {said}"><div>{marks}{stroke}</div></div>'
    return (
        f'<tr><td class="course-label">{html.escape(name)}</td><td>{track}</td><td class="course-last">{said}</td></tr>'
    )


def _bar(column: Column, row: int) -> str:
    value, most = column.values[row], max(column.values) or 1.0
    bar = f'<span class="course-track"><i style="width:{_share(value, most)}%"></i></span>'
    return f"<td>{bar} {html.escape(column.written(value))}</td>"


def _share(value: float, whole: float) -> float:
    return round(100 * min(value / whole, 1), 1)
