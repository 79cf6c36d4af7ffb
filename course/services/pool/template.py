"""The database that clones are made of: built once, shut, and dropped by the last pool that uses it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from course.services import databases
from course.services.databases import EMPTY, Label
from course.services.pool.errors import PoolError
from course.services.server import Server

Connection = psycopg.Connection[Any]

# What ALTER DATABASE … SET left in the template. PostgreSQL does not copy these: they stand outside the database.
_SETTINGS = """
SELECT role.rolname, split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)
FROM pg_db_role_setting setting
JOIN pg_database database ON database.oid = setting.setdatabase
LEFT JOIN pg_roles role ON role.oid = setting.setrole
CROSS JOIN unnest(setconfig) entry
WHERE database.datname = %s
"""


class TemplateBuildError(PoolError):
    """The function that was to create tables and rows failed."""


class Template(NamedTuple):
    """What clones are made of.

    Attributes:
        name: The database's name, and the name of the lock that its users hold; "template0" where clones are empty.
        settings: Role (None for all), name and value of the settings that hold in each clone.
    """

    name: str
    settings: tuple[tuple[str | None, str, str], ...] = ()

    def clone(self, connection: Connection, name: str, lock: str) -> None:
        """Create a database like it, for the one who holds the lock."""
        databases.create(connection, name, template=self.name, label=Label("clone", lock))
        for role, setting, value in self.settings:
            _apply(connection, name, role, setting, value)

    def release(self, connection: Connection) -> None:
        """Hold its lock no longer, and drop it if nobody else does."""
        if self.name == EMPTY:
            return
        databases.let_go(connection, self.name)
        with databases.alone(connection, _building(self.name), wait=True):
            databases.drop_unless_used(connection, self.name, self.name)


def acquire(
    connection: Connection, server: Server, name: str, build: Callable[[str], None] | None, version: str | None
) -> Template:
    """Build the template, or share the one that another pool has built from the same version; then hold its lock.

    Args:
        connection: The pool's own, to the database "postgres".
        server: Where it is built.
        name: The first part of its name.
        build: Creates tables and rows in the empty database whose URL it is given.
        version: What `build` makes, in a word that changes with it; None shares with nobody.

    Raises:
        TemplateBuildError: `build` failed; nothing is left of the template.
    """
    if build is None:
        return Template(EMPTY)
    digest = blake2b(version.encode(), digest_size=6).hexdigest() if version else secrets.token_hex(6)
    template = f"{name}_{digest}_template"
    with databases.alone(connection, _building(template), wait=True):
        databases.hold(connection, template)
        if databases.labels(connection).get(template) != Label("template", template):
            _build(connection, server, template, build)
    return Template(template, tuple(connection.execute(_SETTINGS, [template]).fetchall()))


def prefix(name: str) -> str:
    """The first part of the names of a pool's databases.

    Example:
        >>> prefix("Users API")
        'course_users_api'
    """
    return "course_" + (re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")[:24] or "pool")


def _building(template: str) -> str:
    return f"{template} is being built"


def _build(connection: Connection, server: Server, template: str, build: Callable[[str], None]) -> None:
    databases.drop(connection, template)  # what a builder left that was killed
    databases.create(connection, template, label=Label("draft", template))
    try:
        build(server.url(template))
    except BaseException as error:
        databases.drop(connection, template)
        if not isinstance(error, Exception):
            raise
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise TemplateBuildError(
            f"The pool's template could not be built ({reason}).",
            "Correct the function given as `build`: it creates all tables and rows in an empty database.",
        ) from error
    databases.make_template(connection, template, Label("template", template))


def _apply(connection: Connection, database: str, role: str | None, setting: str, value: str) -> None:
    """Let a setting hold in a database; `FROM CURRENT` writes any value down as it is."""
    where = sql.SQL("DATABASE {}").format(sql.Identifier(database))
    if role is not None:
        where = sql.SQL("ROLE {} IN ").format(sql.Identifier(role)) + where
    name = sql.Identifier(*setting.split("."))
    with connection.transaction():
        connection.execute("SELECT set_config(%s, %s, true)", [setting, value])
        connection.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(where, name))
