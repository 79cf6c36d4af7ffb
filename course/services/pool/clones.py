"""A template and its clones, on one server: made, put right after use, kept, dropped."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from course.services import databases
from course.services.databases import EMPTY, Label
from course.services.pool.connection import connect, is_open
from course.services.pool.errors import PoolError, explained
from course.services.pool.snapshot import Look, Snapshot
from course.services.server import Server

Connection = psycopg.Connection[Any]

_KEPT = 20  # databases of failed tests that stay on one server, the youngest


@dataclass
class Clone:
    """A database of the pool.

    Attributes:
        name: Its name.
        connection: The pool's own session in it. It puts the database right, and ends with the server.
        look: How it looked when it was clean; None where it cannot be put right.
    """

    name: str
    connection: Connection
    look: Look | None


class Clones:
    """Makes databases for one pool, and takes them back. All but `is_open` of a clone is for one thread at a time.

    Args:
        server: Where they are.
        name: The pool's name.
        build: Fills the template; without it, clones are empty.

    Raises:
        CourseError: The template could not be built, or the server did not let us.
    """

    def __init__(self, server: Server, name: str, build: Callable[[str], None] | None) -> None:
        self._server, self._lock = server, secrets.token_hex(4)
        words = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
        self._name, self._made = f"course_{words[:24] or 'pool'}_{self._lock}", 0
        self._living: dict[str, Clone] = {}
        self._snapshot: Snapshot | None = None
        with explained(server):
            self._connection = connect(server)
            databases.hold(self._connection, self._lock)
        try:
            self._template = self._build(build) if build else EMPTY
        except BaseException:
            self.end()
            raise

    def make(self) -> Clone:
        """Make one; where somebody ended our session meanwhile, a second time.

        Raises:
            CourseError: The server could not.
        """
        with explained(self._server):
            with contextlib.suppress(psycopg.OperationalError):
                return self._make()
            return self._make()

    def renew(self, clone: Clone) -> Clone:
        """Put a used one right; where that cannot be, or in doubt, drop it and make another."""
        with contextlib.suppress(psycopg.Error):
            if self._put_right(clone):
                return clone
        self.drop(clone)
        return self.make()

    def drop(self, clone: Clone) -> None:
        """Drop one, with all sessions in it. What cannot be dropped now, a later pool will find."""
        self._leave(clone.name)
        with contextlib.suppress(psycopg.Error, databases.ForeignDatabaseError):
            databases.drop(self._open_connection(), clone.name)

    def keep(self, clone: Clone) -> None:
        """Leave one on the server, and drop the oldest ones that were left there if they are many."""
        self._leave(clone.name)
        connection = self._open_connection()
        databases.change_label(connection, clone.name, Label("kept", str(time.time_ns())))
        kept = [(label.lock, name) for name, label in databases.labels(connection).items() if label.kind == "kept"]
        for lock, name in sorted(kept)[:-_KEPT]:
            databases.drop_unless_used(connection, name, lock)

    def drop_orphans(self) -> None:
        """Drop what pools of dead processes have left on the server."""
        databases.drop_orphans(self._open_connection(), mine=self._lock)

    def end(self) -> None:
        """Drop the template and all clones but those that are kept."""
        with contextlib.suppress(psycopg.Error), self._open_connection() as connection:
            for name, label in databases.labels(connection).items():
                if label.lock == self._lock:
                    databases.drop(connection, name)
        self.leave()

    def leave(self) -> None:
        """Close all connections, as on a server that is gone."""
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

    def _open_connection(self) -> Connection:
        """The one that holds the lock; if somebody ended it, a new one."""
        if not is_open(self._connection):
            self._connection = connect(self._server)
            databases.hold(self._connection, self._lock)
        return self._connection

    def _make(self) -> Clone:
        self._made += 1
        name = f"{self._name}_{self._made}"
        try:
            connection = self._open_connection()
            databases.create(connection, name, template=self._template, label=Label("clone", self._lock))
            is_superuser = connection.info.parameter_status("is_superuser") == "on"
            clone = self._living[name] = Clone(name, connect(self._server, name, as_replica=is_superuser), None)
            if is_superuser:
                self._snapshot = self._snapshot or Snapshot.take(clone.connection)
                clone.look = Look.at(clone.connection)
        except psycopg.Error:
            self._leave(name)
            with contextlib.suppress(psycopg.Error):
                databases.drop(self._open_connection(), name, foreign=True)  # it may lack its label
            raise
        return clone

    def _leave(self, name: str) -> None:
        if name in self._living:
            self._living.pop(name).connection.close()

    def _put_right(self, clone: Clone) -> bool:
        if not self._snapshot or not clone.look or not databases.end_sessions(clone.connection, clone.name):
            return False
        clone.look = self._snapshot.put_right(clone.connection, clone.look)
        return clone.look is not None
