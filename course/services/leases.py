"""Who is still there: an owner holds a lease, a lock on the server that ends with its connection, however it ends."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psycopg

from course.services import databases
from course.services.databases import Purpose

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from psycopg import Connection

# The number behind a lease: advisory locks are numbered, and these words keep it away from other people's numbers.
_KEY = "hashtextextended('integration testing course ' || %s, 0)"

_SESSIONS = "SELECT 1 FROM pg_stat_activity WHERE datname = %s LIMIT 1"


def hold(connection: Connection, lease: str) -> None:
    """Hold a lease until the connection ends. Leases with one name may be held by many."""
    connection.execute(f"SELECT pg_advisory_lock_shared({_KEY})", [lease])


def let_go(connection: Connection, lease: str) -> None:
    """Hold it no longer."""
    connection.execute(f"SELECT pg_advisory_unlock_shared({_KEY})", [lease])


@contextlib.contextmanager
def alone(connection: Connection, lease: str, *, wait: bool = False) -> Iterator[bool]:
    """Have a lease to oneself for a moment.

    Args:
        connection: A connection to the server's database "postgres": locks of other databases are other locks.
        lease: The lease's name.
        wait: Wait until all others have let it go.

    Yields:
        Whether nobody else holds it.
    """
    call = "true FROM pg_advisory_lock" if wait else "pg_try_advisory_lock"
    row = connection.execute(f"SELECT {call}({_KEY})", [lease]).fetchone()
    had = bool(row and row[0])
    try:
        yield had
    finally:
        if had and not connection.closed:
            connection.execute(f"SELECT pg_advisory_unlock({_KEY})", [lease])


def drop_orphans(connection: Connection, *, mine: Container[str], keep: int) -> list[str]:
    """Drop the databases of dead owners, and all but the youngest of those that were kept after failed tests.

    Nothing that is in use is dropped: its owner holds its lease, and a database with a session in it stays anyway.

    Args:
        connection: A connection to the server's database "postgres".
        mine: The leases of the connection itself, which are not in its own way.
        keep: How many kept databases may stay.

    Returns:
        The names of those that were dropped.
    """
    purposes = databases.list_purposes(connection).items()
    owned = [
        (name, purpose.lease) for name, purpose in purposes if purpose.kind != "kept" and purpose.lease not in mine
    ]
    orphans = [name for name, lease in owned if _drop(connection, name, lease)]
    return orphans + drop_kept(connection, keep=keep)


def drop_all(connection: Connection, lease: str) -> None:
    """Drop all clones that were made under a lease."""
    for name, purpose in databases.list_purposes(connection).items():
        if purpose == Purpose("clone", lease):
            databases.drop(connection, name)


def drop_kept(connection: Connection, *, keep: int) -> list[str]:
    """Drop all but the youngest of the databases that were kept after failed tests; returns their names."""
    purposes = databases.list_purposes(connection).items()
    kept = sorted((purpose.lease, name) for name, purpose in purposes if purpose.kind == "kept")
    doomed = [name for _, name in kept[: max(0, len(kept) - keep)]]
    return [name for name in doomed if _drop(connection, name, f"kept {name}")]


def _drop(connection: Connection, name: str, lease: str) -> bool:
    """Drop a database if nobody holds its lease and no session is in it."""
    with alone(connection, lease) as nobody_else:
        if not nobody_else or connection.execute(_SESSIONS, [name]).fetchone():
            return False
        with contextlib.suppress(psycopg.errors.ObjectInUse):
            databases.drop(connection, name, force=False)
            return True
    return False
