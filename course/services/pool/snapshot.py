"""What a clean database holds, and how a used one is put right: what was written to is emptied, and its rows come back.

PostgreSQL counts the rows that are written to each table, those of its own catalogs included, and a session hands its
counts over before it ends. So once all sessions have ended, the counts tell what they wrote to. Only rows of tables are
put right; if anything else has changed (in a catalog: the schema), the database is dropped.

One thing is not seen: what a superuser writes in a session that counts nothing (`SET track_counts = off`).
"""

# ruff: noqa: S608 - statements are made of names that the server itself has quoted

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg

Connection = psycopg.Connection[Any]

_COUNTED_SINCE = 150_000  # version of PostgreSQL; before it, counts came late and some not at all
_LARGEST = 2 << 20  # bytes of rows: with more, a new clone comes sooner
_MOST_GROWTH = 1 << 20  # bytes: what one test wrote, or what deleted rows of many have left behind

# What no count tells: the database's own entry and settings, halves of two-phase commits, counts that were set to zero
_SETTINGS = """
SELECT concat_ws(' ', d.xmin, pg_stat_get_db_stat_reset_time(d.oid),
  (SELECT string_agg(s::text, ' ' ORDER BY s.setrole) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid),
  (SELECT string_agg(gid, ' ') FROM pg_prepared_xacts WHERE database = d.datname))
FROM pg_database d WHERE d.datname = current_database()
"""
_WRITES = """
SELECT name, writes, size FROM (
  SELECT oid::regclass::text AS name,
    pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid) AS writes,
    CASE WHEN oid >= 16384 THEN pg_relation_size(oid) + coalesce(pg_relation_size(reltoastrelid), 0) ELSE 0 END AS size
  FROM pg_class WHERE relkind IN ('r', 'm') AND NOT relisshared) AS tables
WHERE size > 0 OR writes > 0
"""
# Tables in which nothing happens by itself when a session that acts as a replica writes to them
_TABLES = """
SELECT oid::regclass::text FROM pg_class t WHERE relkind = 'r' AND oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.oid AND tgenabled IN ('A', 'R'))
  AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = t.oid AND ev_enabled IN ('A', 'R'))
"""
_SEQUENCES = "SELECT seqrelid::regclass::text, quote_literal(seqrelid::regclass::text) FROM pg_sequence"


class Look(NamedTuple):
    """What a database looks like from outside.

    Attributes:
        settings: Its own settings.
        writes: The rows that were ever written, changed or deleted, table by table.
        size: Bytes of the files behind all tables, but for their indexes.
    """

    settings: str
    writes: dict[str, int]
    size: int

    @classmethod
    def at(cls, connection: Connection) -> Look:
        """Look at the connection's database."""
        (settings,) = connection.execute(_SETTINGS, prepare=True).fetchone() or ("",)
        rows = connection.execute(_WRITES, prepare=True).fetchall()
        return cls(settings, {name: writes for name, writes, _ in rows}, sum(size for *_, size in rows))

    def changed(self, before: Look) -> set[str]:
        """The tables that were written to since then."""
        return {name for name, writes in self.writes.items() if writes != before.writes.get(name, 0)}


@dataclass(frozen=True)
class Snapshot:
    """The rows of a clean database.

    Attributes:
        tables: What COPY says of the rows of each table that can be put right.
        sequences: The statements that set the sequences.
    """

    tables: dict[str, bytes]
    sequences: tuple[str, ...]

    @classmethod
    def take(cls, connection: Connection) -> Snapshot | None:
        """Remember a new clone, with which nobody has worked. None where it is better to drop used ones.

        Args:
            connection: To the clone, connected to as a replica.
        """
        if connection.info.server_version < _COUNTED_SINCE or Look.at(connection).size > _LARGEST:
            return None
        tables = {name: _read(connection, name) for (name,) in connection.execute(_TABLES).fetchall()}
        names = connection.execute(_SEQUENCES).fetchall()
        return cls(tables, tuple(_setval(connection, *name) for name in names))

    def put_right(self, connection: Connection, before: Look) -> Look | None:
        """Make a database as it was, if only rows and sequences have changed since a look at it.

        Args:
            connection: The only one to the database. What it writes itself is not counted.
            before: The look.

        Returns:
            How it looks now; None if it has to be dropped.
        """
        now = Look.at(connection)
        changed = now.changed(before)
        if (
            now.settings != before.settings
            or not changed <= self.tables.keys()
            or now.size > before.size + _MOST_GROWTH
        ):
            return None
        orders = [*(f"DELETE FROM ONLY {name}" for name in changed), *self.sequences]
        connection.execute("; ".join(orders).encode())
        for name in changed:
            if self.tables[name]:
                with connection.cursor().copy(f"COPY {name} FROM STDIN".encode()) as copy:
                    copy.write(self.tables[name])
        return before._replace(writes=now.writes)


def _read(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
        return b"".join(bytes(block) for block in copy)


def _setval(connection: Connection, name: str, literal: str) -> str:
    last, used = connection.execute(f"SELECT last_value, is_called FROM {name}".encode()).fetchone() or (1, False)
    return f"SELECT setval({literal}, {last}, {used})"
