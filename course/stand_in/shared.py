"""A postgres container on a server that runs already: a role and a database, made for it and dropped with it."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from typing import Any

import psycopg
from psycopg import sql

from course.services import databases
from course.services.server import answers
from course.stand_in import init_scripts
from course.stand_in.choice import RUN_TEMPLATE
from course.stand_in.errors import StandInError
from course.stand_in.execution import LOCAL, Inside
from course.stand_in.postgres import DONE, Postgres
from course.stand_in.postgres_settings import PostgresSettings

# The comment on roles and databases of ours; nothing without it is ever dropped
LABEL = "made for a container by integration-testing-course"

# All in one question, for speed: whether both names are ours now, whether they are there, and which roles there are
_CLAIM = """
WITH mine AS (
    SELECT pg_try_advisory_lock(hashtextextended('course stand-in role ' || %(role)s, 0)) AS role,
           pg_try_advisory_lock(hashtextextended('course stand-in database ' || %(database)s, 0)) AS database
), there AS (
    SELECT shobj_description(oid, 'pg_authid') AS label FROM pg_roles WHERE rolname = %(role)s
    UNION ALL
    SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %(database)s
)
SELECT mine.role AND mine.database AND NOT EXISTS (SELECT FROM there WHERE label IS DISTINCT FROM %(label)s),
       EXISTS (SELECT FROM there),
       ARRAY(SELECT rolname::text FROM pg_roles)
FROM mine
"""
_OWNED = "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = %s"
_ROLES = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') IS DISTINCT FROM %s"
_NEIGHBOURS = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()"


class SharedPostgres(Postgres):
    """A container that is a role and a database on the run's server; where a name is taken, a server of its own.

    The connection holds locks on both names while the container is there: with it ends the claim, even where its
    process was killed, and the next one who wants the names clears away what is left of them.

    Args:
        settings: What it is asked for.
        address: The URL of a superuser on the server.
    """

    def __init__(self, settings: PostgresSettings, address: str) -> None:
        super().__init__(settings)
        self._address = address
        self._connection: psycopg.Connection | None = None
        self._roles: frozenset[str] = frozenset()  # that were there before
        self._began = ""

    @property
    def host(self) -> str:
        """Where clients connect."""
        host = self._connection.info.host if self._connection else ""
        return "localhost" if host in LOCAL else host

    def start(self) -> None:
        """Take a role and a database, or start a server.

        Raises:
            StandInError: The run's server does not answer.
        """
        try:
            self._connection = None if init_scripts.scripts(self.files) else self._claim()
        except psycopg.OperationalError as problem:
            said = f"The run's PostgreSQL server does not answer: {problem}."
            raise StandInError(said, "Run the cell again.") from None
        if self._connection is None:
            super().start()
        self._began = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]

    def stop(self) -> None:
        """Drop them, or stop the own server. A second call does nothing."""
        if self._connection is not None and not self._connection.closed:
            with contextlib.suppress(psycopg.Error), self._connection as connection:
                self._clear(connection)
                if not connection.execute(_NEIGHBOURS, (LABEL,)).fetchone():
                    self._drop_new_roles(connection)
        super().stop()

    def alive(self) -> bool:
        """Whether the server answers."""
        if self._connection is None:
            return super().alive()
        return not self._connection.closed and answers(self._connection.info.host, self._connection.info.port)

    def port(self, inner: int) -> int | None:
        """The host's port for the container's one."""
        if self._connection is None:
            return super().port(inner)
        return self._connection.info.port if inner == self.settings.port else None

    def logs(self) -> tuple[bytes, bytes]:
        """What the servers of a container say at their start; the run's server keeps its own log."""
        if self._connection is None:
            return super().logs()
        ready = f"{self._began} UTC [1] LOG:  database system is ready to accept connections\n"
        return (ready + DONE).encode(), ready.encode()

    def inside(self) -> Inside:
        """What runs commands as if beside the server."""
        if self._connection is None:
            return super().inside()
        info, container = self._connection.info, self.settings.container
        variables = {"PGPASSWORD": self.settings.password, **container.environment}
        return Inside(self.files, info.host, info.port, self.settings.port, self.programs, variables)

    def _claim(self) -> psycopg.Connection | None:
        """Take both names; None where one of them is somebody else's, or the server refuses it."""
        connection = psycopg.connect(self._address, autocommit=True, application_name=LABEL)
        names = {"role": self.settings.user, "database": self.settings.database, "label": LABEL}
        with contextlib.suppress(psycopg.Error):  # somebody was quicker
            free, remains, roles = connection.execute(_CLAIM, names).fetchone() or (False, False, ())
            if free:
                self._roles = frozenset(roles)
                if remains:
                    self._clear(connection)
                self._make(connection)
                return connection
        connection.close()
        return None

    def _make(self, connection: psycopg.Connection) -> None:
        user, database, label = self.settings.user, self.settings.database, sql.Literal(LABEL)
        role = "CREATE ROLE {role} SUPERUSER LOGIN PASSWORD {password}; COMMENT ON ROLE {role} IS {label}"
        self._do(connection, role, password=sql.Literal(self.settings.password), label=label)
        databases.create(connection, database, template=os.environ.get(RUN_TEMPLATE, "template1"), owner=user)
        self._do(connection, "COMMENT ON DATABASE {database} IS {label}", label=label)

    def _clear(self, connection: psycopg.Connection) -> None:
        """Drop the role with all that it owns here, and its databases."""
        names = {name for (name,) in connection.execute(_OWNED, (self.settings.user,)).fetchall()}
        for name in names | {self.settings.database}:
            databases.drop(connection, name, foreign=True)
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (self.settings.user,)).fetchone():
            self._do(connection, "DROP OWNED BY {role} CASCADE; DROP ROLE {role}")

    def _drop_new_roles(self, connection: psycopg.Connection) -> None:
        """Drop the roles that tests have made meanwhile; only where no neighbour has made some of them."""
        now = {name for (name,) in connection.execute(_ROLES, (LABEL,)).fetchall()}
        for name in now - self._roles:
            with contextlib.suppress(psycopg.Error):
                self._do(connection, "DROP OWNED BY {name} CASCADE; DROP ROLE {name}", name=sql.Identifier(name))

    def _do(self, connection: psycopg.Connection, statement: str, **words: Any) -> None:
        names = {"role": sql.Identifier(self.settings.user), "database": sql.Identifier(self.settings.database)}
        connection.execute(sql.SQL(statement).format(**names, **words))
