"""The database that clones are made of: built once, shut, and dropped by the last pool that uses it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from psycopg import sql

from course.services import databases, leases
from course.services.connection import PoolError
from course.services.databases import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection

    from course.services.server import Server

EMPTY = "template0"

# What ALTER DATABASE … SET left in the template. PostgreSQL does not clone these: they stand outside the database.
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


@dataclass(frozen=True)
class Template:
    """What clones are made of.

    Attributes:
        name: The database's name; PostgreSQL's own "template0" where clones start empty.
        strategy: How the server copies it; its default if None.
        settings: Role (None for all), name and value of the settings that hold in each clone.
    """

    name: str
    strategy: str | None = None
    settings: tuple[tuple[str | None, str, str], ...] = field(default=())

    def clone(self, connection: Connection, name: str, lease: str) -> None:
        """Create a database like it, marked as a clone of the lease's holder."""
        databases.create(connection, name, Purpose("clone", lease), template=self.name, strategy=self.strategy)
        for role, setting, value in self.settings:
            _apply(connection, name, role, setting, value)


def acquire(
    connection: Connection, server: Server, name: str, build: Callable[[str], None] | None, version: str | None
) -> Template:
    """Build the template, or share the one that another pool has built from the same version; then hold its lease.

    Args:
        connection: The pool's own, to the database "postgres".
        server: Where it is built.
        name: The pool's name.
        build: Creates tables and rows in the empty database whose URL it is given.
        version: What `build` makes, in a word that changes with it; None shares with nobody.

    Raises:
        TemplateBuildError: `build` failed; nothing is left of the template.
    """
    strategy = _choose_strategy(connection)
    if build is None:
        return Template(EMPTY, strategy)
    digest = blake2b(version.encode(), digest_size=6).hexdigest() if version else secrets.token_hex(6)
    template = f"{prefix(name)}_{digest}_template"
    with leases.alone(connection, _building(template), wait=True):
        leases.hold(connection, template)
        purpose = databases.find_purpose(connection, template)
        if purpose is None or purpose.kind != "template":
            _build(connection, server, template, build)
    return Template(template, strategy, tuple(connection.execute(_SETTINGS, [template]).fetchall()))


def hold(connection: Connection, template: Template) -> None:
    """Hold the template's lease with another connection."""
    if template.name != EMPTY:
        leases.hold(connection, template.name)


def release(connection: Connection, template: Template) -> None:
    """Hold its lease no longer, and drop it if nobody else does."""
    if template.name == EMPTY:
        return
    leases.let_go(connection, template.name)
    with (
        leases.alone(connection, _building(template.name), wait=True),
        leases.alone(connection, template.name) as nobody_else,
    ):
        if nobody_else:
            databases.drop(connection, template.name)


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
    databases.create(connection, template, Purpose("draft", template), template=EMPTY)
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
    _shut(connection, template)


def _shut(connection: Connection, template: str) -> None:
    """No session may stay in a database that is to be cloned."""
    name = sql.Identifier(template)
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false IS_TEMPLATE true").format(name))
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template])
    databases.change_purpose(connection, template, Purpose("template", template))


def _choose_strategy(connection: Connection) -> str | None:
    """Copying files is quicker where the server does not wait for its disk; elsewhere its default is kinder."""
    row = connection.execute(
        "SELECT current_setting('fsync') = 'off' AND current_setting('server_version_num')::int >= 150000"
    ).fetchone()
    return "file_copy" if row and row[0] else None


def _apply(connection: Connection, database: str, role: str | None, setting: str, value: str) -> None:
    """Let a setting hold in a database; `FROM CURRENT` writes any value down as it is."""
    where = sql.SQL("DATABASE {}").format(sql.Identifier(database))
    if role is not None:
        where = sql.SQL("ROLE {} IN ").format(sql.Identifier(role)) + where
    name = sql.Identifier(*setting.split("."))
    with connection.transaction():
        connection.execute("SELECT set_config(%s, %s, true)", [setting, value])
        connection.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(where, name))
