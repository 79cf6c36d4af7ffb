"""The isolation lab: what each way to isolate tests costs, and what a test leaves to the next one all the same."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import matplotlib.pyplot as plt
import psycopg
from matplotlib.figure import Figure
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from course.errors import CourseError
from course.notebook.faults import checked, guarded
from course.notebook.live import Live
from course.notebook.panel import Panel, Row

Way = Callable[[], Iterator[Session]]

ROUNDS = 20
# What a test may leave behind, and how the next one would notice; rows are counted table by table
PROBES = {
    "sequences": "SELECT coalesce(sum(last_value), 0) FROM pg_sequences",
    "settings": "SELECT current_setting('TimeZone')",
    "advisory locks": "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    " WHERE locktype = 'advisory' AND datname = current_database()",
    "connections": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'left open by a test'",
}
KINDS = ("rows", *PROBES)


class LabError(CourseError):
    """Nothing can be drawn yet."""


class LabStoppedError(KeyboardInterrupt):
    """Ctrl-C ended the lab; what was measured stays."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@checked
def isolation_lab(engine: Engine, test: Callable[[Session], object], rounds: int = ROUNDS) -> Lab:
    """Open a lab that runs a test under different ways of isolation.

    Args:
        engine: Of the database that the ways share. The lab empties all of its tables.
        test: What is timed; it gets the session that a way yields.
        rounds: How often, under each way.

    Example:
        >>> lab = isolation_lab(engine, one_test)  # doctest: +SKIP
        >>> lab.measure(truncate, roll_back)  # doctest: +SKIP
        >>> lab.plot()  # doctest: +SKIP
    """
    return Lab(engine, test, rounds)


class Lab:
    """What was measured so far, by the name of the way.

    Attributes:
        times: Milliseconds of each test, with its set-up and tear-down.
        leaks: What a test sees of the one before, as `KINDS` names it.
    """

    def __init__(self, engine: Engine, test: Callable[[Session], object], rounds: int = ROUNDS) -> None:
        self.times: dict[str, list[float]] = {}
        self.leaks: dict[str, tuple[str, ...]] = {}
        self._engine, self._test, self._rounds = engine, test, rounds
        self._open: list[psycopg.Connection] = []

    @guarded
    def measure(self, *ways: Way) -> None:
        """Run the test under each way, and show what came of it.

        Args:
            ways: Bodies of fixtures, without the decorator: generator functions that yield a session.

        Raises:
            LabStoppedError: Ctrl-C. What was measured stays.
        """
        live, began = Live(), time.monotonic()
        failed: dict[str, str] = {}
        ways = (self._no_isolation, *ways)
        for done, way in enumerate(ways):
            live.show(Panel("Isolation lab", right=_name(way), share=done / len(ways)))
            try:
                self._measure_one(way)
            except KeyboardInterrupt:
                live.end(self._panel(f"stopped after {done} of {len(ways)}", failed))
                raise LabStoppedError(
                    "Stopped. What was measured stays: `lab.plot()` draws it. Run the cell again to measure all."
                ) from None
            except Exception as error:  # noqa: BLE001 - a way is the learner's code, and the others are still measured
                failed[_name(way)] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        right = f"{self._rounds} tests for each way · {time.monotonic() - began:.1f} s"
        live.end(self._panel(right, failed))

    @guarded
    def plot(self) -> Figure:
        """Draw the time of each test, and beside it what each way leaks.

        Raises:
            LabError: Nothing was measured yet.
        """
        if not self.times:
            raise LabError("The lab has measured nothing yet.", "Run the cell with `lab.measure(…)` first.")
        return draw(self.times, self.leaks)

    def _no_isolation(self) -> Iterator[Session]:
        with Session(self._engine) as session:
            yield session

    def _measure_one(self, way: Way) -> None:
        try:
            self._clean()
            self._timed(way)  # whatever is slow the first time
            times = [self._timed(way) for _ in range(self._rounds)]
            self._clean()
            leaks = self._leaks(way)
        finally:
            self._clean()
        self.times[_name(way)], self.leaks[_name(way)] = times, leaks

    def _timed(self, way: Way) -> float:
        began = time.perf_counter()
        with fixture(way) as session:
            self._test(session)
        return 1000 * (time.perf_counter() - began)

    def _leaks(self, way: Way) -> tuple[str, ...]:
        """What the third test sees otherwise than the first, since the second one left it behind."""
        with fixture(way) as session:
            before = look(session)
        with fixture(way) as session:
            self._test(session)
            self._litter(session)
        with fixture(way) as session:
            after = look(session)
        return tuple(kind for kind in KINDS if after[kind] != before[kind])

    def _litter(self, session: Session) -> None:
        """Leave behind what tests leave behind."""
        session.execute(text("SET TIME ZONE 'Asia/Kolkata'"))
        session.execute(text("SELECT pg_advisory_lock(8)"))
        session.commit()
        url = session.connection().engine.url.set(drivername="postgresql", query={})
        self._open.append(
            psycopg.connect(url.render_as_string(hide_password=False), application_name="left open by a test")
        )

    def _clean(self) -> None:
        """Put all right that a way has left: the lab's own open connections, settings, locks and rows."""
        while self._open:
            self._open.pop().close()
        self._engine.dispose()
        with self._engine.begin() as connection:
            names = ", ".join(f'"{name}"' for name in _tables(connection))
            if names:
                connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))

    def _panel(self, right: str, failed: Mapping[str, str]) -> Panel:
        rows = [
            Row(f"**{name}**", dim=f"leaks {', '.join(self.leaks[name]) or 'nothing'}", tag=f"{median(times):.1f} ms")
            for name, times in self.times.items()
        ]
        rows += [Row(f"**{name}** is left out: {why}", "bad") for name, why in failed.items()]
        return Panel("Isolation lab", right=right, rows=tuple(rows))


