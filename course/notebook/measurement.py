"""`course.measure`: how long pieces of work take on this machine, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter

from course.notebook.chart import dots
from course.notebook.faults import checked
from course.notebook.showing import show


@checked
def measure(works: Mapping[str, Callable[[], object]], times: int = 30, what: str = "Time, on this machine") -> None:
    """Run pieces of work in turns, and draw how long each run took.

    Each runs once before, unmeasured: what is loaded or made at the first time is no part of the comparison.

    Args:
        works: Name to a function without arguments.
        times: How often each runs.
        what: The title.
    """
    for work in works.values():
        work()
    measured: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            measured[name].append(milliseconds(work))
    show(dots(what, measured))


def milliseconds(work: Callable[[], object]) -> float:
    """Run a piece of work once, and return how long it took."""
    began = perf_counter()
    work()
    return 1000 * (perf_counter() - began)
