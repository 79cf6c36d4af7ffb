"""A warm process with the heavy libraries loaded, forked once for each run: `python -m course.engine.forkserver FD`.

The standard library's `multiprocessing` fork server would import the caller's `__main__` again in each child and
pickles what it is asked; this one takes JSON and three pipes, puts each run into a session of its own and, as a
subreaper, gets to see the processes that a suite tries to leave behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from course.engine.child import run
from course.engine.plugins import TAUGHT
from course.engine.warm import GOODBYE

PRELOAD = (
    "pytest", "_pytest.assertion.rewrite", "_pytest.unittest", "_pytest.recwarn", "_pytest.monkeypatch",
    "_pytest.capture", "_pytest.logging", "_pytest.skipping", "_pytest.raises", *TAUGHT,
    "anyio._backends._asyncio", "course.engine.child", "course.engine.reporter",
    "_pytest.terminal", "_pytest.cacheprovider", "_pytest.junitxml", "_pytest.doctest", "_pytest.stepwise",
    "_pytest.faulthandler", "_pytest.setuponly", "_pytest.pastebin", "coverage", "sqlalchemy", "sqlalchemy.orm",
    "sqlalchemy.dialects.postgresql.psycopg2", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "psycopg2", "psycopg", "fastapi", "fastapi.testclient",
    "fastapi.security", "fastapi.responses", "starlette.middleware.base", "httpx", "pydantic",
    "pydantic.networks", "email_validator", "jwt", "pwdlib.hashers.argon2", "python_multipart", "uvicorn",
    "uvicorn.protocols.http.h11_impl", "concurrent.futures", "concurrent.futures.thread",
    "testcontainers.community.postgres", "course.stand_in.client",
    "multiprocessing", "uuid", "pydantic.v1", "fastapi.telemetry._runtime", "psycopg2.extras",
    "psycopg2._ipaddress", "pdb", "_pytest.helpconfig", "_pytest.setupplan", "_pytest.threadexception",
    "_pytest.unraisableexception", "_pytest.warnings", "_pytest._argcomplete", "_pytest.tmpdir",
    "sqlalchemy.dialects.postgresql", "jwt.algorithms", "nats.js", "anyio.from_thread", "csv", "alembic.command",
    "alembic.context", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql.asyncpg", "asyncpg",
)  # fmt: skip
# How long what else ends with the owner may take to put its own things away, in seconds
AFTER_OWNER = 1.0
GIB = 1 << 30
MEMORY = 3 * GIB
FILE_SIZE = GIB // 2
PROCESSES = 256
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class ForkServer:
    """Takes orders from a socket and forks a process for each.

    Args:
        channel: Socket of paths to JSON orders, each with the descriptors for events, output and status.

    Attributes:
        was_left: The owner has gone without a word.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._live: dict[int, int] = {}  # pid of a run -> descriptor that is told of its end
        self._wake, self._poke = os.pipe()
        os.set_blocking(self._poke, False)
        self.was_left = True  # until it says goodbye

    def serve(self) -> None:
        """Serve until the owner closes its end, which the system does also when the owner is killed."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._poke, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            try:
                while self._step(selector):
                    pass
            finally:
                self._end_all()

    def _step(self, selector: selectors.BaseSelector) -> bool:
        for key, _ in selector.select():
            if key.fileobj is self._channel:
                path, descriptors, _, _ = socket.recv_fds(self._channel, 4096, 3)
                if path in (b"", GOODBYE):
                    self.was_left = not path
                    return False
                self._start(json.loads(Path(path.decode()).read_text(encoding="utf-8")), descriptors)
                self._channel.send(b"+")
            else:
                os.read(self._wake, 4096)
                self._reap()
        return True

    def _start(self, order: dict[str, Any], descriptors: list[int]) -> None:
        events, output, status = descriptors
        pid = os.fork()
        if pid == 0:
            self._become_run(order, events, output)
        for descriptor in (events, output):
            os.close(descriptor)
        self._live[pid] = status
        _tell(status, f"pid {pid}\n")

    def _become_run(self, order: dict[str, Any], events: int, output: int) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for descriptor in (self._channel.fileno(), self._wake, self._poke, *self._live.values()):
                os.close(descriptor)
            prepare_process(output)
            os.chdir(order["folder"])
            run(order, events)
            code = 0
        finally:
            _leave(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in self._live:
                self._end(pid, status)
        if not self._live:
            kill_children()

    def _end(self, pid: int, status: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        descriptor = self._live.pop(pid)
        _tell(descriptor, f"exit {os.waitstatus_to_exitcode(status)}\n")
        os.close(descriptor)

    def _end_all(self) -> None:
        for pid in self._live:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        kill_children()


def prepare_process(output: int) -> None:
    """Make this process a run's: its own session, no input, output into the pipe, bounded in memory and files."""
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    random.seed()
    limit_resources()


def limit_resources() -> None:
    """Bound what one run may take; a system without these limits has the deadline only."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    limits = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_FSIZE: FILE_SIZE, resource.RLIMIT_CORE: 0}
    if os.geteuid() != 0 and sys.platform == "linux":
        limits[resource.RLIMIT_NPROC] = _threads_of_this_user() + PROCESSES
    for name, value in limits.items():
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(name)[1]
            resource.setrlimit(name, (value if hard < 0 else min(value, hard), hard))


def preload() -> None:
    """Import what runs need, so that no run pays for it; what is not installed is left out."""
    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _threads_of_this_user() -> int:
    total = 0
    for task in Path("/proc").glob("[0-9]*/task"):
        with contextlib.suppress(OSError):
            if task.stat().st_uid == os.geteuid():
                total += len(list(task.iterdir()))
    return total


def kill_children() -> None:
    """Kill all children of this process: where no run is left, those that a suite started and that outlived it."""
    with contextlib.suppress(OSError):
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _tell(descriptor: int, text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(descriptor, text.encode())


def _leave(code: int) -> NoReturn:
    # Exit handlers of the suite may run; those of the warm process must not, and nothing may stop the exit
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def clear_after_owner() -> None:
    """Take away what a killed owner had noted as started and could not end any more, such as its scratch folder."""
    time.sleep(AFTER_OWNER)
    from course.services.cleanup import registry  # noqa: PLC0415 - of no use before

    registry.reap()


def main() -> None:
    """Load, freeze and serve."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    preload()
    gc.collect()
    gc.freeze()
    # An owner that ends, or is killed, while all of this goes on, wants nothing any longer
    server = ForkServer(channel)
    with contextlib.suppress(ConnectionError):
        channel.send(b"ready\n")
    with contextlib.suppress(ConnectionError):
        server.serve()
    if server.was_left:
        clear_after_owner()


if __name__ == "__main__":
    main()
