"""Creates, labels and drops databases on a server, for the engine, the pool and the stand-in.

A label is the database's comment, `course: <kind> <lock>`. Its owner's connection holds the advisory lock of that name;
a labelled database whose lock nobody holds may be dropped.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import errors, generators, sql
from psycopg.pq import ExecStatus

from course.errors import CourseError

EMPTY = "template0"
_FILE_COPY_SINCE = 150_000  # version of PostgreSQL
_PATIENCE = 2.0  # seconds until sessions that were told to end have ended
_LABEL = re.compile(r"course: (\w+) (\S+)")
# Advisory locks are numbered; these words keep ours away from other people's numbers
_NUMBER = "hashtextextended('integration testing course ' || %s, 0)"
_LABELS = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database ORDER BY datname"
_END_SESSIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_get_activity(NULL) WHERE pid <> pg_backend_pid()"
    " AND datid = (SELECT oid FROM pg_database WHERE datname = %s)"
)

Connection = psycopg.Connection[Any]


class ForeignDatabaseError(CourseError):
    """A database that the course did not create must not be touched."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"The database {database!r} was not created by the course, so it is neither reset nor dropped.",
            "Let the course create its own: set COURSE_DATABASE_URL to the server, not to a database that you need.",
        )


class Label(NamedTuple):
    """What a database is for, and the lock that is held while it is needed.

    Example:
        >>> str(Label("clone", "4f1c9a02"))
        'course: clone 4f1c9a02'
        >>> Label.parse("course: clone 4f1c9a02")
        Label(kind='clone', lock='4f1c9a02')
        >>> Label.parse("The company's customers")
    """

    kind: str
    lock: str

    @classmethod
    def parse(cls, comment: str | None) -> Label | None:
        """Read what `str` wrote; None for a comment of somebody else."""
        found = _LABEL.fullmatch(comment or "")
        return cls(found[1], found[2]) if found else None

    def __str__(self) -> str:
        return f"course: {self.kind} {self.lock}"


def create(
    connection: Connection, name: str, *, template: str = EMPTY, label: Label | None = None, owner: str | None = None
) -> None:
    """Create a database as a copy of a template, to which nobody may be connected.

    Args:
        connection: In autocommit mode, to another database of the server.
        name: Its name.
        template: What is copied; without it, the database is empty.
        label: Sent together with the order, so that a client that dies leaves no database without it.
        owner: The role that owns it; the connection's if None.
    """
    options = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    if owner is not None:
        options += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
    if _is_quick_with_files(connection):
        options += sql.SQL(" STRATEGY FILE_COPY")
    order = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + options
    if label is None:
        connection.execute(order)
        return
    _send_together(connection, order, _comment(name, label))


def drop(connection: Connection, name: str, *, foreign: bool = False) -> None:
    """Drop a database of the course with all sessions in it; a missing one is no error.

    Args:
        connection: In autocommit mode, to another database of the server.
        name: Its name.
        foreign: Drop it whatever its label, on a server where everything is ours.

    Raises:
        ForeignDatabaseError: It has no label of ours.
    """
    question = "SELECT shobj_description(oid, 'pg_database'), datistemplate FROM pg_database WHERE datname = %s"
    comment, is_template = connection.execute(question, [name]).fetchone() or ("", None)
    if is_template is None:
        return
    if not foreign and Label.parse(comment) is None:
        raise ForeignDatabaseError(name)
    if is_template:
        connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(name)))
    end_sessions(connection, name)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def end_sessions(connection: Connection, name: str) -> bool:
    """End all other sessions in a database; whether they ended in time.

    `DROP DATABASE … WITH (FORCE)` ends them as well, but looks only every 0.1 s whether they have ended.
    """
    end = time.monotonic() + _PATIENCE
    while connection.execute(_END_SESSIONS, [name], prepare=True).fetchone() != (0,):
        if time.monotonic() > end:
            return False
        time.sleep(0.0005)
    return True


def make_template(connection: Connection, name: str) -> None:
    """Close the database to everybody, so that it can be copied."""
    order = "ALTER DATABASE {} ALLOW_CONNECTIONS false IS_TEMPLATE true"
    connection.execute(sql.SQL(order).format(sql.Identifier(name)))
    end_sessions(connection, name)


def change_label(connection: Connection, name: str, label: Label) -> None:
    """Replace the label of a database of the course.

    Raises:
        ForeignDatabaseError: The course did not create it.
    """
    if name not in labels(connection):
        raise ForeignDatabaseError(name)
    connection.execute(_comment(name, label))


def labels(connection: Connection) -> dict[str, Label]:
    """The labels of all databases of the course on the server, by database."""
    found = {name: Label.parse(comment) for name, comment in connection.execute(_LABELS)}
    return {name: label for name, label in found.items() if label is not None}


def hold(connection: Connection, lock: str) -> None:
    """Hold a lock, shared, until the connection ends."""
    connection.execute(f"SELECT pg_advisory_lock_shared({_NUMBER})", [lock])


@contextlib.contextmanager
def alone(connection: Connection, lock: str) -> Iterator[bool]:
    """Hold a lock exclusively during a block.

    Args:
        connection: To the server's database "postgres": locks of other databases are other locks.
        lock: Its name.

    Yields:
        Whether nobody else holds it.
    """
    had = connection.execute(f"SELECT pg_try_advisory_lock({_NUMBER})", [lock]).fetchone() == (True,)
    try:
        yield had
    finally:
        if had and not connection.closed:
            connection.execute(f"SELECT pg_advisory_unlock({_NUMBER})", [lock])


def drop_orphans(connection: Connection, mine: str) -> None:
    """Drop all databases whose lock is free and in which there is no session; `mine` is the connection's own lock."""
    for name, label in labels(connection).items():
        if label.kind != "kept" and label.lock != mine:
            drop_unless_used(connection, name, label.lock)


def drop_unless_used(connection: Connection, name: str, lock: str) -> None:
    """Drop a database if its lock is free and nobody is connected."""
    sessions = "SELECT 1 FROM pg_stat_activity WHERE datname = %s LIMIT 1"
    with alone(connection, lock) as is_free:
        if is_free and connection.execute(sessions, [name]).fetchone() is None:
            drop(connection, name)


def _comment(name: str, label: Label) -> sql.Composed:
    return sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(str(label)))


def _send_together(connection: Connection, *statements: sql.Composed) -> None:
    """Send statements in one message: psycopg's own pipeline sends each by itself, and a client may die in between."""
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


def _is_quick_with_files(connection: Connection) -> bool:
    """Where the server does not wait for its disk, copying files takes 6 ms against 13."""
    return connection.info.server_version >= _FILE_COPY_SINCE and connection.execute(
        "SHOW fsync", prepare=True
    ).fetchone() == ("off",)
