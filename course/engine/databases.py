"""A server and what is on it: a fresh database for each run, and nothing left of the runs before."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import sql

from course.engine.processors import processor, staying_on
from course.errors import CourseError
from course.services.databases import create, drop, end_sessions

T = TypeVar("T")
# How long a server may need to come back by itself, after one of its processes was killed, in seconds
RECOVERY_SECONDS = 5.0


class ServerLostError(CourseError):
    """The server died again in the second attempt."""


class Server(Protocol):
    """What a slot needs of a PostgreSQL server; `course.services.server.Server` is one."""

    @property
    def provider(self) -> str: ...
    def url(self, database: str = "postgres", driver: str | None = "psycopg2") -> str: ...
    def stop(self) -> None: ...


class Databases:
    """Databases on one server, for one user at a time.

    Args:
        start: Starts the server, when it is first needed and again after it died.
        shared: Others use the server too: only what was made here is dropped then.
        number: The server stays on the processor of that number, with all else of this number.
    """

    def __init__(self, start: Callable[[], Server], *, shared: bool, number: int) -> None:
        self._start = start
        self._shared = shared
        self.processor = processor(number)
        self._numbers = itertools.count(1)
        self._server: Server | None = None
        self._admin: psycopg.Connection[Any] | None = None
        self._kept_databases: frozenset[str] = frozenset()
        self._kept_roles: frozenset[str] = frozenset()
        self._templates: dict[str, str] = {}

    def survive(self, job: Callable[[], T]) -> T:
        """Do `job`; where the server died meanwhile, or a suite ended a connection of ours, do it again, once.

        Raises:
            ServerLostError: It died both times.
            psycopg.OperationalError: It is well, and the job failed both times.
        """
        for is_last in (False, True):
            try:
                result = job()
                if self.alive():
                    return result
            except psycopg.OperationalError:
                if self.alive():
                    if is_last:
                        raise
                    continue
            self.restart()
        raise ServerLostError("PostgreSQL died twice while this suite ran.")

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A fresh database as a URL, empty or as `template` is; what was made beside it is dropped with it."""
        self.ensure()
        assert self._server is not None  # noqa: S101 - tells the type checker what `ensure` has done
        name = f"course_run_{os.getpid()}_{next(self._numbers)}"
        self._create(name, template)
        try:
            yield self._server.url(name)
        finally:
            with contextlib.suppress(psycopg.OperationalError):
                if self.alive():  # a suite may have ended our connection
                    self._sweep(name)

    def url(self, database: str) -> str:
        """The address of a database of that name on this slot's server, for the server's superuser."""
        self.ensure()
        assert self._server is not None  # noqa: S101 - tells the type checker what `ensure` has done
        return self._server.url(database)

    def template(self, name: str, fill: Callable[[str], None]) -> str:
        """A database that stays, to be a `template`: filled by `fill(url)` when it is first asked for.

        Args:
            name: What it holds; each slot has its own.
            fill: Fills the empty database; nothing may be connected to it afterwards.

        Returns:
            The database's name.
        """
        self.ensure()
        if name not in self._templates:
            assert self._server is not None  # noqa: S101 - as in `database`
            database = f"course_template_{os.getpid()}_{next(self._numbers)}"
            self._create(database, "template0")
            self._kept_databases |= {database}
            fill(self._server.url(database))
            assert self._admin is not None  # noqa: S101 - as above
            end_sessions(self._admin, database)
            self._templates[name] = database
        return self._templates[name]

    def alive(self) -> bool:
        """Whether the server answers; a suite may have ended our connection and left the server well."""
        try:
            self._execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return self._reconnect()
        return True

    def restart(self) -> None:
        """Start the server again, after it died."""
        self.close()
        self.ensure()

    def close(self) -> None:
        """End the server, unless others use it."""
        if self._admin is not None:
            self._admin.close()
        if self._server is not None and not self._shared:
            self._server.stop()
        self._admin = self._server = None
        self._templates = {}

    def ensure(self) -> None:
        """Start the server, if it is not up."""
        if self._admin is not None:
            return
        if self._server is None:
            with staying_on(None if self._shared else self.processor):
                self._server = self._start()
        self._admin = self._connect()
        self._kept_databases, self._kept_roles = self._databases(), self._roles()

    def _create(self, name: str, template: str) -> None:
        assert self._server is not None  # noqa: S101 - called after `ensure` only
        assert self._admin is not None  # noqa: S101 - likewise
        create(self._admin, name, template=template)

    def _connect(self) -> psycopg.Connection[Any]:
        assert self._server is not None  # noqa: S101 - called after `ensure` only
        return psycopg.connect(self._server.url(driver=None), autocommit=True, connect_timeout=10)

    def _reconnect(self) -> bool:
        """Connect again; a server that lost one of its processes says for a moment that it is recovering."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while self._server is not None:
            try:
                self._admin = self._connect()
            except psycopg.OperationalError as error:
                if "refused" in str(error) or time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            else:
                return True
        return False

    def _sweep(self, name: str) -> None:
        """Drop the run's database and, on a server of our own, all else that the run made there."""
        assert self._admin is not None  # noqa: S101 - called after `ensure` only
        doomed = {name} if self._shared else self._databases() - self._kept_databases
        for database in doomed:
            drop(self._admin, database, foreign=True)
        if not self._shared:
            for role in self._roles() - self._kept_roles:
                self._execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

    def _databases(self) -> frozenset[str]:
        return self._names("SELECT datname FROM pg_database")

    def _roles(self) -> frozenset[str]:
        return self._names("SELECT rolname FROM pg_roles")

    def _names(self, query: str) -> frozenset[str]:
        assert self._admin is not None  # noqa: S101 - called after `ensure` only
        return frozenset(row[0] for row in self._admin.execute(query.encode()).fetchall())

    def _execute(self, query: sql.Composed | sql.SQL) -> None:
        if self._admin is None:
            raise psycopg.OperationalError("there is no connection")
        self._admin.execute(query)
