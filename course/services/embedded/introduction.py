"""Sets up a new server: the superuser's name and password, and a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from course.services import databases
from course.services.embedded.cluster import USER

_HELPER = "course_introduction"


def introduce(login: Mapping[str, Any], user: str, password: str, database: str) -> None:
    """Rename the superuser, set its password, create the database.

    Args:
        login: Host or socket folder, port and old password, as psycopg takes them.
        user: The superuser's new name.
        password: Its new password.
        database: Created unless it is there.
    """
    with psycopg.connect("", user=USER, dbname="postgres", autocommit=True, **login) as connection:
        connection.execute(_passwords(user, password))
        if database not in {"postgres", "template0", "template1"}:
            databases.create(connection, database, template="template1", owner=user)


def _passwords(user: str, password: str) -> sql.Composed:
    """A session cannot rename its own user, so a helper does it."""
    rename = (
        "CREATE ROLE {helper} SUPERUSER; SET SESSION AUTHORIZATION {helper}; ALTER ROLE {old} RENAME TO {new}; "
        "RESET SESSION AUTHORIZATION; DROP ROLE {helper}; "
    )
    return sql.SQL(("" if user == USER else rename) + "ALTER ROLE {new} PASSWORD {password}").format(
        helper=sql.Identifier(_HELPER),
        old=sql.Identifier(USER),
        new=sql.Identifier(user),
        password=sql.Literal(password),
    )
