"""A process with the heavy libraries loaded, forked once for each run: `python -m course.engine.worker.forkserver FD`.

The standard library's `multiprocessing` fork server would import the caller's `__main__` again in each child and
pickles what it is asked; this one takes JSON and three pipes, puts each run into a session of its own and, as a
subreaper, gets to see the processes that a suite tries to leave behind.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from course.engine.worker import GOODBYE
from course.engine.worker.command import run_command
from course.engine.worker.limits import PR_SET_CHILD_SUBREAPER, prctl, prepare_process
from course.engine.worker.plugins import text_of
from course.engine.worker.preload import preload, preload_for
from course.engine.worker.session import run
from course.services.cleanup import registry

# How long what else ends with the owner may take to put its own things away, in seconds
AFTER_OWNER = 1.0


class ForkServer:
    """Takes tasks from a socket and forks a process for each.

    Args:
        channel: Socket of paths to JSON tasks, each with the descriptors for events, output and status.

    Attributes:
        was_left: The owner ended without closing the channel in order.
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

    def _start(self, task: dict[str, Any], descriptors: list[int]) -> None:
        events, output, status = descriptors
        preload_for(text_of(Path(task["folder"])))
        pid = os.fork()
        if pid == 0:
            os.close(status)  # how it ended is for us to tell
            self._become_run(task, events, output)
        for descriptor in (events, output):
            os.close(descriptor)
        self._live[pid] = status
        _tell(status, f"pid {pid}\n")

    def _become_run(self, task: dict[str, Any], events: int, output: int) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for descriptor in (self._channel.fileno(), self._wake, self._poke, *self._live.values()):
                os.close(descriptor)
            prepare_process(output)
            os.chdir(task["folder"])
            start = run_command if "command" in task else run
            start(task, events)
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


def kill_children() -> None:
    """Kill all children of this process: where no run is left, those that a suite started and that outlived it."""
    with contextlib.suppress(OSError):
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)


def _tell(descriptor: int, text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(descriptor, text.encode())


def _leave(code: int) -> NoReturn:
    # Exit handlers of the suite may run; those of the fork server must not, and nothing may stop the exit
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def clear_after_owner() -> None:
    """End what a killed owner had registered, such as its scratch folder."""
    time.sleep(AFTER_OWNER)
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
