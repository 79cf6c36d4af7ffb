"""One database of a pool, and the session that watches it and puts it right after use."""

# ruff: noqa: S608 - statements are made of names that the server itself has quoted

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from psycopg import sql
from psycopg.types.numeric import Int4

from course.services import marks
from course.services.connection import connect, connect_plainly, is_open
from course.services.fingerprint import NEWER, SCHEMA, ask, measure, pairs, sql_of, upcoming

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import psycopg2.extensions  # type: ignore[import-untyped]
    from psycopg import Cursor

    from course.services.fingerprint import Fingerprint, Table
    from course.services.server import Server

_MOST_RESETS = 500  # by then, what deleted rows leave behind in files and indexes begins to cost time
_MOST_GROWTH = 1 << 20  # bytes: a test that wrote that much, or many that left traces
_PATIENCE = 2.0  # seconds until the sessions that were told to end have ended

# Tells the other sessions in the database to end, and answers with their number, and with transactions that wait for
# the second half of a two-phase commit.
_OTHERS = """
SELECT (SELECT count(pg_terminate_backend(pid)) FROM pg_stat_get_activity(NULL)
  WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid <> pg_backend_pid() AND pid <> %s AND backend_type IS DISTINCT FROM 'autovacuum worker'),
  (SELECT array_agg(gid) FROM pg_prepared_xacts WHERE database = current_database())
"""


class Clone:
    """A database of the pool.

    Args:
        server: Where it is.
        name: Its name.
        replica: Whether the session may silence triggers and foreign keys, which a reset needs.

    Raises:
        ForeignDatabaseError: The course did not create it.
    """

    def __init__(self, server: Server, name: str, *, replica: bool = True) -> None:
        self.name = name
        self.resets = 0
        self.mark = 0
        self.fingerprint: Fingerprint | None = None
        self.session: psycopg2.extensions.connection | None = None
        self._server = server
        self.connection = connect(server, name, replica=replica)
        try:
            marks.refuse_unless_ours(self.connection, name)
        except BaseException:
            self.connection.close()
            raise

    def watch(self, fingerprint: Fingerprint | None) -> None:
        """Remember what it looks like now, before anybody works with it. The statements of a reset are made ready."""
        self.fingerprint = fingerprint
        self.quieten()
        if fingerprint is not None:
            self.mark = upcoming(self.connection)
            measure(self.connection, fingerprint.numbers)
            ask(self.connection, fingerprint.question, self.mark)

    def is_open(self) -> bool:
        """Whether its server is there and has not ended the session that watches it."""
        return is_open(self.connection)

    def reset(self) -> bool:
        """Make it like the template again.

        Returns:
            False if that cannot be done, or takes longer than to make a new one. Then it is to be dropped.
        """
        self.resets += 1
        if self.fingerprint is None or self.resets > _MOST_RESETS:
            return False
        if self._is_untouched(self.fingerprint):
            return True
        if not self.quieten() or self._has_grown(self.fingerprint):
            return False
        return self._restore(self.fingerprint)

    def quieten(self) -> bool:
        """End the other sessions in it, with their transactions and locks; whether they ended in time."""
        end = time.monotonic() + _PATIENCE
        while not self._is_quiet(self._end_others()):
            if time.monotonic() > end:
                return False
            time.sleep(0.0005)
        return True

    def _end_others(self) -> Cursor[Any]:
        ours = Int4(self.session.info.backend_pid if self.session else 0)
        return self.connection.execute(_OTHERS, [ours], prepare=True, binary=True)

    def _is_quiet(self, answer: Cursor[Any]) -> bool:
        others, prepared = answer.fetchone() or (0, None)
        for gid in prepared or ():
            self.connection.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
        return others == 0 and not prepared

    def _is_untouched(self, fingerprint: Fingerprint) -> bool:
        """Whether nobody is in it and nothing was written; both questions make one trip.

        A transaction that writes takes a number, and only sequences may go on without. The numbers are those of all
        databases of the server, so this may be false for an untouched one.
        """
        if not self.is_open():
            return False
        with self.connection.pipeline():
            others = self._end_others()
            short = self.connection.execute(fingerprint.short_question, prepare=True, binary=True)
        (following, _), *sequences = pairs(short)
        is_same = following == self.mark and tuple(sequences) == fingerprint.sequence_values
        return self._is_quiet(others) and is_same

    def open_session(self) -> psycopg2.extensions.connection:
        """A session for a test, without anything of ours; the one that was opened ahead, if there is one.

        Raises:
            psycopg2.Error: The server did not let it in.
        """
        if self.session is None:
            self.session = connect_plainly(self._server, self.name)
        return self.session

    def close_session(self) -> None:
        """End the session for a test, if there is one."""
        if self.session is not None:
            self.session.close()
            self.session = None

    def close(self) -> None:
        """End the session that watches it, and the one for a test."""
        self.close_session()
        self.connection.close()

    def _has_grown(self, fingerprint: Fingerprint) -> bool:
        return measure(self.connection, fingerprint.numbers) > fingerprint.size + _MOST_GROWTH

    def _restore(self, fingerprint: Fingerprint) -> bool:
        following = upcoming(self.connection)
        found = ask(self.connection, fingerprint.question, self.mark)
        if found[:SCHEMA] != fingerprint.values[:SCHEMA]:
            return False
        rows = slice(SCHEMA, SCHEMA + len(fingerprint.tables))
        changed = list(_changed(fingerprint.tables, fingerprint.values[rows], found[rows]))
        if not all(_can_be_restored(table, lost) for table, lost in changed):
            return False
        sequences = zip(fingerprint.sequences, fingerprint.sequence_values, found[rows.stop :], strict=True)
        advanced = [(name, clean) for name, clean, now in sequences if now != clean]
        if not changed and not advanced:
            self.mark = following
        else:
            self._put_back(
                [table for table, lost in changed if not lost],
                [table for table, lost in changed if lost],
                [f"SELECT setval({_quote(name)}, {last}, {bool(used)})" for name, (last, used) in advanced],
            )
        return True

    def _put_back(self, grown: list[Table], damaged: list[Table], sequences: list[str]) -> None:
        """Delete what was added, write anew what is not whole, turn sequences back; all or nothing, in one go."""
        deletes = [f"DELETE FROM ONLY {table.name} WHERE {NEWER % {'mark': self.mark}}" for table in grown]
        deletes += [f"DELETE FROM ONLY {table.name}" for table in damaged]
        cursor = self.connection.cursor()
        cursor.execute(sql_of("; ".join(["BEGIN", *deletes, *sequences, "SELECT pg_current_xact_id()::text::bigint"])))
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        for table in damaged:
            with cursor.copy(sql_of(f"COPY {table.name} ({table.columns}) FROM STDIN")) as copy:
                copy.write(table.rows)
        cursor.execute("COMMIT")
        self.mark = (int(row[0]) + 1) & 0xFFFFFFFF if row else self.mark


def _changed(
    tables: tuple[Table, ...], clean: tuple[tuple[int, int], ...], found: tuple[tuple[int, int], ...]
) -> Iterator[tuple[Table, bool]]:
    """The tables whose rows are not those of the template, and whether rows of the template are lost."""
    for table, (rows, _), (older, newer) in zip(tables, clean, found, strict=True):
        if older != rows or newer:
            yield table, older != rows


def _can_be_restored(table: Table, lost: bool) -> bool:
    return table.resettable and (table.columns is not None or not lost)


def _quote(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
