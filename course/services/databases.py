"""Whole databases on a server: made with a mark, found by their mark, and dropped only when they bear it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from psycopg import errors, generators, sql
from psycopg.pq import ExecStatus

from course.services import marks

if TYPE_CHECKING:
    from psycopg import Connection

Kind = Literal["draft", "template", "clone", "kept"]


@dataclass(frozen=True)
class Purpose:
    """What a database of a pool is for, as its mark says.

    Attributes:
        kind: A template that is not finished is a "draft"; a clone that a failed test left is "kept".
        lease: The lease that its owners hold while they live; for kept ones, when they were kept.

    Example:
        >>> str(Purpose("clone", "4f1c9a02"))
        'pool clone, lease 4f1c9a02'
        >>> Purpose.parse("pool clone, lease 4f1c9a02")
        Purpose(kind='clone', lease='4f1c9a02')
        >>> Purpose.parse("a learner's container")
    """

    kind: Kind
    lease: str

    @classmethod
    def parse(cls, text: str) -> Purpose | None:
        """Read what `str` wrote; None for what is not a pool's."""
        found = re.fullmatch(r"pool (draft|template|clone|kept), lease (\S+)", text)
        return cls(cast("Kind", found[1]), found[2]) if found else None

    def __str__(self) -> str:
        return f"pool {self.kind}, lease {self.lease}"


def create(connection: Connection, name: str, purpose: Purpose, *, template: str, strategy: str | None = None) -> None:
    """Create a database as a copy of a template, with its mark.

    Both statements travel in one piece, and the server says nothing in between: a client that dies cannot leave a
    database without its mark.
    """
    how = sql.SQL(" STRATEGY {}").format(sql.Identifier(strategy)) if strategy else sql.SQL("")
    order = sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(sql.Identifier(name), sql.Identifier(template), how)
    _send_together(connection, order, marks.statement(name, str(purpose)))


def _send_together(connection: Connection, *statements: sql.Composed) -> None:
    """Send statements at once; psycopg's own pipeline sends each by itself, and a client may die in between."""
    pgconn = connection.pgconn
    with connection.lock:
        try:
            pgconn.enter_pipeline_mode()
            for statement in statements:
                pgconn.send_query_params(statement.as_bytes(connection), None)
            pgconn.pipeline_sync()
            # For each statement its result and the end of its results, and what the sync says
            results = [connection.wait(generators.fetch(pgconn)) for _ in range(2 * len(statements) + 1)]
            pgconn.exit_pipeline_mode()
        except BaseException:  # a connection with answers that nobody has read is of no use to anyone
            connection.close()
            raise
    for result in results:
        if result is not None and result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)


def find_purpose(connection: Connection, name: str) -> Purpose | None:
    """What a database is for; None if it is no pool's, or if it is not there."""
    mark = marks.read(connection, name)
    return Purpose.parse(mark.purpose) if mark else None


def list_purposes(connection: Connection) -> dict[str, Purpose]:
    """What the databases of all pools on the server are for, by name."""
    found = {name: Purpose.parse(mark.purpose) for name, mark in marks.marked(connection).items()}
    return {name: purpose for name, purpose in found.items() if purpose is not None}


def drop(connection: Connection, name: str, *, force: bool = True) -> None:
    """Drop a database that the course created. One that is gone already is no error.

    Args:
        connection: A connection to another database of the server.
        name: What to drop.
        force: End the sessions in it; without force, a database in use raises `psycopg.errors.ObjectInUse`.

    Raises:
        ForeignDatabaseError: The course did not create it.
    """
    known = connection.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [name]).fetchone()
    if known is None:
        return
    marks.refuse_unless_ours(connection, name)
    if known[0]:
        connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(name)))
    end = sql.SQL(" WITH (FORCE)" if force else "")
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}{}").format(sql.Identifier(name), end))


def change_purpose(connection: Connection, name: str, purpose: Purpose) -> None:
    """Say anew what a database of the course is for.

    Raises:
        ForeignDatabaseError: The course did not create it.
    """
    marks.refuse_unless_ours(connection, name)
    marks.mark(connection, name, str(purpose))
