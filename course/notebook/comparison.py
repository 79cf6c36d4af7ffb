"""`course.compare`: the ways to get a database, by speed and by fidelity, as they are on this machine."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from course.errors import CourseError
from course.notebook.chart import Chart, Column, bars, short
from course.notebook.faults import checked
from course.notebook.measurement import milliseconds
from course.notebook.panel import Panel, Row
from course.notebook.showing import show
from course.services.providers.postgres import postgres

# Each name with the provider of PostgreSQL behind it; None is SQLite
WAYS = {"SQLite in memory": None, "Testcontainers": "container", "Docker Compose": "compose", "embedded": "embedded"}
# PostgreSQL in production says true to all of them
QUESTIONS = {
    "JSONB": """SELECT CAST('{"theme": "dark"}' AS jsonb) @> '{"theme": "dark"}'""",
    "ILIKE": "SELECT 'Ada' ILIKE 'ada'",
    "LIKE minds the case": "SELECT NOT ('Ada' LIKE 'ada')",
    "a type has a length": "SELECT CAST('Ada Lovelace' AS varchar(3)) = 'Ada'",
    "times have zones": "SELECT timestamptz '2030-01-01 12:00+02' = timestamptz '2030-01-01 10:00+00'",
    "É becomes é": "SELECT lower('ÉMILE') = 'émile'",
    "FOR UPDATE": "SELECT true FROM (SELECT 1 FOR UPDATE) AS one",
    "upsert": "INSERT INTO probe VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1 RETURNING true",
    "sorts a before B": "SELECT 'a' < 'B'",
}
TIMES = 30


@dataclass(frozen=True)
class Measured:
    """What one way costs, and what it is worth: seconds to start, milliseconds for a test, questions answered right."""

    start: float
    test: float
    answers: Mapping[str, bool]


@checked
def compare(test: Callable[[Engine], object], tables: Callable[[Engine], object]) -> None:
    """Run a test on each way to get a database, ask each of them nine questions, and draw what came of it.

    Args:
        test: Takes an engine, and leaves the tables as it found them. It runs 30 times on each.
        tables: Takes an engine, and makes the tables that the test needs.
    """
    measured, left_out = dict[str, Measured](), dict[str, str]()
    for way, provider in WAYS.items():
        try:
            measured[way] = measure_way(provider, test, tables)
        except CourseError as error:
            left_out[way] = error.what
    show(comparison(measured, left_out))


def measure_way(provider: str | None, test: Callable[[Engine], object], tables: Callable[[Engine], object]) -> Measured:
    """Start one way, measure and ask it, and end it.

    Raises:
        CourseError: It cannot be started here.
    """
    with postgres(provider) if provider else nullcontext() as server:
        engine = create_engine(server.url() if server else "sqlite://")
        tables(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE probe (id int PRIMARY KEY)"))
        answers = {name: is_true(engine, question) for name, question in QUESTIONS.items()}
        test(engine)
        took = median(milliseconds(lambda: test(engine)) for _ in range(TIMES))
        engine.dispose()
        return Measured(server.seconds if server else 0.0, took, answers)


def is_true(engine: Engine, question: str) -> bool:
    """Whether a database says true to a question; one that it does not understand it answers with an error."""
    try:
        with engine.begin() as connection:
            return bool(connection.scalar(text(question)))
    except SQLAlchemyError:
        return False


def comparison(measured: Mapping[str, Measured], left_out: Mapping[str, str]) -> Chart:
    """The panel: bars for speed and fidelity, and who answers which question as production does."""
    of = len(QUESTIONS)
    columns = (
        Column("start, s", [each.start for each in measured.values()], short),
        Column("one test, ms", [each.test for each in measured.values()], short),
        Column(
            "as production", [float(_right(each)) for each in measured.values()], lambda value: f"{value:.0f} of {of}"
        ),
    )
    rows = tuple(_row(way, each) for way, each in measured.items())
    notes = tuple(Row(what, "note", label=way) for way, what in left_out.items())
    missing = "".join(f"<p>{html.escape(f'{way} is left out: {what}')}</p>" for way, what in left_out.items())
    drawing = f"{bars(list(measured), columns)}{missing}{''.join(_grid(measured))}"
    return Chart(Panel("Ways to get a database", "measured just now", rows=rows + notes), drawing)


def _right(measured: Measured) -> int:
    return sum(measured.answers.values())


def _row(way: str, measured: Measured) -> Row:
    wrong = [name for name, is_right in measured.answers.items() if not is_right]
    told = f"{measured.start:.1f} s to start, {measured.test:.1f} ms for a test, {_right(measured)} of {len(QUESTIONS)}"
    return Row(told, label=way, dim=f"not as production: {', '.join(wrong)}" if wrong else "")


def _grid(measured: Mapping[str, Measured]) -> Iterator[str]:
    heads = "".join(f"<td>{html.escape(way)}</td>" for way in measured)
    yield f'<table class="course-grid"><tbody><tr class="course-dim"><td>answers as production does</td>{heads}</tr>'
    for name in QUESTIONS:
        answers = "".join(_answer(each.answers[name]) for each in measured.values())
        yield f"<tr><td>{html.escape(name)}</td>{answers}</tr>"
    yield "</tbody></table>"


def _answer(is_right: bool) -> str:
    return f'<td class="course-{"ok" if is_right else "bad"}">{"✔" if is_right else "✗"}</td>'
