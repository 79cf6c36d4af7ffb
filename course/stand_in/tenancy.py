"""A role and a database on a server that runs already: taken for one container, dropped with it."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from course.stand_in.choice import RUN_TEMPLATE

if TYPE_CHECKING:
    from course.stand_in.wish import Wish

# What marks roles and databases as ours; nothing without it is ever dropped
MARK = "made for a container by integration-testing-course"

# All in one question, for speed: whether both names are ours now, whether they are somebody's, what is left of an
# earlier tenancy, and which roles there are
_CLAIM = """
WITH mine AS (
    SELECT pg_try_advisory_lock(hashtextextended('course stand-in role ' || %(role)s, 0)) AS role,
           pg_try_advisory_lock(hashtextextended('course stand-in database ' || %(database)s, 0)) AS database
), there AS (
    SELECT shobj_description(oid, 'pg_authid') AS mark FROM pg_roles WHERE rolname = %(role)s
    UNION ALL
    SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %(database)s
)
SELECT mine.role AND mine.database AND NOT EXISTS (SELECT FROM there WHERE mark IS DISTINCT FROM %(mark)s),
       EXISTS (SELECT FROM there),
       ARRAY(SELECT rolname::text FROM pg_roles)
FROM mine
"""
_ROLES = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') IS DISTINCT FROM %s"
_NEIGHBOURS = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()"
_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
_PATIENCE = 1.0  # seconds


@dataclass(frozen=True)
class Tenancy:
    """A superuser and its database on somebody's server.

    The connection holds locks on both names as long as the tenancy lasts: with it ends the claim, even where its
    process was killed, and the next one who wants the names clears away what is left of them.

    Attributes:
        connection: As the server's own superuser.
        role: The superuser that was made.
        database: Its database.
        roles: The roles that were there before.
    """

    connection: psycopg.Connection
    role: str
    database: str
    roles: frozenset[str]

    @classmethod
    def take(cls, address: str, wish: Wish) -> Tenancy | None:
        """Take both names, or return None where one of them is somebody else's.

        Raises:
            psycopg.Error: The server does not answer.
        """
        connection = psycopg.connect(address, autocommit=True, application_name=MARK)
        tenancy = None
        with contextlib.suppress(psycopg.Error):  # somebody was quicker, or the server refuses such a name
            tenancy = cls._claim(connection, wish)
        if tenancy is None:
            connection.close()
        return tenancy

    @classmethod
    def _claim(cls, connection: psycopg.Connection, wish: Wish) -> Tenancy | None:
        names = {"role": wish.user, "database": wish.database, "mark": MARK}
        free, remains, roles = connection.execute(_CLAIM, names).fetchone() or (False, False, ())
        if not free:
            return None
        tenancy = cls(connection, wish.user, wish.database, frozenset(roles))
        if remains:
            tenancy._clear()
        tenancy._make(wish.password)
        return tenancy

    def drop(self) -> None:
        """Drop what was made and what its role made, and end the claim. A second call does nothing."""
        if self.connection.closed:
            return
        with contextlib.suppress(psycopg.Error), self.connection:
            self._clear()
            if not self.connection.execute(_NEIGHBOURS, (MARK,)).fetchone():
                self._clear_roles()

    def _make(self, password: str) -> None:
        words: dict[str, sql.Composable] = {"password": sql.Literal(password), "mark": sql.Literal(MARK)}
        self._do("CREATE ROLE {role} SUPERUSER LOGIN PASSWORD {password}; COMMENT ON ROLE {role} IS {mark}", **words)
        words["template"] = sql.Identifier(os.environ.get(RUN_TEMPLATE, "template1"))
        # FILE_COPY takes half the time of the other strategy
        self._do("CREATE DATABASE {database} OWNER {role} TEMPLATE {template} STRATEGY FILE_COPY", **words)
        self._do("COMMENT ON DATABASE {database} IS {mark}", **words)

    def _clear(self) -> None:
        """Drop the role with all that it owns here, and its databases."""
        owned = "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = %s"
        names = [name for (name,) in self.connection.execute(owned, (self.role,)).fetchall()]
        for name in {*names, self.database}:
            self._end_sessions(name)
            self._do("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=sql.Identifier(name))
        if self.connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (self.role,)).fetchone():
            self._do("DROP OWNED BY {role} CASCADE")
            self._do("DROP ROLE {role}")

    def _end_sessions(self, database: str) -> None:
        """End what is connected, and wait until it is gone: DROP DATABASE alone waits in steps of 0.1 s."""
        end = time.monotonic() + _PATIENCE
        while self.connection.execute(_END_SESSIONS, (database,)).fetchone() and time.monotonic() < end:
            time.sleep(0.002)

    def _clear_roles(self) -> None:
        """Drop the roles that tests have made meanwhile; only where no neighbour has made some of them."""
        now = {name for (name,) in self.connection.execute(_ROLES, (MARK,)).fetchall()}
        for name in now - self.roles:
            with contextlib.suppress(psycopg.Error):
                self._do("DROP OWNED BY {name} CASCADE", name=sql.Identifier(name))
                self._do("DROP ROLE {name}", name=sql.Identifier(name))

    def _do(self, statement: str, **words: sql.Composable) -> None:
        names = {"role": sql.Identifier(self.role), "database": sql.Identifier(self.database)}
        self.connection.execute(sql.SQL(statement).format(**names, **words))
