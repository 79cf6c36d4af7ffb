"""Watches over code that runs in the kernel: says what it waits for, ends it on Ctrl-C even in C, and after a while.

A thread that waits in C, such as psycopg2 for a lock, never comes to Python's own handler of Ctrl-C. The signal is
heard here by `signal.set_wakeup_fd`, in a thread of its own, which has the server cancel the statement.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Self

from course.notebook import waits
from course.notebook.cell import Cell
from course.notebook.problem import Problem
from course.notebook.statements import Statements

TELL_AFTER, ASK_AFTER = 1.0, 3.0  # seconds until it is said that something runs, and what it waits for
TICK, ENDING_TICK = 1.0, 0.15
STILL, STUCK = 2, 20  # ticks of ending without a move, until a statement is cancelled and until sockets are shut


@dataclass(frozen=True)
class Wait:
    """What runs, for how long, and what it waits for.

    Attributes:
        test: The test; empty while the cell itself is executed.
        seconds: How long this step of it has taken.
        place: Where it stands, such as `line 7`; empty where that is no cell.
        why: What it waits for, as the end of a sentence; empty where nobody knows.
        locked: Whether that is a lock.
    """

    test: str
    seconds: float
    place: str = ""
    why: str = ""
    locked: bool = False

    @property
    def sentence(self) -> str:
        """Where it is, and what it waits for where that is known, as a sentence; empty where neither is."""
        what = "Your test" if self.test else "The cell"
        at = f" at {self.place}" if self.place else ""
        if self.why:
            return f"{what} waits{at}{self.why}."
        return f"{what} is{at}." if at else ""


class Guard:
    """A context manager around code of the learner's; a plugin of the pytest that runs in it.

    Args:
        cells: The learner's cells by the file names of their frames.
        tell: Told every second what runs, once that takes longer than a moment.
        seconds: How long one step (fixtures, a test, the end of fixtures) may take; None for no limit, and no word.
    """

    def __init__(
        self,
        cells: Mapping[str, Cell] | None = None,
        tell: Callable[[Wait], None] = lambda _: None,
        seconds: float | None = None,
    ) -> None:
        self.problem: Problem | None = None
        self._cells, self._tell, self._seconds = cells or {}, tell, seconds
        self._statements = Statements(self._cells)
        self._lock = threading.Lock()
        self._test, self._since = "", time.monotonic()
        self._why, self._over, self._ending = "", False, False
        self._stands, self._still = (0, 0), 0  # where the main thread was a tick ago, and for how many ticks

    def __enter__(self) -> Self:
        self._ear, self._mouth = socket.socketpair()
        self._ear.settimeout(TICK)
        self._mouth.setblocking(False)
        self._hears = threading.current_thread() is threading.main_thread()
        self._before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False) if self._hears else -1
        self._sockets = waits.sockets()
        self._thread = threading.Thread(target=self._watch, name="course guard", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(*([KeyboardInterrupt] if self.problem else [])):  # our own may come late
            with self._lock:
                self._over = True
            if self._hears:
                signal.set_wakeup_fd(self._before)
        self._mouth.close()
        self._thread.join()
        self._ear.close()
        self._statements.forget()

    # A plugin of pytest (`item` is a `pytest.Item`; importing it takes half a second): each step has its own time

    def pytest_runtest_setup(self, item: Any) -> None:
        self.begin_step(item.name)

    def pytest_runtest_call(self, item: Any) -> None:
        self.begin_step(item.name)

    def pytest_runtest_teardown(self, item: Any) -> None:
        self.begin_step(item.name)

    def begin_step(self, test: str = "") -> None:
        """Start the clock for the next step."""
        self._test, self._since, self._why = test, time.monotonic(), ""
        self._statements.follow()

    # The thread

    def _watch(self) -> None:
        while (heard := self._listen()) != b"":
            self._compare()
            if heard and signal.SIGINT in heard:
                self._begin_to_end()
            elif self._ending:
                self._end()
            elif self._seconds is not None:
                with contextlib.suppress(Exception):  # a look may fail; the learner's code goes on
                    self._look(time.monotonic() - self._since, self._seconds)

    def _listen(self) -> bytes | None:
        try:
            return self._ear.recv(64)
        except TimeoutError:
            return None

    def _compare(self) -> None:
        inner = main_frames()[0]
        stands = (id(inner), inner.f_lasti)
        self._still = self._still + 1 if stands == self._stands else 0
        self._stands = stands

    def _look(self, seconds: float, limit: float) -> None:
        if seconds < TELL_AFTER:
            return
        wait = self._describe(seconds) if seconds >= min(ASK_AFTER, limit) else Wait(self._test, seconds)
        if seconds >= limit and not is_fetching():
            self.problem = self._told(wait)
            self._interrupt()  # before what it waits in ends: not one more line is run
            self._begin_to_end()
        else:
            self._tell(wait)

    def _describe(self, seconds: float) -> Wait:
        cell, line = self._place()
        place = f"line {line}" + (" of the %%conftest cell" if cell and cell.module == "conftest" else "")
        locked = waits.lock_wait(waits.executing()) if self._still else None
        if locked:
            self._why = f" for a lock: `{locked.waiting}` has to wait for {self._statements.holder(locked)}"
        elif is_fetching():
            self._why = " for Docker, which may have an image to fetch"
        return Wait(self._test, seconds, place if cell else "", self._why, bool(locked))

    def _told(self, wait: Wait) -> Problem:
        cell, line = self._place()
        cure = "Commit, roll back or close that session before: `with Session(engine) as session:` does it for you."
        return Problem(
            f"Ended after {wait.seconds:.0f} s. {replace(wait, place='').sentence}".strip(),
            line,
            cell.line(line) if cell else "",
            wait.test,
            "conftest" if cell and cell.module == "conftest" else "",
            detail=cure if wait.locked else "",
        )

    def _place(self) -> tuple[Cell | None, int]:
        """Where the main thread is in the learner's cells."""
        for frame in main_frames():
            if cell := self._cells.get(frame.f_code.co_filename):
                return cell, frame.f_lineno
        return None, 0

    # The end

    def _begin_to_end(self) -> None:
        self._ending, self._still = True, 0
        self._ear.settimeout(ENDING_TICK)

    def _end(self) -> None:
        """End what the main thread waits for, where it does not move for the signal, or not in the ends of fixtures.

        Nothing is looked for while it moves: what it lets go of at that moment would die in this thread.
        """
        if self._still >= STILL:
            waits.cancel(waits.executing())
        if self._still == STUCK:
            waits.sever(waits.sockets() - self._sockets)
            if self._seconds is not None:  # once more: Python may have dropped the first, or a test has caught it
                self._interrupt()

    def _interrupt(self) -> None:
        """Send the main thread what Ctrl-C sends."""
        with self._lock:
            if self._over:
                return
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                signal.raise_signal(signal.SIGINT)


def is_fetching() -> bool:
    """Whether the main thread waits for a Docker engine: an image may take minutes to come."""
    return any(frame.f_globals.get("__name__", "").startswith("docker.") for frame in main_frames())


def main_frames() -> list[FrameType]:
    """Where the main thread is, and all that called it; the innermost frame first."""
    inner: FrameType | None = sys._current_frames()[threading.main_thread().ident or 0]  # noqa: SLF001 - documented
    found = []
    while inner is not None:
        found.append(inner)
        inner = inner.f_back
    return found
