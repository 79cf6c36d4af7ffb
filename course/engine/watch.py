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

from course.engine.run import Ending, Outcome, Reach, RunResult
from course.engine.warm import Process

OUTPUT_BYTES = 16 << 20
EVENT_BYTES = 16 << 20
TAIL_CHARACTERS = 4000
PROCESSES = 64
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

    def result(self) -> RunResult:
        """Wait for the end and tell what happened; nothing of the run is alive after it."""
        threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read_status, self._read_events, self._read_output)
        ]
        for thread in threads:
            thread.start()
        cut = None
        try:
            cut = self._follow()
        finally:
            self._process.kill()
            drained = time.monotonic() + DRAIN_SECONDS
            for thread in threads:
                thread.join(max(0.0, drained - time.monotonic()))
            if not any(thread.is_alive() for thread in threads):
                self._process.close()
        with contextlib.suppress(queue.Empty):
            while True:
                self._take(*self._news.get_nowait())
        seconds = time.monotonic() - self._started
        limit = self._seconds if time.monotonic() >= self._deadline else self._patience or self._seconds
        if cut is Ending.TIMED_OUT and self._patience and self._record.busy < self._patience:
            self._record.acquit()
        return self._record.result(cut, seconds, limit, self._text())

    def _follow(self) -> Ending | None:
        """Take news until the process has ended; the reason where it was cut off."""
        while True:
            with contextlib.suppress(queue.Empty):
                kind, value = self._news.get(timeout=LOOK_EVERY)
                cut = self._take(kind, value)
                if cut or kind == "exit":
                    return cut
                if not self._is_late() and not self._stop.is_set():
                    continue
            if self._stop.is_set():
                return Ending.STOPPED
            if self._is_late():
                return Ending.TIMED_OUT
            if self._process.pid and count_descendants(self._process.pid, PROCESSES) >= PROCESSES:
                return Ending.TOO_MANY_PROCESSES

    def _is_late(self) -> bool:
        one_test = self._patience is not None and self._record.busy >= self._patience
        return one_test or time.monotonic() >= self._deadline

    def _take(self, kind: str, value: Any) -> Ending | None:
        if kind == "event":
            self._record.take(value)
        elif kind == "pid":
            self._process.pid = value
        elif kind == "exit":
            self._record.exit = value
        elif kind == "flood":
            return Ending.TOO_MUCH_OUTPUT
        return None

    def _read_status(self) -> None:
        for line in _lines(self._process.status, 1 << 16):
            kind, _, number = line.decode().partition(" ")
            self._news.put((kind, int(number)))

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


class Record:
    """What the events of a run add up to. Events come from a learner's process: nothing in them is trusted."""

    def __init__(self) -> None:
        self.exit: int | None = None
        self._outcomes: dict[str, Outcome] = {}
        self._collected: tuple[str, ...] = ()
        self._current = ""
        self._since = 0.0
        self._broken: list[dict[str, Any]] = []
        self._reach: Reach | None = None
        self._done = False

    def take(self, event: dict[str, Any]) -> None:
        """Add one event; one that is not well formed is passed over."""
        with contextlib.suppress(KeyError, TypeError, ValueError):
            match event.get("event"):
                case "collected":
                    self._collected = tuple(str(test) for test in event["tests"])
                case "start":
                    self._current, self._since = str(event["test"]), time.monotonic()
                case "test":
                    self._current = ""
                    outcome = _outcome(event)
                    self._outcomes[outcome.test] = outcome
                case "broken":
                    self._broken.append(event)
                case "reach":
                    self._reach = _reach(event)
                case "done":
                    self._done = True

    @property
    def busy(self) -> float:
        """How long the current test has been running, in seconds; 0 where there is none."""
        return time.monotonic() - self._since if self._current else 0.0

    def acquit(self) -> None:
        """The current test is not to blame for the end: all tests together took too long."""
        self._current = ""

    def result(self, cut: Ending | None, seconds: float, limit: float, output: str) -> RunResult:
        """The result of the run.

        Args:
            cut: Why it was cut off, if it was.
            seconds: How long it took.
            limit: How long it might have taken.
            output: The last of what it printed.
        """
        ending, detail, where = self._ending(cut, limit)
        return RunResult(
            ending,
            tuple(self._outcomes.values()),
            detail,
            where,
            self._collected,
            self._current,
            self._reach,
            round(seconds, 4),
            output,
        )

    def _ending(self, cut: Ending | None, limit: float) -> tuple[Ending, str, str]:
        if cut and not (self._done and cut is Ending.TIMED_OUT):
            return cut, _sentence(cut, limit, self._current), ""
        if self._broken:
            first = self._broken[0]
            return Ending.NOT_COLLECTED, str(first.get("message", ""))[:600], str(first.get("where", ""))[:200]
        if self._done:
            return (Ending.FINISHED, "", "") if self._collected else (Ending.NO_TESTS, "There are no tests.", "")
        during = f" during {self._current}" if self._current else ""
        return Ending.DIED, f"The process ended by itself with status {self.exit}{during}.", ""


def _outcome(event: dict[str, Any]) -> Outcome:
    result = str(event["result"])
    if result not in ("passed", "failed", "skipped"):
        raise ValueError(result)
    return Outcome(
        test=str(event["test"])[:500],
        result=result,
        phase=str(event.get("phase", "call")),
        message=str(event.get("message", ""))[:600],
        assertion=event.get("assertion") is True,
        seconds=float(event.get("seconds", 0)),
        where=str(event.get("where", ""))[:200],
    )


def _reach(event: dict[str, Any]) -> Reach:
    def lines(pairs: list[tuple[str, int]]) -> frozenset[tuple[str, int]]:
        return frozenset((str(name), int(number)) for name, number in pairs)

    tests = {str(test): lines(pairs) for test, pairs in event["tests"].items()}
    return Reach(lines(event["shared"]), tests, event.get("complete") is True)


def _sentence(cut: Ending, limit: float, current: str) -> str:
    during = f" during {current}" if current else ""
    return {
        Ending.TIMED_OUT: f"It was ended after {limit:.0f} s{during}.",
        Ending.TOO_MUCH_OUTPUT: f"It printed more than {OUTPUT_BYTES >> 20} MB{during} and was ended.",
        Ending.TOO_MANY_PROCESSES: f"It started {PROCESSES} or more processes{during} and was ended.",
        Ending.STOPPED: "It was stopped.",
    }[cut]


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
