"""Marks on databases: the course touches only those that it created, and knows them by their comment.

A mark is the database's comment, `course: <purpose>; owner <owner>`. It is written in the same breath as the database
is created, and read before anything is reset or dropped.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from psycopg import sql

from course.errors import CourseError
from course.services.owners import Owner

if TYPE_CHECKING:
    import psycopg

_SIGN = "course: "
_OWNER = "; owner "
_COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
_ALL = (
    "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database "
    "WHERE shobj_description(oid, 'pg_database') LIKE 'course: %' ORDER BY datname"
)


class ForeignDatabaseError(CourseError):
    """A database that the course did not create must not be touched."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"The database {database!r} was not created by the course, so it is neither reset nor dropped.",
            "Let the course create its own: set COURSE_DATABASE_URL to the server, not to a database that you need.",
        )


@dataclass(frozen=True)
class Mark:
    """What a marked database is for, and whose it is.

    Example:
        >>> Mark.parse("course: copy of users; owner 7/1.00/boot/space/host").purpose
        'copy of users'
        >>> Mark.parse("The company's customers") is None
        True
    """

    purpose: str
    owner: Owner

    @classmethod
    def parse(cls, comment: str | None) -> Self | None:
        """Read a database's comment; none for those that are not the course's."""
        if comment is None or not comment.startswith(_SIGN):
            return None
        purpose, _, owner = comment.removeprefix(_SIGN).rpartition(_OWNER)
        with contextlib.suppress(ValueError):
            return cls(purpose, Owner.parse(owner))
        return None

    def __str__(self) -> str:
        return f"{_SIGN}{self.purpose}{_OWNER}{self.owner}"


def mark(connection: psycopg.Connection[Any], database: str, purpose: str, owner: Owner | None = None) -> None:
    """Mark a database as created by the course.

    Args:
        connection: To any database of the same server.
        database: The one that was just created.
        purpose: A few words on what it is for.
        owner: The process that it belongs to; the present one if none is given.
    """
    connection.execute(statement(database, purpose, owner))


def statement(database: str, purpose: str, owner: Owner | None = None) -> sql.Composed:
    """The statement by which `mark` does it."""
    comment = sql.Literal(str(Mark(purpose, owner or Owner.me())))
    return sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), comment)


def read(connection: psycopg.Connection[Any], database: str) -> Mark | None:
    """The mark of a database; none where there is no such database, or it is not the course's."""
    row = connection.execute(_COMMENT, [database]).fetchone()
    return Mark.parse(row[0]) if row else None


def is_ours(connection: psycopg.Connection[Any], database: str) -> bool:
    """Whether the course created this database."""
    return read(connection, database) is not None


def refuse_unless_ours(connection: psycopg.Connection[Any], database: str) -> None:
    """Do nothing for a database that the course created.

    Raises:
        ForeignDatabaseError: It is somebody's, or it is not there.
    """
    if not is_ours(connection, database):
        raise ForeignDatabaseError(database)


def marked(connection: psycopg.Connection[Any]) -> dict[str, Mark]:
    """All databases that the course created on this server."""
    marks = {name: Mark.parse(comment) for name, comment in connection.execute(_ALL)}
    return {name: found for name, found in marks.items() if found is not None}
