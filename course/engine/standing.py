"""A suite that stands loaded in a process of its own, which is forked for each run: the prover's side of a zygote."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from course.engine.reach import is_imported
from course.engine.record import Loaded
from course.engine.run import Request, RunResult
from course.engine.warm import Process, WarmProcess, pipes, write_order
from course.engine.watch import Watch
from course.engine.zygote import GO_ON

# How old a loaded suite may be, in seconds: what it read from the clock when it was loaded must not be long ago.
# After a rehearsal, whoever asks holds the oldest runs against right code, and sees whether it matters.
MAX_AGE, MAX_AGE_REHEARSED = 5.0, 60.0
SEND_SECONDS = 5.0
SEED, MODULES = "COURSE_RUN_SEED", "PYTHONPATH"


class StandingSuite:
    """One loaded suite.

    Args:
        processes: Where the process comes from.
        request: The first run of it, on the original.
        order: The same as the process takes it.
        stop: Set from outside to end whatever goes on.
        database: Name of the database that each of its runs finds.

    Attributes:
        place: The folder that holds the suite's folder.
        is_rehearsed: The suite has run once in the process that runs are forked from.
    """

    def __init__(
        self, processes: WarmProcess, request: Request, order: dict[str, Any], stop: threading.Event, database: str
    ) -> None:
        self.database = database
        self._request, self._order, self._stop = request, order, stop
        self._folder = Path(order["folder"])
        self.place = self._folder.parent
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel.settimeout(SEND_SECONDS)
        with theirs:
            self._process = processes.start(order, theirs)
        self._born = time.monotonic()
        self._watch = Watch(self._process, request.seconds, stop, patience=request.patience)
        self._loaded: Loaded | None = None
        self._files: Mapping[Path, tuple[int, int]] = {}
        self._seconds = 0.0
        self.is_alive = True
        self.is_rehearsed = False

    def load(self) -> bool:
        """Wait until all is loaded; whether it may be forked."""
        self._loaded = self._watch.loaded()
        self._seconds = time.monotonic() - self._born
        self._files = files_of(self._folder)
        return self._loaded is not None and not self._loaded.flaw

    def go_on(self) -> RunResult:
        """Let the loaded process itself be the first run, and no other."""
        if self._loaded is not None:
            self._channel.send(GO_ON)
        self.is_alive = False
        result = self._watch.result()
        self._channel.close()
        return result

    def fits(self, request: Request, order: dict[str, Any]) -> bool:
        """Whether a run is a fork of this one."""
        max_age = MAX_AGE_REHEARSED if request.rehearsal else MAX_AGE
        if not self.is_alive or self._loaded is None or time.monotonic() - self._born > max_age:
            return False
        mine, patch = self._request, request.variant.patch
        files = {file.path for file in patch.files} if patch else set()
        return (
            (request.suite, request.variant.subject) == (mine.suite, mine.variant.subject)
            and (request.rehearsal is not None or not self.is_rehearsed)
            and (not request.interest or request.interest == mine.interest)
            and (request.swap or self._finds_later(files, request.variant.subject.folder))
            and lasting(order) == lasting(self._order)
        )

    def _finds_later(self, files: set[str], program: Path) -> bool:
        """Whether a fork imports these files when it needs them, and so finds those of its own program."""
        assert self._loaded is not None  # noqa: S101 - the caller has looked
        return not files & self._loaded.files and all(is_imported(program, file) for file in files)

    def run(self, request: Request, order: dict[str, Any], *, stay: bool = False) -> RunResult | None:
        """Fork a run; None where it has to be run in a process of its own after all.

        Args:
            request: One that fits.
            order: The same; `swap` names the file of what is to be swapped.
            stay: It is a rehearsal: its process is forked from now on, if there is nothing against that.
        """
        was_rehearsed = self.is_rehearsed
        environment = {name: order["environment"][name] for name in (SEED, MODULES)}
        own = {"folder": str(self._folder), "environment": environment, "stay": stay}
        path = write_order({**order, **own})
        try:
            with pipes() as (reads, writes):
                socket.send_fds(self._channel, [str(path).encode()], writes)
        except OSError:
            self.end()
            return None
        events, output, status = reads
        process = Forked(events, output, status, self._process.pid, self)
        watch = Watch(process, request.seconds, self._stop, patience=request.patience)
        result = watch.result()
        stays = watch.stays if stay else None
        if stays:
            self._loaded, self.is_rehearsed = stays, True
        self._tidy()
        if watch.is_unswapped:
            return None
        seconds = round(result.seconds + self._seconds, 4)
        return replace(result, seconds=seconds, rehearsed=was_rehearsed, stays=stays is not None)

    def end(self) -> None:
        """End the process; safe to call again."""
        self.is_alive = False
        self._channel.close()
        self._watch.end()

    def _tidy(self) -> None:
        """Make the folder what it was for the next run, or let there be none."""
        temporary = self.place / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(exist_ok=True)
        if self.is_alive and files_of(self._folder) != self._files:
            self.end()


@dataclass
class Forked(Process):
    """A fork of a loaded suite. What goes wrong in it ends the process that it was forked from, and with that all."""

    zygote: StandingSuite | None = field(default=None, repr=False)

    def tell_pid(self, pid: int) -> None:
        """The suite's own process tells it, and nothing of that is believed."""

    def end(self, *, by_itself: bool) -> None:
        if not by_itself and self.zygote is not None:
            self.zygote.end()


def lasting(order: dict[str, Any]) -> dict[str, str]:
    """The variables that a suite may read when it is loaded."""
    return {name: value for name, value in order["environment"].items() if name not in (SEED, MODULES, "TMPDIR")}


def files_of(folder: Path) -> dict[Path, tuple[int, int]]:
    """The files below a folder with size and time of the last change, byte-code excepted."""
    result = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = Path(place, name)
            state = path.lstat()
            result[path] = (state.st_size, state.st_mtime_ns)
    return result