@contextlib.contextmanager
def fixture(way: Way) -> Iterator[Session]:
    """What pytest does with a fixture: up to its `yield` before the test, and on from there whatever the test did."""
    steps = way()
    yield_ = next(steps)
    try:
        yield yield_
    finally:
        next(steps, None)


def look(session: Session) -> dict[str, Any]:
    """What a test can see of those before it, by kind."""
    seen: dict[str, Any] = {kind: session.scalar(text(query)) for kind, query in PROBES.items()}
    return seen | {"rows": [session.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in _tables(session)]}  # noqa: S608 - names of tables


def _tables(database: Any) -> Sequence[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'alembic_version'"
    names: Sequence[str] = database.scalars(text(f"{query} ORDER BY tablename")).all()
    return names


def _name(way: Way) -> str:
    return way.__name__.strip("_").replace("_", " ")


def draw(times: Mapping[str, list[float]], leaks: Mapping[str, tuple[str, ...]]) -> Figure:
    """Two panes with a line for each way: milliseconds on the left, leaks on the right."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 0.8 + 0.38 * len(times)), sharey=True, layout="constrained", width_ratios=(3, 2)
    )
    for row, (name, values) in enumerate(times.items()):
        left.plot(values, [row] * len(values), "o", color="#0b6e99", alpha=0.4)
        left.plot(median(values), row, "|", color=plt.rcParams["text.color"], markersize=16)
        left.annotate(f"{median(values):.1f} ms", (max(values), row), (8, 0), textcoords="offset points", va="center")
        for column, kind in enumerate(KINDS):
            style = {"marker": "o", "color": "#b3261e"} if kind in leaks[name] else {"marker": ".", "color": "#888888"}
            right.plot(column, row, linestyle="", **style)
    left.set(yticks=range(len(times)), yticklabels=times, xlim=(0, 1.2 * max(map(max, times.values()))))
    left.set(ylim=(len(times) - 0.5, -0.5), xlabel="milliseconds for each test, on this machine")
    right.set(xticks=range(len(KINDS)), xlim=(-0.6, len(KINDS) - 0.4), xlabel="● leaks into the next test")
    right.set_xticklabels([kind.replace(" ", "\n") for kind in KINDS], fontsize=8)
    right.xaxis.tick_top()
    for axis in (left, right):
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    plt.close(figure)
    return figure
