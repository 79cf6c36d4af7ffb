"""The embedded provider: PostgreSQL without Docker, in well under a second."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import time
from collections.abc import Mapping, Sequence

from course.services.cleanup import registry
from course.services.cleanup.supervised import Supervised, supervise
from course.services.embedded import binaries, cluster, introduction
from course.services.embedded.binaries import Binaries
from course.services.embedded.cluster import Template
from course.services.machine import accounts, folders
from course.services.machine.accounts import Account
from course.services.server import Server, ServerStartError, free_port

_DEADLINE = 60.0  # seconds: a busy machine is slow, and a dead server is noticed at once
_TRIES = 5  # another program may take the free port before the server does
_PORT_TAKEN = ("could not bind", "could not create any TCP/IP sockets")
_COMPLAINTS = ("FATAL:  ", "ERROR:  ", "LOG:  invalid value", "LOG:  unrecognized", "LOG:  parameter")


class PortTakenError(ServerStartError):
    """The port that was asked for belongs to another program."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on this machine is taken by another program.",
            "Name another one, or none: then a free one is found. `course doctor` shows who holds it.",
        )


class Embedded:
    """A PostgreSQL server that is not started yet.

    Args:
        user: The superuser's name.
        password: Its password; a random one if none is given.
        database: A database that exists once the server runs, beside "postgres".
        port: The TCP port on the loopback interface; a free one if none is given.
        options: Settings as in `postgresql.conf`, such as `{"max_connections": "20"}`.
        version: The major version wished for; an installed other one will do.

    Example:
        >>> with Embedded(user="ann", database="shop").start() as server:
        ...     server.alive(), server.url("shop").startswith("postgresql+psycopg2://ann:")
        (True, True)
    """

    def __init__(
        self,
        *,
        user: str = cluster.USER,
        password: str | None = None,
        database: str = "postgres",
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        version: str = "16",
    ) -> None:
        self.user = user
        self.password = password
        self.database = database
        self.port = port
        self.options = dict(options or {})
        self.version = version

    def start(self) -> Server:
        """Start it; it is ready when this returns.

        Raises:
            BinariesMissingError: There is no PostgreSQL on this machine.
            PortTakenError: The wished port is taken.
            DiskFullError: There is no room for its files.
            ServerStartError: It did not start; the reason is the last line of its log.
        """
        begin = time.monotonic()
        account = accounts.for_servers()
        found = binaries.within_reach(binaries.find(self.version), account)
        source = cluster.template(found, account)
        process, port = self._launch(found, source, account)
        try:
            password = self._introduce(process, port, source.password)
        except BaseException:
            process.stop()
            raise
        seconds = time.monotonic() - begin
        sentence = f"{found.version} embedded, up in {max(seconds, 0.1):.1f} s"
        return Server(
            "embedded", "127.0.0.1", port, self.user, password, found.version, seconds, sentence,
            socket_dir=process.folder if has_sockets() else None, end=process.stop, log=process.log,
        )  # fmt: skip

    def _launch(self, found: Binaries, source: Template, account: Account | None) -> tuple[Supervised, int]:
        """Start the process; where another program has taken the port meanwhile, try another one."""
        for _ in range(_TRIES):
            port = self.port or free_port()
            process = run(found, source, account, port, self.options)
            reason = wait_until_ready(process)
            if not reason:
                return process, port
            if not any(words in reason for words in _PORT_TAKEN):
                break
            if self.port is not None:
                raise PortTakenError(self.port)
        if folders.NO_ROOM in reason:
            raise folders.DiskFullError(process.folder.parent)
        raise ServerStartError(f"PostgreSQL {found.version} did not start: {reason}.", "Run `course doctor`.")

    def _introduce(self, process: Supervised, port: int, password: str) -> str:
        """Set the superuser's name and password, and make the database; return the password."""
        if (self.user, self.password, self.database) == (cluster.USER, None, "postgres"):
            return password
        wished = self.password if self.password is not None else secrets.token_urlsafe(18)
        place = str(process.folder) if has_sockets() else "127.0.0.1"
        login: dict[str, object] = {"host": place, "port": port, "password": password}
        introduction.introduce(login, self.user, wished, self.database)
        return wished


def run(
    found: Binaries,
    source: Template,
    account: Account | None,
    port: int,
    options: Mapping[str, str],
    before: Sequence[str] = (),
) -> Supervised:
    """Start a server's process on a copy of the data folder.

    Args:
        found: The programs.
        source: The data folder.
        account: Whom the server runs as; the current user if None.
        port: Its port.
        options: Settings as in `postgresql.conf`.
        before: A command that runs the server's, such as `("/bin/sh", "-c", script)`.
    """
    folder = folders.plan("postgres")
    entry = registry.register("postgres", folder=folder)
    places = {"port": str(port), "unix_socket_directories": str(folder)}
    try:
        folder.mkdir(mode=0o700)
        if account is not None:
            account.own(folder)
        cluster.copy(source, folder / "data", account)
        cluster.configure(folder / "data", {"listen_addresses": "127.0.0.1", **options, **places})
    except BaseException:
        folders.remove(folder)
        entry.release()
        raise
    command = [*before, found.program("postgres"), "-D", str(folder / "data")]
    return supervise(command, entry, folder, account=account, stop_signal="SIGQUIT")


def wait_until_ready(process: Supervised) -> str:
    """Wait until it is ready; if it never is, or on Ctrl-C, end it. Return why it did not start."""
    try:
        reason = "" if becomes_ready(process) else _reason(process)
    except BaseException:
        process.stop()
        raise
    if reason:
        process.stop()
    return reason


def becomes_ready(process: Supervised) -> bool:
    """Wait for "ready" in the last line of `postmaster.pid`: then it takes connections."""
    note, end = process.folder / "data" / "postmaster.pid", time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if note.read_text(encoding="utf-8").rstrip().endswith("\nready"):
                return True
        if not process.is_running():
            return False
        time.sleep(0.005)
    return False


def _reason(process: Supervised) -> str:
    """Why a server did not start, from its log, which may be complete only a moment after its end."""
    for _ in range(50):
        lines = [line for line in process.log().splitlines() if any(words in line for words in _COMPLAINTS)]
        if lines:
            return " ".join(line.partition(":  ")[2] for line in lines)
        time.sleep(0.01)
    return process.log(500).strip() or "it said nothing"


def has_sockets() -> bool:
    """Whether clients can reach a server by a socket in its folder."""
    return hasattr(socket, "AF_UNIX") and sys.platform != "win32"
