"""A postgres container on a server of its own, which starts as the image's does: twice.

The first server listens on its socket alone; on it the superuser, the database and the scripts of
`/docker-entrypoint-initdb.d` are made. Then it is ended, and the one for clients begins. See the image's entrypoint:
https://github.com/docker-library/postgres/blob/master/docker-entrypoint.sh
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from pathlib import Path

import psycopg

from course.services.cleanup.supervised import Supervised
from course.services.embedded import binaries, cluster, introduction
from course.services.embedded.postgres import PortTakenError, becomes_ready, has_sockets, run, wait_until_ready
from course.services.machine import accounts
from course.services.server import ServerStartError
from course.stand_in import collation, init_scripts
from course.stand_in.errors import StandInError
from course.stand_in.execution import Inside
from course.stand_in.files import Files
from course.stand_in.postgres_settings import PostgresSettings

DONE = "\nPostgreSQL init process complete; ready for start up.\n\n"

_DEADLINE = 30.0  # seconds
_WHOLE = 1 << 22  # characters of a log
_SCRIPT = f"""
"$0" "$@" -c listen_addresses= & first=$!
trap 'kill -QUIT $first; wait $first; exit' QUIT
wait $first || exit
trap - QUIT
printf '%s' '{DONE}'
exec "$0" "$@"
"""
_TWICE = ("/bin/sh", "-c", _SCRIPT)
_log = logging.getLogger(__name__)


class Postgres:
    """A PostgreSQL server that is started like the image starts its own.

    Args:
        settings: What it is asked for.
    """

    def __init__(self, settings: PostgresSettings) -> None:
        self.settings, self.files = settings, Files()
        self._process: Supervised | None = None
        self._port = 0
        self._log_until_filled = self._said = ""  # what the first server wrote until then, and the scripts

    @property
    def host(self) -> str:
        """Where clients connect."""
        return "localhost"

    def start(self) -> None:
        """Start the first server, fill it, and let the second one begin: clients are let in a moment later.

        Raises:
            StandInError: A script failed, or the server does not take a setting or a name.
            ServerStartError: The server did not start.
        """
        for host, inner in self.settings.container.mounts.items():
            self.files.mount(host, inner)
        with _hold_port(self.settings.host_port) as held:
            self._port = held.getsockname()[1]
            if not has_sockets():
                held.close()
            self._process = self._begin()
        if has_sockets():
            note = self._process.folder / "data" / "postmaster.pid"
            os.kill(int(note.read_text(encoding="utf-8").split()[0]), signal.SIGINT)

    def stop(self) -> None:
        """Stop the server and remove its files. A second call does nothing."""
        if self._process is not None:
            self._process.stop()
        self.files.remove()

    def alive(self) -> bool:
        """Whether the server's process is there, ready or not."""
        return self._process is not None and self._process.is_running()

    def port(self, inner: int) -> int | None:
        """The host's port for the container's one."""
        return self._port if self._process and inner == self.settings.port else None

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs, in the version of the image."""
        return binaries.find(str(self.settings.container.image.runs)).folder

    def logs(self) -> tuple[bytes, bytes]:
        """What the first server and the scripts wrote, and what the second one does."""
        if self._process is None:
            return b"", b""
        before, done, after = self._process.log(_WHOLE).rpartition(DONE)
        if not done and has_sockets():
            before, after = after, ""
        out = self._log_until_filled + self._said + before[len(self._log_until_filled) :] + done
        return self._as_inside(out), self._as_inside(after)

    def inside(self) -> Inside:
        """What runs commands beside the server, once that is ready; nobody is asked for a password there."""
        if self._process is None:
            raise StandInError("The container is not started.", "Call start() first.")
        end = time.monotonic() + _DEADLINE
        while has_sockets() and DONE not in self._process.log(_WHOLE) and self.alive() and time.monotonic() < end:
            time.sleep(0.005)
        becomes_ready(self._process)
        return self._inside(self._process)

    def _begin(self) -> Supervised:
        """The first server, filled."""
        account = accounts.for_servers()
        found = binaries.within_reach(binaries.find(str(self.settings.container.image.runs)), account)
        _tell_version(self.settings.notice(found.version))
        collation.tell()
        source = cluster.template(found, account)
        options = {**self.settings.options, "hba_file": str(self._write_rules()), "log_line_prefix": "%m [%p] "}
        process = run(found, source, account, self._port, options, _TWICE if has_sockets() else ())
        if reason := wait_until_ready(process):
            raise ServerStartError(f"PostgreSQL {found.version} did not start: {reason}.", "Correct the command.")
        try:
            self._fill(process, source.password)
        except BaseException:
            process.stop()
            raise
        return process

    def _fill(self, process: Supervised, password: str) -> None:
        inside, settings = self._inside(process), self.settings
        login = {"host": inside.host, "port": self._port, "password": password}
        try:
            introduction.introduce(login, settings.user, settings.password, settings.database)
        except psycopg.Error as problem:
            raise StandInError(f"The server refuses these names: {problem}".strip(), "Choose others.") from None
        self._said = init_scripts.run(inside, settings.user, settings.database)
        self._log_until_filled = process.log(_WHOLE)

    def _inside(self, process: Supervised) -> Inside:
        settings = self.settings
        host = str(process.folder) if has_sockets() else "127.0.0.1"
        password = {} if has_sockets() else {"PGPASSWORD": settings.password}
        variables = {**settings.container.environment, **password}
        return Inside(self.files, host, self._port, settings.port, self.programs, variables)

    def _as_inside(self, log: str) -> bytes:
        """The log as a container's: its port, its addresses, its socket."""
        sockets = f"{self._process.folder}/.s.PGSQL.{self._port}" if self._process else ""
        log = log.replace(sockets, f"/var/run/postgresql/.s.PGSQL.{self.settings.port}")
        outside, inside = f'"127.0.0.1", port {self._port}', f'"0.0.0.0", port {self.settings.port}'
        return log.replace(outside, inside).encode()

    def _write_rules(self) -> Path:
        """The file that says who is let in how: anybody inside, and outside by the password."""
        method, rules = self.settings.method, self.files.path("/.pg_hba.conf")
        lines = ["local all all trust", f"host all all all {method}"]
        lines += ["local replication all trust", f"host replication all all {method}"]
        rules.write_text("\n".join([*lines, ""]), encoding="ascii")
        rules.chmod(0o644)
        return rules


def _hold_port(wanted: int | None) -> socket.socket:
    """A socket that keeps the port from others, and lets nobody in, until the second server begins."""
    held = socket.socket()
    try:
        held.bind(("127.0.0.1", wanted or 0))
    except OSError:
        held.close()
        raise PortTakenError(wanted or 0) from None
    return held


def _tell_version(notice: str | None) -> None:
    if notice:
        _log.warning("%s", notice)
