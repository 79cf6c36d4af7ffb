"""The external provider: somebody else's PostgreSQL, on which the course creates databases of its own."""

from __future__ import annotations

import os
import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg

from course.errors import CourseError
from course.services.providers import first_login
from course.services.server import Server, ServerStartError

VARIABLE = "COURSE_DATABASE_URL"
_EXAMPLE = "postgresql://user:password@localhost:5432/postgres"
_PORT = 5432


class ExternalAddressError(CourseError):
    """The variable that names the external server is missing or cannot be read."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{VARIABLE} {what}.", f"Set it to a server for learning, such as {_EXAMPLE}.")


class External:
    """A server that runs already. `stop` leaves it as it is.

    Args:
        url: Where it is; COURSE_DATABASE_URL if None. DATABASE_URL, which may be production, is never read.

    Raises:
        ExternalAddressError: There is no address, or it cannot be read.
    """

    def __init__(self, url: str | None = None) -> None:
        self.login, self.query = _parse(url if url is not None else os.environ.get(VARIABLE, ""))

    def start(self) -> Server:
        """Connect once, to check that the course can work there.

        Raises:
            ServerStartError: It does not answer, or the user may not create databases.
        """
        begin = time.monotonic()
        try:
            version = first_login.version(self.login)
        except psycopg.OperationalError as error:
            reason = str(error).strip().partition("\n")[0].removeprefix("connection failed: ")
            raise ServerStartError(
                f"The server that {VARIABLE} names does not let the course in: {reason}.",
                "Correct the variable, or unset COURSE_POSTGRES: the course then starts a server of its own.",
            ) from None
        seconds, place = time.monotonic() - begin, f"{self.login['host']}:{self.login['port']}"
        sentence = f"{version} external at {place}; only databases that the course creates are touched"
        logged_in = (self.login["host"], self.login["port"], self.login["user"], self.login["password"])
        return Server("external", *logged_in, version, seconds, sentence, query=self.query)


def _parse(url: str) -> tuple[dict[str, Any], str]:
    """Host, port, user and password for a connection, and the rest that other URLs of this server need."""
    if not url:
        raise ExternalAddressError("is not set")
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:
        raise ExternalAddressError("is not a URL") from None
    if parts.scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ExternalAddressError("does not begin with postgresql://")
    if not parts.hostname or not parts.username:
        raise ExternalAddressError("names no host or no user")
    user, password = unquote(parts.username), unquote(parts.password or "")
    names = {"host": parts.hostname, "port": port, "user": user, "password": password}
    return {**dict(parse_qsl(parts.query)), **names}, parts.query
