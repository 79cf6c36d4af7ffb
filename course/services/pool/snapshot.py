"""What a clean database holds, and how a used one is put right: the tables written to are emptied and refilled.

PostgreSQL counts the rows written to each table, its own catalogs included, and a session reports its counts before it
ends. So once all sessions have ended, the counts tell what they wrote to. Only rows and sequences can be put right: if
a catalog was written to, the database is dropped. One thing is not seen: what a superuser writes in a session that
counts nothing (`SET track_counts = off`).
"""

# ruff: noqa: S608 - statements are made of names that the server itself has quoted

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg

Connection = psycopg.Connection[Any]

_COUNTED_SINCE = 150_000  # version of PostgreSQL; before it, counts came late and some not at all

# What no count tells: the database's own entry and settings, halves of two-phase commits, counts that were set to zero
_ENTRY = """
SELECT d.xmin::text, pg_stat_get_db_stat_reset_time(d.oid),
  (SELECT string_agg(s::text, ' ' ORDER BY s.setrole) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid),
  (SELECT string_agg(gid, ' ') FROM pg_prepared_xacts WHERE database = d.datname)
FROM pg_database d WHERE d.datname = current_database()
"""
_WRITES = """
SELECT oid::regclass::text, writes FROM pg_class, LATERAL (SELECT pg_stat_get_tuples_inserted(oid)
  + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid)) AS counts(writes)
WHERE relkind IN ('r', 'm') AND NOT relisshared AND writes > 0
"""
# With more than 2 MiB of rows, deleted ones included, a new clone comes sooner
_IS_LARGE = """
SELECT sum(pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0)) > 2 << 20
FROM pg_class WHERE relkind IN ('r', 'm') AND oid >= 16384
"""
# Tables in which nothing happens by itself when a session that acts as a replica writes to them
_TABLES = """
SELECT oid::regclass::text FROM pg_class t WHERE relkind = 'r' AND oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.oid AND tgenabled IN ('A', 'R'))
"""
_SEQUENCES = "SELECT seqrelid::regclass::text, quote_literal(seqrelid::regclass::text) FROM pg_sequence"


class Look(NamedTuple):
    """What PostgreSQL notes of a database itself, and how many rows were ever written to each of its tables."""

    entry: tuple[Any, ...] | None
    writes: dict[str, int]

    @classmethod
    def at(cls, connection: Connection) -> Look:
        """Look at the connection's database."""
        return cls(connection.execute(_ENTRY, prepare=True).fetchone(), dict(connection.execute(_WRITES, prepare=True)))


class Snapshot(NamedTuple):
    """The rows of each table that can be put right, as COPY writes them, and the statements that set the sequences."""

    tables: dict[str, bytes]
    sequences: list[str]

    @classmethod
    def take(cls, connection: Connection) -> Snapshot | None:
        """Remember a clean database. None where it is better to drop used ones."""
        if connection.info.server_version < _COUNTED_SINCE or _is_large(connection):
            return None
        tables = {name: _rows(connection, name) for (name,) in connection.execute(_TABLES).fetchall()}
        return cls(tables, [_setval(connection, *names) for names in connection.execute(_SEQUENCES).fetchall()])

    def put_right(self, connection: Connection, before: Look) -> Look | None:
        """Make a database as it was, if only rows and sequences have changed since a look at it.

        Args:
            connection: The only one to it, opened `as_replica`: what it writes is not counted.
            before: The look.

        Returns:
            How it looks now; None where it must be dropped.
        """
        now = Look.at(connection)
        changed = {name for name, writes in now.writes.items() if writes != before.writes.get(name, 0)}
        if now.entry != before.entry or not changed <= self.tables.keys() or (changed and _is_large(connection)):
            return None
        connection.execute("; ".join([*(f"DELETE FROM ONLY {name}" for name in changed), *self.sequences]).encode())
        for name in filter(self.tables.get, changed):
            with connection.cursor().copy(f"COPY {name} FROM STDIN".encode()) as copy:
                copy.write(self.tables[name])
        return now


def _is_large(connection: Connection) -> bool:
    return connection.execute(_IS_LARGE, prepare=True).fetchone() == (True,)


def _rows(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
        return b"".join(bytes(block) for block in copy)


def _setval(connection: Connection, name: str, literal: str) -> str:
    last, used = connection.execute(f"SELECT last_value, is_called FROM {name}".encode()).fetchone() or (1, False)
    return f"SELECT setval({literal}, {last}, {used})"
