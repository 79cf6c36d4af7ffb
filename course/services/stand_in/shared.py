"""A postgres container on a server that the course runs already; where that cannot be, on one of its own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import psycopg

from course.services.embedded import binaries
from course.services.server import answers
from course.services.stand_in import filling
from course.services.stand_in.errors import StandInError
from course.services.stand_in.inside import Files, Inside
from course.services.stand_in.postgres import READY, Postgres
from course.services.stand_in.tenancy import Tenancy
from course.services.stand_in.translate import LOCAL, Place

if TYPE_CHECKING:
    from course.services.stand_in.wish import Wish


class Shared:
    """A container that is a role and a database on the run's server.

    Args:
        wish: What it is to be.
        address: The URL of a superuser on the server.
    """

    def __init__(self, wish: Wish, address: str) -> None:
        self.wish, self.files = wish, Files()
        self._address = address
        self._tenancy: Tenancy | None = None
        self._own: Postgres | None = None
        self._began = ""

    @property
    def host(self) -> str:
        """Where clients connect."""
        host = self._tenancy.connection.info.host if self._tenancy else ""
        return "localhost" if host in LOCAL else host

    def start(self) -> None:
        """Take a role and a database; where a name is taken, start a server of its own.

        Raises:
            StandInError: The run's server does not answer.
        """
        try:
            self._tenancy = None if filling.scripts(self.files) else Tenancy.take(self._address, self.wish)
        except psycopg.OperationalError as problem:
            raise StandInError(
                f"The run's PostgreSQL server does not answer: {problem}.", "Run the cell again."
            ) from None
        if self._tenancy is None:
            self._own = Postgres(self.wish, self.files)
            self._own.start()
        self._began = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]

    def stop(self) -> None:
        """Drop them, or stop the own server. A second call does nothing."""
        if self._own is not None:
            self._own.stop()
        if self._tenancy is not None:
            self._tenancy.drop()
        self.files.remove()

    def alive(self) -> bool:
        """Whether the server answers."""
        if self._own is not None:
            return self._own.alive()
        if self._tenancy is None or self._tenancy.connection.closed:
            return False
        info = self._tenancy.connection.info
        return answers(info.host, info.port)

    def port(self, inner: int) -> int | None:
        """The host's port for the container's one."""
        if self._own is not None:
            return self._own.port(inner)
        return self._tenancy.connection.info.port if self._tenancy and inner == self.wish.port else None

    def logs(self) -> tuple[bytes, bytes]:
        """What the server of a container says at its start; the run's server keeps its own log."""
        if self._own is not None:
            return self._own.logs()
        line = f"{self._began} UTC [1] LOG:  {READY}\n"
        return filling.DONE.encode(), line.encode() if self._tenancy else b""

    def inside(self) -> Inside:
        """What runs commands as if beside the server."""
        if self._own is not None or self._tenancy is None:
            return self._own.inside() if self._own else Postgres(self.wish).inside()
        info = self._tenancy.connection.info
        folder = str(binaries.find(str(self.wish.settings.image.runs)).folder)
        place = Place(host=info.host, port=info.port, inner_port=self.wish.port, bin=folder)
        return Inside(place, self.files, {"PGPASSWORD": self.wish.password, **self.wish.settings.environment})
