"""Gives each run a fresh database on a running server, and drops what the run has left there."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from course.services.databases import create, drop, end_sessions
from course.services.server import Server

# How long a server may need to come back by itself, after one of its processes was killed, in seconds
RECOVERY_SECONDS = 5.0


class Databases:
    """Databases on one running server, for one user at a time.

    Args:
        server: A running one; `close` ends it.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        try:
            self._admin = self._connect()
            self._kept_databases, self._kept_roles = self._databases(), self._roles()
        except psycopg.Error:
            server.stop()
            raise

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A fresh database as a URL, empty or as `template` is; what was made beside it is dropped with it."""
        name = f"course_run_{os.getpid()}_{next(self._numbers)}"
        create(self._admin, name, template=template)
        try:
            yield self.url(name)
        finally:
            with contextlib.suppress(psycopg.OperationalError):
                if self.alive():  # a suite may have ended our connection
                    self._sweep()

    def url(self, database: str = "postgres", driver: str | None = "psycopg2") -> str:
        """The address of a database of that name, for the server's superuser."""
        return self._server.url(database, driver)

    def template(self, name: str, fill: Callable[[str], None]) -> str:
        """The name of a database to use as `template`; the first call makes it by `fill(url)`."""
        if name not in self._templates:
            database = f"course_template_{os.getpid()}_{next(self._numbers)}"
            create(self._admin, database, template="template0")
            self._kept_databases |= {database}
            fill(self.url(database))
            end_sessions(self._admin, database)
            self._templates[name] = database
        return self._templates[name]

    def alive(self) -> bool:
        """Whether the server answers; a suite may have ended our connection and left the server well."""
        try:
            self._admin.execute("SELECT 1")
        except psycopg.OperationalError:
            return self._reconnect()
        return True

    def close(self) -> None:
        """End the server."""
        self._admin.close()
        self._server.stop()

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(driver=None), autocommit=True, connect_timeout=10)

    def _reconnect(self) -> bool:
        """Connect again; a server that lost one of its processes says for a moment that it is recovering."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                self._admin = self._connect()
            except psycopg.OperationalError as error:
                if "refused" in str(error) or time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            else:
                return True

    def _sweep(self) -> None:
        """Drop the run's database and all else that the run made on the server."""
        for database in self._databases() - self._kept_databases:
            drop(self._admin, database, foreign=True)
        for role in self._roles() - self._kept_roles:
            self._admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

    def _databases(self) -> frozenset[str]:
        return self._names("SELECT datname FROM pg_database")

    def _roles(self) -> frozenset[str]:
        return self._names("SELECT rolname FROM pg_roles")

    def _names(self, query: str) -> frozenset[str]:
        return frozenset(row[0] for row in self._admin.execute(query.encode()).fetchall())
