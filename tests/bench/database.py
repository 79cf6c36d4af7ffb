"""A fresh database per test: what a test waits for its own, and how long pytest-postgresql's users wait for theirs.

`database_per_test_ms`: a tight loop on a template of 8 tables with 20 rows each. The time of `take()` and `give_back()`
together is measured. In between, as a test would, a client connects by the URL, writes to all 8 tables and closes.

`database_vs_pytest_postgresql`: two real pytest runs on one server, each the same test: one query by a new connection
to a database of its own with those 8 tables. One uses pytest-postgresql's fixture over `postgresql_noproc` with the
tables loaded into its template; the other `pool.connection()`, which opens the next test's connection in the background
while a test runs. Each connects with the driver it comes with. A test's time is all that pytest reports for it: set-up,
call and tear-down, waiting for the pool included. The runs take turns, so that a busy machine is busy for both; the
figure is the ratio of the medians.
"""

# ruff: noqa: S608 - the tables and figures in the statements are ours

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg2

from course.services.pool import DatabasePool
from course.services.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from course.services.pool import Database
    from course.services.server import Server

ROUNDS = 300
TURNS = 3

SCHEMA = "; ".join(
    f"CREATE TABLE t{n} (id serial PRIMARY KEY, name text NOT NULL UNIQUE, parent int {'REFERENCES t0' if n else ''}, "
    "data jsonb DEFAULT '{}', at timestamptz DEFAULT now()); "
    f"INSERT INTO t{n} (name, parent) SELECT 'row ' || i, {'i' if n else 'NULL'} FROM generate_series(1, 20) i"
    for n in range(8)
)

TEST = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_one_query(connection, number):
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM t7")
    assert cursor.fetchone() == (20,)
"""

CONFTEST = """
import json, os
import psycopg, pytest

durations = {{}}

def pytest_runtest_logreport(report):
    assert report.passed, report.longrepr
    durations[report.nodeid] = durations.get(report.nodeid, 0.0) + report.duration

def pytest_sessionfinish():
    with open("durations.json", "w") as file:
        json.dump(list(durations.values()), file)

SCHEMA = {schema!r}
"""

THEIRS = """
from pytest_postgresql import factories

def load(host, port, user, dbname, password, **_):
    with psycopg.connect(host=host, port=port, user=user, dbname=dbname, password=password) as connection:
        connection.execute(SCHEMA)

process = factories.postgresql_noproc(
    host={host!r}, port={port!r}, user={user!r}, password={password!r}, dbname="theirs", load=[load]
)
connection = factories.postgresql("process")
"""

OURS = """
from pathlib import Path
from course.services.pool import DatabasePool
from course.services.server import Server

def build(url):
    with psycopg.connect(url.replace("+psycopg2", "")) as connection:
        connection.execute(SCHEMA)

@pytest.fixture(scope="session")
def pool():
    socket_dir = Path({socket_dir!r}) if {socket_dir!r} else None
    server = Server(
        {provider!r}, {host!r}, {port!r}, {user!r}, {password!r}, {version!r}, 0.0, "", socket_dir=socket_dir
    )
    with DatabasePool(server, build, name="ours") as pool:
        yield pool

@pytest.fixture
def connection(pool):
    with pool.connection() as connection:
        yield connection
"""


def measure() -> Iterator[dict[str, Any]]:
    """Measure on one embedded server.

    Yields:
        A row per figure.
    """
    with postgres("embedded") as server:
        with DatabasePool(server, build, name="bench") as pool:
            times = sorted(use_one(pool) for _ in range(ROUNDS))
        yield row("database_per_test_ms_p50", statistics.median(times), "ms", 3, at_most=True)
        yield row("database_per_test_ms_p95", times[int(len(times) * 0.95)], "ms", 15, at_most=True)
        theirs, ours = compare(server)
        yield row("database_vs_pytest_postgresql", theirs / ours, "times", 20, at_most=False)


def build(url: str) -> None:
    """Fill the template."""
    with psycopg.connect(url.replace("+psycopg2", "")) as connection:
        connection.execute(SCHEMA)  # type: ignore[arg-type]


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
    """The median seconds of a test, with their fixture and with ours."""
    theirs: list[float] = []
    ours: list[float] = []
    for _ in range(TURNS):
        theirs += run(server, THEIRS, tests=20)
        ours += run(server, OURS, tests=100)
    return statistics.median(theirs), statistics.median(ours)


def run(server: Server, fixtures: str, tests: int) -> list[float]:
    """Run pytest, and read the seconds of each test; without the first one's, which builds the template."""
    with tempfile.TemporaryDirectory() as folder:
        facts = {name: getattr(server, name) for name in ("provider", "host", "port", "user", "password", "version")}
        facts["socket_dir"] = str(server.socket_dir or "")
        (Path(folder) / "conftest.py").write_text(CONFTEST.format(schema=SCHEMA) + fixtures.format(**facts))
        (Path(folder) / "test_one.py").write_text(TEST.format(tests=tests))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        return json.loads((Path(folder) / "durations.json").read_text())[1:]  # type: ignore[no-any-return]


def row(name: str, value: float, unit: str, limit: float, *, at_most: bool) -> dict[str, Any]:
    """One figure for the report."""
    ok = value <= limit if at_most else value >= limit
    return {"name": name, "value": value, "unit": unit, "limit": f"{'≤' if at_most else '≥'} {limit:g}", "ok": ok}
