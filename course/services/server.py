"""The shape of a running PostgreSQL server, the same whichever provider started it."""

from __future__ import annotations

import abc
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote

from course.errors import CourseError

# What a client sends to ask for encryption. Any PostgreSQL server answers with one letter, before a password is due.
_SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


class ServerStartError(CourseError):
    """A server did not start, or did not become ready in time."""


class ServerGoneError(CourseError):
    """A server that was started no longer answers."""


def nothing() -> None:
    """The `end` of a server that somebody else runs."""


def silence() -> str:
    """The `log` of a server that somebody else runs."""
    return ""


class Running(abc.ABC):
    """A running server: a context manager that stops it at the end."""

    provider: str
    end: Callable[[], None]

    @property
    @abc.abstractmethod
    def place(self) -> str:
        """What it is and where it listens, such as "NATS server (embedded) at 127.0.0.1:4222"."""

    @abc.abstractmethod
    def alive(self) -> bool:
        """Whether it answers within a second or so."""

    def stop(self) -> None:
        """Stop it, if the course started it. A second call does nothing."""
        self.end()

    def require(self) -> None:
        """Do nothing while the server answers.

        Raises:
            ServerGoneError: It has ended.
        """
        if not self.alive():
            raise ServerGoneError(
                f"The {self.place} answers no longer.",
                "Run the cell with course.begin again: it starts a new one, and your cells are as they were.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(frozen=True)
class Server(Running):
    """A running PostgreSQL server. A context manager that stops it at the end.

    Attributes:
        provider: Who runs it: "embedded", "container", "compose" or "external".
        host: Where it listens, such as "127.0.0.1".
        port: Its TCP port.
        user: A role that may create databases.
        password: The role's password.
        version: The server's version, such as "16.14".
        seconds: How long it took until it was ready.
        sentence: What the panel says about it.
        socket_dir: The folder of its Unix socket, where there is one.
        query: What its URLs need after a question mark, such as "sslmode=require".
        end: Ends it; `stop` calls this.
        log: Reads the end of what it wrote.

    Example:
        >>> server = Server("external", "db.test", 5432, "ann", "p@ss", "16.14", 0.1, "16.14 external")
        >>> server.url("shop")
        'postgresql+psycopg2://ann:p%40ss@db.test:5432/shop'
        >>> server.url("shop", driver=None)
        'postgresql://ann:p%40ss@db.test:5432/shop'
    """

    provider: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    version: str
    seconds: float
    sentence: str
    socket_dir: Path | None = None
    query: str = ""
    end: Callable[[], None] = field(default=nothing, repr=False, compare=False)
    log: Callable[[], str] = field(default=silence, repr=False, compare=False)

    def url(self, database: str = "postgres", driver: str | None = "psycopg2") -> str:
        """The SQLAlchemy URL of one of its databases, over TCP; with `driver=None` one that libpq reads as well."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        host = f"[{self.host}]" if ":" in self.host else self.host
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return (
            f"{scheme}://{login}@{host}:{self.port}/{quote(database, safe='')}{'?' if self.query else ''}{self.query}"
        )

    @property
    def place(self) -> str:
        """What it is and where it listens."""
        return f"PostgreSQL server ({self.provider}) at {self.host}:{self.port}"

    def alive(self) -> bool:
        """Whether a PostgreSQL server answers there, within a second or so."""
        return answers(self.host, self.port)


def answers(host: str, port: int, seconds: float = 1.5) -> bool:
    """Whether a server that speaks PostgreSQL's protocol listens there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(_SSL_REQUEST)
        return connection.recv(1) in {b"N", b"S"}
    return False


def free_port() -> int:
    """A TCP port that nobody listened on a moment ago, on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
