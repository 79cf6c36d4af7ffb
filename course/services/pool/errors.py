"""What the pool says when it cannot do what it was asked for."""

from __future__ import annotations

import psycopg

from course.errors import CourseError
from course.services.server import Server, ServerGoneError


class PoolError(CourseError):
    """The database pool could not do what it was asked for."""


class PoolClosedError(PoolError):
    """A database was asked of a pool that is closed."""


class PoolTimeoutError(PoolError):
    """No database became ready in time."""


class NotTakenError(PoolError):
    """A database was given back that this pool has not handed out."""


def explain(server: Server, error: psycopg.Error) -> CourseError:
    """Turn what PostgreSQL said into one sentence and the next step."""
    reason = str(error).strip().partition("\n")[0]
    if isinstance(error, psycopg.OperationalError) and not server.alive():
        return ServerGoneError(
            f"The {server.place} answers no longer: {reason}.",
            "Start it again (in a notebook: run the cell with course.begin again), then make a new pool.",
        )
    return PoolError(f"PostgreSQL could not do what the database pool asked for: {reason}.", _advice(error))


def _advice(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "Give the role the right to create databases: ALTER ROLE … CREATEDB."
    if isinstance(error, psycopg.errors.DiskFull):
        return "Make room on the server's disk, then try again."
    if isinstance(error, psycopg.errors.TooManyConnections):
        return "Close pools and sessions that you need no longer, or raise max_connections."
    return "Try again; if it stays, start the server anew."
