"""A postgres container on an embedded server of its own."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import psycopg

from course.services.embedded import binaries
from course.services.embedded.postgres import Embedded
from course.services.server import Server
from course.services.stand_in import filling
from course.services.stand_in.errors import StandInError
from course.services.stand_in.inside import Files, Inside
from course.services.stand_in.translate import Place
from course.services.stand_in.wish import Wish

READY = "database system is ready to accept connections"

_log = logging.getLogger(__name__)


class Postgres:
    """An embedded server that is started like the image starts its own.

    Args:
        wish: What it is to be.
        files: Its files; new ones if none are given.
    """

    host = "localhost"

    def __init__(self, wish: Wish, files: Files | None = None) -> None:
        self.wish, self.files = wish, files or Files()
        self._server: Server | None = None
        self._said = ""

    def start(self) -> None:
        """Start the server, then run the scripts in `/docker-entrypoint-initdb.d`.

        Raises:
            StandInError: A script failed, or the server does not take a setting.
            ServerStartError: The server did not start.
        """
        wish = self.wish
        for host, inner in wish.settings.mounts.items():
            self.files.mount(host, inner)
        embedded = Embedded(
            user=wish.user,
            password=wish.password,
            database=wish.database,
            port=wish.host_port,
            options={**wish.options, "hba_file": str(self._let_in())},
            version=str(wish.settings.image.runs),
        )
        try:
            self._server = embedded.start()
        except psycopg.Error as problem:
            raise StandInError(f"The server refuses these names: {problem}".strip(), "Choose others.") from None
        self._tell(self._server)
        self._said = filling.fill(self.inside(), wish)

    def stop(self) -> None:
        """Stop the server and remove its files. A second call does nothing."""
        if self._server is not None:
            self._server.stop()
        self.files.remove()

    def alive(self) -> bool:
        """Whether the server answers."""
        return self._server is not None and self._server.alive()

    def port(self, inner: int) -> int | None:
        """The host's port for the container's one."""
        return self._server.port if self._server and inner == self.wish.port else None

    def logs(self) -> tuple[bytes, bytes]:
        """What the scripts said, and the server's log."""
        return self._said.encode(), self._server.log().encode() if self._server else b""

    def inside(self) -> Inside:
        """What runs commands beside the server; it lets them in without a password, as in the image."""
        server = self._running()
        place = Place(
            host=str(server.socket_dir or server.host),
            port=server.port,
            inner_port=self.wish.port,
            bin=str(binaries.find(str(self.wish.settings.image.runs)).folder),
        )
        password = {} if server.socket_dir else {"PGPASSWORD": self.wish.password}
        return Inside(place, self.files, {**self.wish.settings.environment, **password})

    def _running(self) -> Server:
        if self._server is None:
            raise StandInError("The container is not started.", "Call start() first.")
        return self._server

    def _let_in(self) -> Path:
        """The file that says who is let in how: anybody inside, and outside by the password."""
        rules = self.files.root / ".pg_hba.conf"
        lines = [
            f"{kind} all {method}" for kind, method in (("local all", "trust"), ("host all all", self.wish.method))
        ]
        lines += [
            f"{kind} all {method}"
            for kind, method in (("local replication", "trust"), ("host replication all", self.wish.method))
        ]
        rules.write_text("\n".join([*lines, ""]), encoding="ascii")
        rules.chmod(0o644)
        return rules

    def _tell(self, server: Server) -> None:
        """Note another version than the wished one, and wait the moment until the log says that it is ready."""
        if notice := self.wish.notice(server.version):
            _log.warning("%s", notice)
        end = time.monotonic() + 1
        while READY not in server.log() and time.monotonic() < end:
            time.sleep(0.002)
