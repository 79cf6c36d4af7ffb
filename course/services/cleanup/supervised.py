"""Starts a server under the supervisor, in a folder of its own; it ends when this process does."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from course.services.cleanup import ending, supervisor
from course.services.cleanup.owner import birth, is_running
from course.services.cleanup.registry import Entry
from course.services.machine.accounts import Account

_LOG_LIMIT = 2 << 20  # bytes; the log takes twice that at most
_PATIENCE = 2 * supervisor.PATIENCE + 2  # seconds: the supervisor asks, then kills

_lifelines: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


@dataclass(frozen=True)
class Supervised:
    """A running server process.

    Attributes:
        entry: In the registry.
        folder: Its files; removed with it.
        process: Its supervisor (on Windows: the server), which ends when its standard input closes.
        pid: The server's process number.
        started: When the server started, see `birth`; 0.0 if it ended at once.
    """

    entry: Entry
    folder: Path
    process: subprocess.Popen[bytes]
    pid: int
    started: float

    def is_running(self) -> bool:
        """Whether the server runs."""
        return is_running(self.pid, self.started)

    def log(self, most: int = 100_000) -> str:
        """The last `most` characters that the server wrote."""
        text = ""
        for name in ("server.log.1", "server.log"):
            with contextlib.suppress(OSError):
                text += (self.folder / name).read_text(encoding="utf-8", errors="replace")
        return text[-most:]

    def stop(self) -> None:
        """Stop the server and remove its folder. Safe to call again, and in a forked copy of the owner."""
        if self.process not in _lifelines:
            return
        _lifelines.discard(self.process)
        atexit.unregister(self.stop)
        _cut(self.process)
        _wait(self.process)
        ending.end_folder(self.folder)
        self.entry.release()


def supervise(
    command: Sequence[str], entry: Entry, folder: Path, *, account: Account | None, stop_signal: str
) -> Supervised:
    """Start a server in its folder, which must exist.

    Args:
        command: The full path of the program, and its arguments; the folder's path is among them.
        entry: From `registry.register`.
        folder: The entry's folder.
        account: The user to run it as; the current one if None.
        stop_signal: Stops it in good order, such as "SIGQUIT".
    """
    process = _spawn(command, folder, account, stop_signal)
    _lifelines.add(process)
    pid = _server_pid(process)
    server = Supervised(entry, folder, process, pid, _started(pid))
    atexit.register(server.stop)
    return server


def _spawn(command: Sequence[str], folder: Path, account: Account | None, stop_signal: str) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":  # no fork there: the server is our own child, and `reap` its only safety net
        with (folder / "server.log").open("wb") as log:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    number = getattr(signal, stop_signal).value
    script = [sys.executable, "-I", "-S", supervisor.__file__]
    words = [*script, str(_LOG_LIMIT), str(folder), str(number), str(uid), str(gid), *command]
    return subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _server_pid(process: subprocess.Popen[bytes]) -> int:
    """The server's process number, which is all that the supervisor prints."""
    if process.stdout is None:
        return process.pid
    with process.stdout as line:
        return int(line.readline() or process.pid)


def _started(pid: int) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return birth(pid)
    return 0.0


def _cut(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    if sys.platform == "win32":
        process.terminate()


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _let_go() -> None:
    """A forked copy of the owner must not hold the lifelines, or the servers would outlive the owner."""
    for process in list(_lifelines):
        _cut(process)
    _lifelines.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
