"""A fresh database per test: what a test waits for its own, and how long pytest-postgresql's users wait for theirs.

`database_per_test_ms`: a tight loop on a template of 8 tables with 20 rows each. The time of `take()` and `give_back()`
together is measured. In between, as a test would, a client connects by the URL, writes to all 8 tables and closes.

`database_vs_pytest_postgresql`: on the same server, a database with those 8 tables and rows, a new connection to it,
one query (`SELECT 1`: what a query asks for takes as long for both), and the end of it all. Theirs are the steps of the
fixture that `factories.postgresql` makes over `postgresql_noproc`, by its documented `DatabaseJanitor`: a database
created from a template, a psycopg connection, the database dropped. Ours is `pool.database()` with a connection by the
same driver. Both run in one process without pytest, whose own time would be the same for both, and without a pause in
which a background could catch up. They take turns, so that a busy machine is busy for both; the figure is the ratio of
the medians.
"""

# ruff: noqa: S608 - the tables and figures in the statements are ours

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import psycopg
import psycopg2
from pytest_postgresql.janitor import DatabaseJanitor
from rows import Row, row

from course.services.pool.pool import Database, DatabasePool
from course.services.providers.postgres import postgres
from course.services.server import Server

ROUNDS = 300
TURNS = 3

SCHEMA = "; ".join(
    f"CREATE TABLE t{n} (id serial PRIMARY KEY, name text NOT NULL UNIQUE, parent int {'REFERENCES t0' if n else ''}, "
    "data jsonb DEFAULT '{}', at timestamptz DEFAULT now()); "
    f"INSERT INTO t{n} (name, parent) SELECT 'row ' || i, {'i' if n else 'NULL'} FROM generate_series(1, 20) i"
    for n in range(8)
)


def measure() -> Iterator[Row]:
    """Measure on one embedded server.

    Yields:
        A row per figure.
    """
    with postgres("embedded") as server:
        with DatabasePool(server, build, name="bench") as pool:
            times = sorted(use_one(pool) for _ in range(ROUNDS))
        yield row("database_per_test_ms_p50", statistics.median(times), "ms", at_most=3)
        yield row("database_per_test_ms_p95", times[int(len(times) * 0.95)], "ms", at_most=15)
        theirs, ours = compare(server)
        yield row("database_vs_pytest_postgresql", theirs / ours, "x", at_least=10)


def build(url: str) -> None:
    """Fill the template."""
    with psycopg.connect(url.replace("+psycopg2", "")) as connection:
        connection.execute(SCHEMA.encode())


def use_one(pool: DatabasePool) -> float:
    """The milliseconds that a test waits for its database, before and after its work."""
    begin = time.perf_counter()
    database = pool.take()
    middle = time.perf_counter()
    work(database)
    end = time.perf_counter()
    pool.give_back(database)
    return ((middle - begin) + (time.perf_counter() - end)) * 1000


def work(database: Database) -> None:
    """What a test does: it connects, writes to each table, and closes."""
    connection = psycopg2.connect(database.dsn)
    with connection, connection.cursor() as cursor:
        for number in range(8):
            cursor.execute(f"INSERT INTO t{number} (name) VALUES ('new')")
    connection.close()


def compare(server: Server) -> tuple[float, float]:
    """The median milliseconds of a database with a connection and a query, theirs and ours."""
    theirs: list[float] = []
    ours: list[float] = []
    with janitor(server, dbname="theirs_template", as_template=True) as template:
        template.load(fill)
        with DatabasePool(server, build, name="bench") as pool:
            for connect in (partial(their_connection, server), partial(our_connection, pool)):
                assert use(connect, "SELECT count(*) FROM t7", 20)
            for _ in range(TURNS):
                theirs += [use(partial(their_connection, server)) for _ in range(20)]
                ours += [use(partial(our_connection, pool)) for _ in range(100)]
    return statistics.median(theirs), statistics.median(ours)


def use(connect: Callable[[], AbstractContextManager[Any]], query: str = "SELECT 1", answer: int = 1) -> float:
    """The milliseconds from asking for a connection until its end, one query included."""
    begin = time.perf_counter()
    with connect() as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        assert cursor.fetchone() == (answer,)
    return (time.perf_counter() - begin) * 1000


@contextmanager
def their_connection(server: Server) -> Iterator[psycopg.Connection]:
    """What pytest-postgresql's fixture does before and after a test."""
    with janitor(server, dbname="theirs", template_dbname="theirs_template"):
        connection = psycopg.connect(
            dbname="theirs", user=server.user, password=server.password, host=server.host, port=server.port
        )
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def our_connection(pool: DatabasePool) -> Iterator[Any]:
    """The same with a pool."""
    with pool.database() as database, contextlib.closing(psycopg.connect(database.dsn)) as connection:
        yield connection


def janitor(server: Server, **settings: Any) -> DatabaseJanitor:
    """Their maker of databases, for our server."""
    return DatabaseJanitor(user=server.user, password=server.password, host=server.host, port=server.port, **settings)


def fill(*, host: str, port: int, user: str, dbname: str, password: str, **_: Any) -> None:
    """Fill their template, in the way they call it."""
    with psycopg.connect(host=host, port=port, user=user, dbname=dbname, password=password) as connection:
        connection.execute(SCHEMA.encode())


MEASURES = {"database": measure}
