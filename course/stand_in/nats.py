"""A NATS container on a server process of its own."""

from __future__ import annotations

import re
import time

from course.services.cleanup import registry
from course.services.cleanup.supervised import Supervised, supervise
from course.services.embedded import nats as nats_embedded
from course.services.machine import folders
from course.services.server import free_port
from course.stand_in.errors import StandInError
from course.stand_in.execution import Inside
from course.stand_in.files import Files
from course.stand_in.settings import Settings

CLIENT, MONITOR = 4222, 8222
_READY = "Server is ready"
_DEADLINE = 30.0  # seconds
_REFUSED = {
    "-c", "--config", "-a", "--addr", "--net", "-p", "--port", "-m", "--http_port", "-sd", "--store_dir", "-l", "--log",
}  # fmt: skip


class Nats:
    """A NATS server that is started like the image starts its own.

    Args:
        settings: What Docker was to be told.

    Raises:
        StandInError: The command is not one that the stand-in can honour.
    """

    host = "localhost"

    def __init__(self, settings: Settings) -> None:
        self.files = Files()
        self._settings = settings
        self._arguments = _arguments(settings)
        self._server: Supervised | None = None
        self._ports: dict[int, int] = {}

    def start(self) -> None:
        """Start the server; it takes clients when this returns.

        Raises:
            StandInError: It did not start.
        """
        self._ports = {inner: self._settings.host_port(inner) or free_port() for inner in (CLIENT, MONITOR)}
        folder = folders.plan("nats")
        entry = registry.register("nats", folder=folder)
        folder.mkdir(mode=0o700)
        ports = ["-a", "127.0.0.1", "-p", str(self._ports[CLIENT]), "-m", str(self._ports[MONITOR])]
        line = [nats_embedded.program(), *ports, "-sd", str(folder), *self._arguments]
        self._server = supervise(line, entry, folder, account=None, stop_signal="SIGTERM")
        end = time.monotonic() + _DEADLINE
        while _READY not in self._server.log():
            if time.monotonic() > end or not self._server.is_running():
                raise StandInError(f"The NATS server did not start: {_complaint(self._server)}", "Check the command.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop the server and remove what it stored. A second call does nothing."""
        if self._server is not None:
            self._server.stop()
        self.files.remove()

    def alive(self) -> bool:
        """Whether the server runs."""
        return self._server is not None and self._server.is_running()

    def port(self, inner: int) -> int | None:
        """The host's port for one of the container's: clients' or the monitor's."""
        return self._ports.get(inner)

    def logs(self) -> tuple[bytes, bytes]:
        """The server writes its log to standard error."""
        return b"", self._server.log().encode() if self._server else b""

    def inside(self) -> Inside:
        """The image has no programs to run beside the server."""
        raise StandInError.without("No container runs here, and the nats image has no shell either.", "use nats-py")


def _arguments(settings: Settings) -> tuple[str, ...]:
    """The command's words after the program's name."""
    words = settings.command[1:] if settings.command[:1] == ("nats-server",) else settings.command
    refused = [word for word in words if word.partition("=")[0] in _REFUSED]
    if refused or settings.mounts or (words and not words[0].startswith("-")):
        what = " ".join(refused) or ("volumes" if settings.mounts else words[0])
        said = f"The stand-in chooses the NATS server's ports and files: it cannot honour {what}."
        raise StandInError.without(said, "leave it out")
    return words


def _complaint(server: Supervised) -> str:
    """The line of the log that tells what was wrong, among a page of options. It may come a moment after the end."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        lines = [line for line in server.log().splitlines() if re.search(r"\[FTL\]|^nats-server: |^flag ", line)]
        if lines:
            return lines[0]
        time.sleep(0.01)
    return server.log(500).strip()
