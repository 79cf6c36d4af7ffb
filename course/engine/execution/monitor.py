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

from course.engine.execution.events import OUTPUT_BYTES, PROCESSES, Events
from course.engine.execution.processes import Process
from course.engine.execution.run import Ending, RunResult

EVENT_BYTES = 16 << 20
TAIL_CHARACTERS = 4000
# How often the processes of a run are counted, in seconds
LOOK_EVERY = 0.05
# How long the pipes of an ended process may take to run dry, in seconds
DRAIN_SECONDS = 2.0


class Monitor:
    """One run, followed to its end.

    Args:
        process: The run's process.
        seconds: Its deadline.
        stop: Set from outside to end the run at once.
        patience: How long one test may take, in seconds; a test that ran for less is not to blame for the deadline.
    """

    def __init__(
        self, process: Process, seconds: float, stop: threading.Event, *, patience: float | None = None
    ) -> None:
        self._process = process
        self._stop = stop
        self._news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._events = Events(seconds, patience)
        self._tail = b""

    def result(self) -> RunResult:
        """Wait for the end; afterwards no process of the run is alive."""
        readers = (self._read_status, self._read_events, self._read_output)
        threads = [threading.Thread(target=reader, daemon=True) for reader in readers]
        for thread in threads:
            thread.start()
        try:
            cut = self._follow()
        finally:
            self._end(threads)
        with contextlib.suppress(queue.Empty):
            while True:
                self._take(*self._news.get_nowait())
        return self._events.result(cut, self._tail.decode(errors="replace")[-TAIL_CHARACTERS:])

    def _end(self, threads: list[threading.Thread]) -> None:
        """End the process, with all of its group, and close its pipes once they have run dry."""
        self._process.kill()
        drained = time.monotonic() + DRAIN_SECONDS
        for thread in threads:
            thread.join(max(0.0, drained - time.monotonic()))
        if not any(thread.is_alive() for thread in threads):
            self._process.close()

    def _follow(self) -> Ending | None:
        """Take events until the process has ended; the reason where it was cut off."""
        while True:
            with contextlib.suppress(queue.Empty):
                kind, value = self._news.get(timeout=LOOK_EVERY)
                cut = self._take(kind, value)
                if cut or kind == "exit":
                    return cut
                if not self._events.late and not self._stop.is_set():
                    continue
            if self._stop.is_set():
                return Ending.STOPPED
            if self._events.late:
                return Ending.TIMED_OUT
            if self._process.pid and count_descendants(self._process.pid, PROCESSES) >= PROCESSES:
                return Ending.TOO_MANY_PROCESSES

    def _take(self, kind: str, value: Any) -> Ending | None:
        if kind == "event":
            self._events.take(value)
        elif kind == "pid":
            self._process.pid = value
        elif kind == "exit" and self._events.exit is None:
            self._events.exit = value
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
