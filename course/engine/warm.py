"""Processes for runs: forked from a warm one where the system can fork, started anew where it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.errors import CourseError

CAN_FORK = sys.platform != "win32" and hasattr(socket, "send_fds")
START_SECONDS = 60
# What the owner says before it leaves; one that says nothing was killed
GOODBYE = b"goodbye"


class WarmProcessError(CourseError):
    """The process that runs are forked from did not start or has died."""


@dataclass
class Process:
    """A run's process, seen through three pipes.

    Attributes:
        events: Read end of the pipe of JSON lines.
        output: Read end of the pipe of what it prints.
        status: Read end of the pipe that tells `pid N` and `exit N`.
    """

    events: int
    output: int
    status: int
    pid: int = 0

    def kill(self) -> None:
        """End the process and all of its group; safe to call again."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        for descriptor in (self.events, self.output, self.status):
            os.close(descriptor)


class WarmProcess:
    """Owns one fork server, started at once and in the background; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready = False
        self._launch()

    @property
    def pid(self) -> int:
        """Process id of the fork server."""
        return self._server.pid

    def start(self, order: dict[str, Any]) -> Process:
        """Fork a process for one run.

        Args:
            order: As `course.engine.child.run` takes it, and `folder`, the folder to run in.

        Raises:
            WarmProcessError: The fork server cannot be started.
        """
        path = write_order(order)
        with pipes() as (reads, writes):
            self._send(str(path).encode(), writes)
        return Process(*reads)

    def wait_ready(self) -> None:
        """Return when runs can be forked at once."""
        with self._lock:
            self._wait()

    def close(self) -> None:
        """End the fork server and with it every run; safe to call again."""
        with contextlib.suppress(OSError):
            self._channel.send(GOODBYE)
        self._channel.close()
        try:
            self._server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def _launch(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel.settimeout(START_SECONDS)
        self._ready = False
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        # Sets come in one order in every run: what a suite says does not differ from day to day
        environment.setdefault("PYTHONHASHSEED", "0")
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "course.engine.forkserver", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=tempfile.gettempdir(),
                env=environment,
            )

    def _send(self, data: bytes, descriptors: list[int]) -> None:
        with self._lock:
            if self._server.poll() is not None:
                self._channel.close()
                self._launch()
            self._wait()
            # The answer keeps two orders apart: a stream has no borders between messages
            socket.send_fds(self._channel, [data], descriptors)
            self._channel.recv(1)

    def _wait(self) -> None:
        if self._ready:
            return
        try:
            answer = self._channel.recv(16)
        except OSError as error:
            answer = str(error).encode()
        if answer != b"ready\n":
            raise WarmProcessError("The process that runs tests did not start.", "Run `course doctor`.")
        self._ready = True


@contextlib.contextmanager
def pipes() -> Iterator[tuple[list[int], list[int]]]:
    """Pipes for events, output and status: their ends to read, and those to write, which are closed afterwards."""
    reads, writes = zip(*(os.pipe() for _ in range(3)), strict=True)
    try:
        yield list(reads), list(writes)
    except BaseException:
        for descriptor in reads:
            os.close(descriptor)
        raise
    finally:
        for descriptor in writes:
            os.close(descriptor)


class ColdProcesses:
    """The same without `fork`: each run starts an interpreter of its own, which takes seconds."""

    pid = 0

    def start(self, order: dict[str, Any]) -> Process:
        """Start a process for one run; see `WarmProcess.start`."""
        events, output, status = (os.pipe() for _ in range(3))
        path = write_order(order)
        for descriptor in (events[1], output[1]):
            os.set_inheritable(descriptor, True)
        child = subprocess.Popen(
            [sys.executable, "-m", "course.engine.cold", str(path), _handle(events[1])],
            cwd=order["folder"],
            stdin=subprocess.DEVNULL,
            stdout=output[1],
            stderr=output[1],
            close_fds=False,
        )
        os.write(status[1], f"pid {child.pid}\n".encode())
        for descriptor in (events[1], output[1]):
            os.close(descriptor)
        threading.Thread(target=_report_end, args=(child, status[1]), daemon=True).start()
        return Process(events[0], output[0], status[0])

    def wait_ready(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        """There is nothing to end."""


def write_order(order: dict[str, Any]) -> Path:
    """Write an order beside the folder that it is for."""
    path = Path(order["folder"] + ".json")
    path.write_text(json.dumps(order), encoding="utf-8")
    return path


def _handle(descriptor: int) -> str:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - only there

        return str(msvcrt.get_osfhandle(descriptor))
    return str(descriptor)


def _report_end(child: subprocess.Popen[bytes], status: int) -> None:
    code = child.wait()
    os.write(status, f"exit {code}\n".encode())
    os.close(status)
