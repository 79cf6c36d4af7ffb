"""What the pool says when it cannot do what it was asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from course.errors import CourseError
from course.services.server import Server, ServerGoneError

_ADVICE: dict[type[psycopg.Error], str] = {
    psycopg.errors.InsufficientPrivilege: "Give the role the right to create databases: ALTER ROLE … CREATEDB.",
    psycopg.errors.DiskFull: "Make room on the server's disk, then try again.",
    psycopg.errors.TooManyConnections: "Close pools and sessions that you need no longer, or raise max_connections.",
}


class PoolError(CourseError):
    """The database pool could not do what it was asked for."""


@contextlib.contextmanager
def explained(server: Server) -> Iterator[None]:
    """Turn what PostgreSQL says in a block into one sentence and the next step."""
    try:
        yield
    except psycopg.Error as error:
        reason = str(error).strip().partition("\n")[0]
        if isinstance(error, psycopg.OperationalError) and not server.alive():
            raise ServerGoneError(
                f"The {server.place} answers no longer: {reason}.",
                "Start it again (in a notebook: run the cell with course.begin again), then make a new pool.",
            ) from error
        advice = _ADVICE.get(type(error), "Try again; if it stays, start the server anew.")
        raise PoolError(f"PostgreSQL could not do what the database pool asked for: {reason}.", advice) from error
