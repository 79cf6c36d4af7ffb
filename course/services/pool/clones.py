"""The clones of one template, on one server: made, put right after use, kept, dropped."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from course.services import databases
from course.services.databases import Label
from course.services.pool import template
from course.services.pool.connection import connect, is_open
from course.services.pool.errors import explain
from course.services.pool.snapshot import Look, Snapshot
from course.services.server import Server

Connection = psycopg.Connection[Any]


@dataclass
class Clone:
    """A database of the pool.

    Attributes:
        name: Its name.
        connection: The pool's own session in it. It puts the database right, and ends with the server.
        look: How it looked when it was clean.
    """

    name: str
    connection: Connection
    look: Look | None


class Clones:
    """Makes databases for one pool, and takes them back. All but `is_ready` is for one thread at a time.

    Args:
        server: Where they are.
        name: The pool's name.
        build: Fills the template; see `template.acquire`.
        version: Of what `build` makes.
        keep: How many databases of failed tests stay on the server.

    Raises:
        CourseError: The template could not be built, or the server did not let us.
    """

    def __init__(
        self, server: Server, name: str, build: Callable[[str], None] | None, version: str | None, *, keep: int
    ) -> None:
        self._server, self._name, self._keep = server, template.prefix(name), keep
        self._lock = secrets.token_hex(4)
        self._made = 0
        self._sessions: dict[str, Connection] = {}  # one in each clone, by its name
        self._snapshot: Snapshot | None = None
        try:
            self._connection = connect(server)
            with contextlib.ExitStack() as stack:
                stack.callback(self._connection.close)
                databases.hold(self._connection, self._lock)
                self._template = template.acquire(self._connection, server, self._name, build, version)
                stack.pop_all()
        except psycopg.Error as error:
            raise explain(server, error) from error

    def make(self) -> Clone:
        """Make one; where somebody ended our session meanwhile, a second time.

        Raises:
            CourseError: The server could not.
        """
        try:
            with contextlib.suppress(psycopg.OperationalError):
                return self._make()
            return self._make()
        except psycopg.Error as error:
            raise explain(self._server, error) from error

    def renew(self, clone: Clone) -> Clone:
        """Put a used one right; where that cannot be, or in doubt, drop it and make another."""
        with contextlib.suppress(psycopg.Error):
            if self._put_right(clone):
                return clone
        self.drop(clone)
        return self.make()

    def is_ready(self, clone: Clone) -> bool:
        """Whether its server is still there."""
        return is_open(clone.connection)

    def drop(self, clone: Clone) -> None:
        """Drop one, with all sessions in it. What cannot be dropped now, a later pool will find."""
        self._drop(clone.name)

    def keep(self, clone: Clone) -> None:
        """Leave one on the server, and drop the oldest ones that were left there if they are many."""
        self._leave(clone.name)
        connection = self._open_connection()
        databases.change_label(connection, clone.name, Label("kept", f"{time.time():020.6f}"))
        kept = [(label.lock, name) for name, label in databases.labels(connection).items() if label.kind == "kept"]
        for _, name in sorted(kept)[: max(0, len(kept) - self._keep)]:
            databases.drop_unless_used(connection, name, name)

    def drop_orphans(self) -> None:
        """Drop what pools of dead processes have left on the server."""
        databases.drop_orphans(self._open_connection(), mine=(self._lock, self._template.name))

    def end(self) -> None:
        """Drop all that was made, kept ones excepted, and the template if nobody else needs it."""
        with contextlib.suppress(psycopg.Error), self._open_connection() as connection:
            for name, label in databases.labels(connection).items():
                if label == Label("clone", self._lock):
                    databases.drop(connection, name)
            self._template.release(connection)
        self.leave()

    def leave(self) -> None:
        """Close all connections, as on a server that is gone."""
        for name in list(self._sessions):
            self._leave(name)
        self._connection.close()

    def _open_connection(self) -> Connection:
        """The one that holds the locks; if somebody ended it, a new one."""
        if not is_open(self._connection):
            self._connection = connect(self._server)
            for lock in (self._lock, self._template.name):
                databases.hold(self._connection, lock)
        return self._connection

    def _make(self) -> Clone:
        self._made += 1
        name = f"{self._name}_{self._lock}_{self._made}"
        try:
            self._template.clone(self._open_connection(), name, self._lock)
            is_superuser = self._connection.info.parameter_status("is_superuser") == "on"
            session = self._sessions[name] = connect(self._server, name, as_replica=is_superuser)
            return Clone(name, session, self._look(session) if is_superuser else None)
        except psycopg.Error:
            self._drop(name, foreign=True)  # it may lack its label
            raise

    def _drop(self, name: str, *, foreign: bool = False) -> None:
        self._leave(name)
        with contextlib.suppress(psycopg.Error, databases.ForeignDatabaseError):
            databases.drop(self._open_connection(), name, foreign=foreign)

    def _leave(self, name: str) -> None:
        if name in self._sessions:
            self._sessions.pop(name).close()

    def _look(self, connection: Connection) -> Look | None:
        """How a new clone looks; the first one is what later ones are put right by."""
        self._snapshot = self._snapshot or Snapshot.take(connection)
        return Look.at(connection) if self._snapshot else None

    def _put_right(self, clone: Clone) -> bool:
        if self._snapshot is None or clone.look is None or not databases.end_sessions(clone.connection, clone.name):
            return False
        look = self._snapshot.put_right(clone.connection, clone.look)
        clone.look = look or clone.look
        return look is not None
