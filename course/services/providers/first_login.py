"""Checks a server by a first connection: does it answer, is it new enough, may the course create databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from course.services.server import ServerStartError

_OLDEST = 130000  # DROP DATABASE … WITH (FORCE) came with version 13
_PAUSE = 0.1  # seconds between two tries
_QUESTION = (
    "SELECT current_setting('server_version'), current_setting('server_version_num')::int, "
    "(SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user)"
)


def version(login: dict[str, Any]) -> str:
    """Connect once, with `login` as psycopg takes it, and return the server's version, such as "16.14".

    Raises:
        psycopg.OperationalError: It does not answer, or does not let this user in.
        ServerStartError: It is too old, or the user may not create databases.
    """
    with psycopg.connect("", **{"connect_timeout": 5, "dbname": "postgres", **login}, autocommit=True) as connection:
        row = connection.execute(_QUESTION).fetchone()
    name, number, may_create = row or ("0", 0, False)
    if number < _OLDEST:
        raise ServerStartError(f"PostgreSQL {name} is too old for the course.", "Take version 13 or a newer one.")
    if not may_create:
        raise ServerStartError(
            f"The role {login['user']!r} may not create databases.",
            f'As a superuser: ALTER ROLE "{login["user"]}" CREATEDB;',
        )
    return str(name).partition(" ")[0]


def wait_for_version(login: dict[str, Any], seconds: float, still: Callable[[], bool]) -> str:
    """The same for a server that is starting: try until it answers, for as long as `still()` is true.

    Raises:
        psycopg.OperationalError: It did not answer in time.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return version(login)
        except psycopg.OperationalError:
            if time.monotonic() > end or not still():
                raise
        time.sleep(_PAUSE)
