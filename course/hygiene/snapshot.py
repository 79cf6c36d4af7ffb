"""What a suite leaves on a server: what is there afterwards and was not before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

OBJECTS = """
SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
       CASE WHEN nspname = 'public' THEN relname ELSE nspname || '.' || relname END
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND nspname !~ '^(pg_|information_schema$)'
UNION ALL
SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)'
UNION ALL
SELECT 'database', datname FROM pg_database
UNION ALL
SELECT 'role', rolname FROM pg_roles
"""
TABLES = """
SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema$)'
"""
# An abandoned session is one whose client was gone before it said so: a connection that nobody closed
SESSIONS = "SELECT sessions, sessions_abandoned FROM pg_stat_database WHERE datname = current_database()"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
PATIENCE = 3.0  # seconds that sessions may take to end, once their client is gone


@dataclass(frozen=True)
class Snapshot:
    """What is in a database, and beside it.

    Attributes:
        objects: Pairs of kind and name.
        rows: Table to its number of rows.
        sessions: How many connections the database has seen.
        abandoned: How many of them ended without being closed.
    """

    objects: frozenset[tuple[str, str]]
    rows: Mapping[str, int]
    sessions: int = 0
    abandoned: int = 0


def plain(url: str) -> str:
    """A URL for libpq, from one for SQLAlchemy."""
    scheme, mark, rest = url.partition("://")
    return scheme.partition("+")[0] + mark + rest


def take_snapshot(url: str) -> Snapshot:
    """Look at a database, and at what is beside it.

    Raises:
        psycopg.OperationalError: The server does not answer, or the database is gone.
    """
    with psycopg.connect(plain(url), autocommit=True, connect_timeout=10) as connection:
        objects = frozenset((str(kind), str(name)) for kind, name in connection.execute(OBJECTS).fetchall())
        tables = connection.execute(TABLES).fetchall()
        rows = {_name(schema, table): _count(connection, schema, table) for schema, table in tables}
        _wait_for_the_end_of_others(connection)
        sessions, abandoned = connection.execute(SESSIONS).fetchone() or (0, 0)
        return Snapshot(objects, rows, int(sessions), int(abandoned))


def left_behind(before: Snapshot, after: Snapshot, allowed: Snapshot) -> tuple[str, ...]:
    """What is there afterwards and was not before, as phrases such as `3 rows in todos`.

    Args:
        before: The empty database.
        after: As the suite left it.
        allowed: A database where the program alone has started: its own empty tables are no litter.
    """
    known = before.objects | {pair for pair in allowed.objects if pair[0] not in ("database", "role")}
    new = sorted(after.objects - known)
    schemas = {name for kind, name in new if kind == "schema"}
    phrases = [f"the {kind} {name}" for kind, name in new if name.partition(".")[0] not in schemas or kind == "schema"]
    rows = sorted((table, count) for table, count in after.rows.items() if ("table", table) not in set(new))
    return tuple(
        [
            f"{count} row{'s' if count > 1 else ''} in {table}"
            for table, count in rows
            if count > allowed.rows.get(table, 0)
        ]
        + phrases
    )


def take_rows(url: str) -> Mapping[str, Counter[str]]:
    """All rows of all tables, as texts; for databases with few of them.

    Raises:
        psycopg.OperationalError: The server does not answer, or the database is gone.
    """
    with psycopg.connect(plain(url), autocommit=True, connect_timeout=10) as connection:
        tables = connection.execute(TABLES).fetchall()
        return {_name(schema, table): Counter(_texts(connection, schema, table)) for schema, table in tables}


def rows_gone(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> tuple[str, ...]:
    """The rows that were there before and are not as they were, as phrases such as `2 rows in todos`."""
    gone = {table: (rows - after.get(table, Counter())).total() for table, rows in sorted(before.items())}
    return tuple(f"{count} row{'s' if count > 1 else ''} in {table}" for table, count in gone.items() if count)


def _texts(connection: psycopg.Connection, schema: str, table: str) -> list[str]:
    query = sql.SQL("SELECT row_to_json(each)::text FROM {} AS each").format(sql.Identifier(schema, table))
    return [text for (text,) in connection.execute(query).fetchall()]


def _wait_for_the_end_of_others(connection: psycopg.Connection) -> None:
    """Wait until PostgreSQL has counted the sessions that have ended."""
    until = time.monotonic() + PATIENCE
    while connection.execute(OTHERS).fetchone() != (0,) and time.monotonic() < until:
        time.sleep(0.005)


def _name(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _count(connection: psycopg.Connection, schema: str, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
    (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)
