"""What this process waits for in C, where no Python runs: statements under way, who holds their lock, open sockets."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import psutil

ACTIVE = 1  # the transaction status of libpq, and so of both drivers: a statement is under way
PATIENCE = 2  # seconds for a question about locks
LONGEST = 90  # characters of a statement
ASK = """
SELECT waiting.query, holder.pid, holder.query
FROM pg_stat_activity AS waiting, unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
WHERE waiting.pid = %s
"""


@dataclass(frozen=True)
class LockWait:
    """One session that waits for a lock, and the one that holds it.

    Attributes:
        waiting: The statement that waits.
        holding: The last statement of the session that holds the lock.
        holder: The connection of that session; None where it is not this process's.
    """

    waiting: str
    holding: str
    holder: Any


def executing() -> list[Any]:
    """The connections of this process whose server works on a statement, whichever thread has sent it."""
    return [each for each in _connections() if not each.closed and each.info.transaction_status == ACTIVE]


def lock_wait(connections: Collection[Any]) -> LockWait | None:
    """Find out whether one of these connections waits for a lock; None as well where the server does not tell."""
    for connection in connections:
        with contextlib.suppress(Exception):  # it may end at any moment, or refuse another session
            if found := _ask(connection):
                return found
    return None


def cancel(connections: Collection[Any]) -> None:
    """End the statements that are under way, as Ctrl-C in psql does; SQLite's, too."""
    for connection in connections:
        with contextlib.suppress(Exception):  # it may have ended meanwhile
            connection.cancel()
    for connection in _objects("sqlite3.Connection"):
        with contextlib.suppress(Exception):
            connection.interrupt()


def sockets() -> set[int]:
    """The file descriptors of TCP connections that this process has opened to somebody."""
    with contextlib.suppress(psutil.Error, OSError):
        every = psutil.Process().net_connections("tcp")
        served = {each.laddr.port for each in every if each.status == psutil.CONN_LISTEN}
        return {each.fd for each in every if each.raddr and each.fd >= 0 and each.laddr.port not in served}
    return set()


def sever(descriptors: Collection[int]) -> None:
    """Shut connections down, so that whoever waits for an answer sees their end."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
            connection.shutdown(socket.SHUT_RDWR)


def _connections() -> Iterator[Any]:
    for each in _objects("psycopg2.extensions.connection", "psycopg.Connection"):
        # The course's own sessions are psycopg's in autocommit mode
        if not hasattr(each, "pgconn") or not each.autocommit:
            yield each


def _objects(*names: str) -> list[Any]:
    """All objects of these classes; none of a class that nobody has imported."""
    known = ((sys.modules.get(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in names)
    wanted = tuple(getattr(module, name) for module, name in known if module)
    every = gc.get_objects()
    # By `type`, for a proxy's `__class__` may run anybody's code
    kinds = {kind for kind in set(map(type, every)) if issubclass(kind, wanted)}
    return [each for each in every if type(each) in kinds]


def _ask(connection: Any) -> LockWait | None:
    import psycopg  # noqa: PLC0415 - only where something waits

    info = connection.info
    login = {name: getattr(info, name) for name in ("host", "port", "user", "password", "dbname")}
    options = f"-c statement_timeout={PATIENCE}s"
    with psycopg.connect("", **login, autocommit=True, connect_timeout=PATIENCE, options=options) as asking:
        row = asking.execute(ASK, (info.backend_pid,)).fetchone()
    if row is None:
        return None
    waiting, pid, holding = row
    holder = next((each for each in _connections() if not each.closed and each.info.backend_pid == pid), None)
    return LockWait(_short(waiting), _short(holding), holder)


def _short(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
