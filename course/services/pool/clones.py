"""Makes databases on one server from a template, puts used ones right, and drops them."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from course.errors import CourseError
from course.services import databases
from course.services.databases import EMPTY, Label
from course.services.pool.snapshot import Look, Snapshot
from course.services.server import Server

Connection = psycopg.Connection[Any]

_KEPT = 20  # databases of failed tests that stay on one server, the youngest
_SETTINGS = "-c search_path=pg_catalog -c statement_timeout=120s"
# Triggers and foreign keys stay silent, as for a replica, and what is written is not counted; only superusers may
_AS_REPLICA = " -c session_replication_role=replica -c track_counts=off"


class PoolError(CourseError):
    """The database pool could not do what it was asked for."""


@dataclass
class Clone:
    """A database of the pool.

    Attributes:
        name: Its name.
        connection: The pool's own session in it, which puts it right.
        look: How it looked when it was clean; None where it cannot be put right.
    """

    name: str
    connection: Connection
    look: Look | None = None


class Clones:
    """The template and the clones of one pool, for one thread at a time.

    Args:
        server: Where they are.
        name: The pool's name.
        build: Fills the template; without it, clones are empty.

    Raises:
        CourseError: The template could not be built, or the server refused.
    """

    def __init__(self, server: Server, name: str, build: Callable[[str], None] | None) -> None:
        self._server, self._lock, self._numbers = server, secrets.token_hex(4), itertools.count(1)
        words = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
        self._name = f"course_{words[:24] or 'pool'}_{self._lock}"
        self._living: dict[str, Clone] = {}
        self._snapshot: Snapshot | None = None
        with explained(server):
            self._connection = self._log_in()
        try:
            self._template = self._build(build) if build else EMPTY
        except BaseException:
            self.end()
            raise

    def make(self) -> Clone:
        """Make one; where somebody ended our session meanwhile, try again.

        Raises:
            CourseError: The server refused.
        """
        with explained(self._server):
            with contextlib.suppress(psycopg.OperationalError):
                return self._make()
            return self._make()

    def renew(self, clone: Clone) -> Clone:
        """Put a used one right; where that cannot be done, drop it and make another."""
        with contextlib.suppress(psycopg.Error):
            if clone.look and self._snapshot and databases.end_sessions(clone.connection, clone.name):
                clone.look = self._snapshot.put_right(clone.connection, clone.look)
                if clone.look:
                    return clone
        self.drop(clone)
        return self.make()

    def drop(self, clone: Clone) -> None:
        """Drop one, with all sessions in it. What cannot be dropped now, a later pool will find."""
        self._leave(clone.name)
        with contextlib.suppress(psycopg.Error, databases.ForeignDatabaseError):
            databases.drop(self._admin(), clone.name)

    def keep(self, clone: Clone) -> None:
        """Leave one on the server, and drop the oldest ones that were kept if they are many."""
        self._leave(clone.name)
        connection = self._admin()
        databases.change_label(connection, clone.name, Label("kept", str(time.time_ns())))
        kept = [(label.lock, name) for name, label in databases.labels(connection).items() if label.kind == "kept"]
        for lock, name in sorted(kept)[:-_KEPT]:
            databases.drop_unless_used(connection, name, lock)

    def drop_orphans(self) -> None:
        """Drop what pools of dead processes have left on the server."""
        databases.drop_orphans(self._admin(), mine=self._lock)

    def end(self) -> None:
        """Drop the template and all clones but those that are kept."""
        with contextlib.suppress(psycopg.Error), self._admin() as connection:
            for name, label in databases.labels(connection).items():
                if label.lock == self._lock:
                    databases.drop(connection, name)
        self.leave()

    def leave(self) -> None:
        """Close all connections."""
        for name in list(self._living):
            self._leave(name)
        self._connection.close()

    def _build(self, build: Callable[[str], None]) -> str:
        name = f"{self._name}_template"
        with explained(self._server):
            databases.create(self._connection, name, label=Label("template", self._lock))
        try:
            build(self._server.url(name))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise PoolError(
                f"The pool's template could not be built ({reason}).",
                "Correct the function given as `build`: it creates all tables and rows in an empty database.",
            ) from error
        databases.make_template(self._connection, name)
        return name

    def _make(self) -> Clone:
        name, connection = f"{self._name}_{next(self._numbers)}", self._admin()
        databases.create(connection, name, template=self._template, label=Label("clone", self._lock))
        is_superuser = connection.info.parameter_status("is_superuser") == "on"
        clone = self._living[name] = Clone(name, connect(self._server, name, as_replica=is_superuser))
        if is_superuser:
            self._snapshot = self._snapshot or Snapshot.take(clone.connection)
            clone.look = Look.at(clone.connection)
        return clone

    def _leave(self, name: str) -> None:
        if name in self._living:
            self._living.pop(name).connection.close()

    def _admin(self) -> Connection:
        """The session that holds the pool's lock; if somebody ended it, a new one."""
        if not is_open(self._connection):
            self._connection = self._log_in()
        return self._connection

    def _log_in(self) -> Connection:
        connection = connect(self._server)
        databases.hold(connection, self._lock)
        return connection


def connect(server: Server, database: str = "postgres", *, as_replica: bool = False) -> Connection:
    """Open a connection in autocommit mode, over the server's socket where it has one; PGHOSTADDR is ignored."""
    return psycopg.connect(
        server.url(database, driver=None),
        host=str(server.socket_dir or server.host),
        hostaddr="",
        options=_SETTINGS + (_AS_REPLICA if as_replica else ""),
        application_name="course pool",
        connect_timeout=10,
        autocommit=True,
    )


def is_open(connection: Connection) -> bool:
    """Whether the server has not ended this session, as far as one sees without asking it."""
    try:
        for _ in range(2):  # its last words, then the end
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return connection.pgconn.status == psycopg.pq.ConnStatus.OK


@contextlib.contextmanager
def explained(server: Server) -> Iterator[None]:
    """Turn what PostgreSQL says in a block into one sentence and the next step."""
    try:
        yield
    except psycopg.Error as error:
        server.require()
        reason = str(error).strip().partition("\n")[0]
        raise PoolError(
            f"PostgreSQL could not do what the database pool asked for: {reason}.",
            "The role needs the right CREATEDB, the disk room, and the server a free connection; then try again.",
        ) from error
