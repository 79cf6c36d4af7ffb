"""Follows one run from outside: reads its events, bounds what it may print, start and take, and ends it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course.engine.record import OUTPUT_BYTES, PROCESSES, Loaded, Record
from course.engine.run import Ending, RunResult
from course.engine.warm import Process

EVENT_BYTES = 16 << 20
TAIL_CHARACTERS = 4000
# How often the processes of a run are counted, in seconds
LOOK_EVERY = 0.05
# How long the pipes of an ended process may take to run dry, in seconds
DRAIN_SECONDS = 2.0


class Watch:
    """One run, followed to its end.

    Args:
        process: The run's process.
        seconds: Its deadline.
        stop: Set from outside to end the run at once.
        patience: How long one test may take, in seconds. Where this is given, a test that was not running for so long
            is not to blame when the deadline of the run comes.
    """

    def __init__(
        self, process: Process, seconds: float, stop: threading.Event, *, patience: float | None = None
    ) -> None:
        self._process = process
        self._started = time.monotonic()
        self._deadline = self._started + seconds
        self._seconds = seconds
        self._stop = stop
        self._patience = patience
        self._news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._record = Record()
        self._tail = b""
        self._threads: list[threading.Thread] = []
        self._cut: Ending | None = None
        self._has_ended = self._is_closed = False

    def loaded(self) -> Loaded | None:
        """Wait until the process has loaded its suite and goes on to wait; None where it has ended instead."""
        self._start()
        self._cut = self._follow_to("loaded")
        return self._record.loaded if self._cut is None and not self._has_ended else None

    def result(self) -> RunResult:
        """Wait for the end and tell what happened; nothing of the run is alive after it."""
        self._start()
        try:
            if self._cut is None and not self._has_ended:
                self._cut = self._follow_to("exit")
        finally:
            self.end()
        with contextlib.suppress(queue.Empty):
            while True:
                self._take(*self._news.get_nowait())
        seconds = time.monotonic() - self._started
        limit = self._seconds if time.monotonic() >= self._deadline else self._patience or self._seconds
        if self._cut is Ending.TIMED_OUT and self._patience and self._record.busy < self._patience:
            self._record.acquit()
        return self._record.result(self._cut, seconds, limit, self._text())

    def end(self) -> None:
        """End the process and close its pipes; safe to call again."""
        self._process.end(by_itself=self._record.exit is not None)
        if self._is_closed:
            return
        drained = time.monotonic() + DRAIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, drained - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._is_closed = True
            self._process.close()

    def _start(self) -> None:
        if not self._threads:
            readers = (self._read_status, self._read_events, self._read_output)
            self._threads = [threading.Thread(target=reader, daemon=True) for reader in readers]
            for thread in self._threads:
                thread.start()

    def _follow_to(self, wanted: str) -> Ending | None:
        """Take news until the process has ended, or is loaded where that is wanted; the reason where it was cut off."""
        while True:
            with contextlib.suppress(queue.Empty):
                kind, value = self._news.get(timeout=LOOK_EVERY)
                cut = self._take(kind, value)
                if cut or kind == "exit" or (wanted == "loaded" and self._record.loaded):
                    return cut
                if not self._is_late() and not self._stop.is_set():
                    continue
            if self._stop.is_set():
                return Ending.STOPPED
            if self._is_late():
                return Ending.TIMED_OUT
            if self._process.pid and count_descendants(self._process.pid, PROCESSES) >= PROCESSES:
                return Ending.TOO_MANY_PROCESSES

    @property
    def is_unswapped(self) -> bool:
        """Whether the process could not become the variant that was ordered."""
        return self._record.unswapped

    @property
    def stays(self) -> Loaded | None:
        """What is loaded in the process of a rehearsal, where that goes on to be forked."""
        return self._record.loaded

    def _is_late(self) -> bool:
        one_test = self._patience is not None and self._record.busy >= self._patience
        return one_test or time.monotonic() >= self._deadline

    def _take(self, kind: str, value: Any) -> Ending | None:
        if kind == "event":
            self._record.take(value)
        elif kind == "pid":
            self._process.tell_pid(value)
        elif kind == "exit" and not self._has_ended:
            self._has_ended = True
            self._record.exit = value
        elif kind == "flood":
            return Ending.TOO_MUCH_OUTPUT
        return None

    def _read_status(self) -> None:
        for line in _lines(self._process.status, 1 << 16):
            kind, _, number = line.decode(errors="replace").partition(" ")
            with contextlib.suppress(ValueError):
                self._news.put((kind, int(number)))
        self._news.put(("exit", None))  # who was to tell the end is gone, too

    def _read_events(self) -> None:
        for line in _lines(self._process.events, EVENT_BYTES):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self._news.put(("event", event))

    def _read_output(self) -> None:
        total = 0
        while data := _read(self._process.output):
            before, total = total, total + len(data)
            self._tail = (self._tail + data)[-4 * TAIL_CHARACTERS :]
            if before < OUTPUT_BYTES <= total:
                self._news.put(("flood", None))

    def _text(self) -> str:
        return self._tail.decode(errors="replace")[-TAIL_CHARACTERS:]


def _lines(descriptor: int, limit: int) -> Iterator[bytes]:
    rest, total = b"", 0
    while data := _read(descriptor):
        total += len(data)
        if total > limit:
            continue  # read on, so that the writer is not held up, and keep nothing
        *whole, rest = (rest + data).split(b"\n")
        yield from whole


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def count_descendants(pid: int, enough: int) -> int:
    """Number of processes below `pid`, counted up to `enough`; 0 where the system does not tell."""
    total, todo = 0, [pid]
    while todo and total < enough:
        below = _children(todo.pop())
        total += len(below)
        todo += below
    return total


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError, ValueError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []
