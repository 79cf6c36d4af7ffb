"""Processes for runs: forked from a fork server where the system can fork, spawned where it cannot."""

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

from course.engine.worker import GOODBYE
from course.errors import CourseError

if sys.platform == "win32":
    import msvcrt

CAN_FORK = sys.platform != "win32" and hasattr(socket, "send_fds")
START_SECONDS = 60


class ForkServerError(CourseError):
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


class ForkedProcesses:
    """Owns one fork server, started at once and in the background; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._launch()

    def start(self, task: dict[str, Any]) -> Process:
        """Fork a process for one run.

        Args:
            task: As `course.engine.worker.session.run` takes it, and `folder`, the folder to run in.

        Raises:
            ForkServerError: The fork server cannot be started.
        """
        path = _write(task)
        with _pipes() as (process, writes):
            self._send(str(path).encode(), writes)
        return process

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
                [sys.executable, "-m", "course.engine.worker.forkserver", str(theirs.fileno())],
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
            self._wait_ready()
            # The answer keeps two tasks apart: a stream has no borders between messages
            socket.send_fds(self._channel, [data], descriptors)
            self._channel.recv(1)

    def _wait_ready(self) -> None:
        if self._ready:
            return
        try:
            answer = self._channel.recv(16)
        except OSError as error:
            answer = str(error).encode()
        if answer != b"ready\n":
            raise ForkServerError("The process that runs tests did not start.", "Run `course doctor`.")
        self._ready = True


class SpawnedProcesses:
    """The same without `fork`: each run starts an interpreter of its own, which takes seconds."""

    def start(self, task: dict[str, Any]) -> Process:
        """Start a process for one run; see `ForkedProcesses.start`."""
        path = _write(task)
        with _pipes() as (process, (events, output, status)):
            for descriptor in (events, output):
                os.set_inheritable(descriptor, True)
            child = subprocess.Popen(
                [sys.executable, "-m", "course.engine.worker.spawned", str(path), _handle(events)],
                cwd=task["folder"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                close_fds=False,
                start_new_session=True,  # so that all of it can be ended
            )
            threading.Thread(target=_report_end, args=(child, os.dup(status)), daemon=True).start()
        return process

    def close(self) -> None:
        """There is nothing to end."""


@contextlib.contextmanager
def _pipes() -> Iterator[tuple[Process, list[int]]]:
    """A process's pipes for events, output and status, and their ends to write, which are closed afterwards."""
    reads, writes = zip(*(os.pipe() for _ in range(3)), strict=True)
    process = Process(*reads)
    try:
        yield process, list(writes)
    except BaseException:
        process.close()
        raise
    finally:
        for descriptor in writes:
            os.close(descriptor)


def _write(task: dict[str, Any]) -> Path:
    """Write a task beside the folder that it is for."""
    path = Path(task["folder"] + ".json")
    path.write_text(json.dumps(task), encoding="utf-8")
    return path


def _handle(descriptor: int) -> str:
    if sys.platform == "win32":
        return str(msvcrt.get_osfhandle(descriptor))
    return str(descriptor)


def _report_end(child: subprocess.Popen[bytes], status: int) -> None:
    os.write(status, f"pid {child.pid}\n".encode())
    os.write(status, f"exit {child.wait()}\n".encode())
    os.close(status)
