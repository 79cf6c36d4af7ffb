"""The pool's stock of clean databases, and the threads that fill it: clones made ahead, used ones put right."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import psycopg2  # type: ignore[import-untyped]

from course.errors import CourseError
from course.services.connection import PoolError, explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from course.services.clone import Clone
    from course.services.workshop import Workshop

_WORKERS = 2  # while one waits for the server, the other goes on
_MANY_CHORES = 8  # dropped databases may wait while tests wait for clean ones, but not without limit
_FAREWELL = 10.0  # seconds until a worker that hangs on a dead server is left behind


class PoolClosedError(PoolError):
    """A database was asked of a pool that is closed."""


class PoolTimeoutError(PoolError):
    """No database became ready in time."""


class NotTakenError(PoolError):
    """A database was given back that this pool has not handed out."""


class Stock:
    """Clean databases for many threads, filled by two of its own.

    Args:
        workshop: Makes the databases and drops them.
        ahead: How many are to be ready.
    """

    def __init__(self, workshop: Workshop, *, ahead: int) -> None:
        self._ahead = ahead
        self._begin(workshop)
        self._chores.append(workshop.drop_orphans)
        self._ensure_workers()
        _stocks.add(self)

    def _begin(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._change = threading.Condition()
        self._ready: deque[Clone] = deque()
        self._returned: deque[Clone] = deque()
        self._used: dict[str, Clone] = {}
        self._chores: deque[Callable[[], None]] = deque()
        self._connects = False
        self._waiting = 0
        self._most_used = 0
        self._failure: CourseError | None = None
        self._closing = False
        self._in_hand = 0  # databases that a worker is about to make ready
        self._workers: list[threading.Thread] = []
        self._working = 0

    def take(self, patience: float, *, connected: bool = False) -> Clone:
        """Hand a clean database over.

        Args:
            patience: How many seconds to wait for one.
            connected: Prefer one with a session for the test; from then on, such ones are made ahead.

        Raises:
            PoolClosedError: There is no stock any longer.
            PoolTimeoutError: None was ready within `patience` seconds.
            CourseError: The server could not make one.
        """
        end = time.monotonic() + patience
        with self._change:
            self._failure = None
            self._connects = self._connects or connected
            self._waiting += 1
            try:
                while (clone := self._pop_ready(connected=connected)) is None:
                    self._wait(end, patience)
            finally:
                self._waiting -= 1
            self._used[clone.name] = clone
            self._most_used = max(self._most_used, len(self._used))
            self._change.notify_all()
            return clone

    def give_back(self, name: str, *, keep: bool = False) -> None:
        """Take a used database back, to be put right; with `keep` it stays as it is.

        Raises:
            NotTakenError: It was not handed out, or was given back before.
        """
        with self._change:
            clone = self._used.pop(name, None)
            if clone is None:
                raise NotTakenError(
                    f"This pool has not handed out the database {name!r}: it is neither reset nor dropped.",
                    "Give back, once, what pool.take() returned.",
                )
            if keep:
                self._chores.append(partial(self._workshop.keep, clone))
            else:
                self._returned.append(clone)
            self._ensure_workers()
            self._change.notify_all()

    def end(self) -> None:
        """Ask the workers to drop what they made and to end, without waiting for them."""
        with self._change:
            self._closing = True
            self._change.notify_all()

    def close(self) -> None:
        """Drop what was made, and end. A second call does nothing."""
        self.end()
        end = time.monotonic() + _FAREWELL
        for worker in self._workers:
            if worker is not threading.current_thread():
                worker.join(max(0.0, end - time.monotonic()))

    def _wait(self, end: float, patience: float) -> None:
        if self._closing:
            raise PoolClosedError("The database pool is closed.", "Make a new DatabasePool.")
        if self._failure is not None:
            raise self._failure
        self._ensure_workers()
        self._change.notify_all()
        if not self._change.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
            raise PoolTimeoutError(
                f"No database became ready within {patience:g} s ({len(self._used)} are in use).",
                "Give databases back after use; if there are none, the server hangs: start it again.",
            )

    def _pop_ready(self, *, connected: bool) -> Clone | None:
        """The next clean database whose server is still there. Those with a session stand in front."""
        while self._ready and not self._closing:
            clone = self._ready.popleft() if connected else self._ready.pop()
            if clone.is_open():
                return clone
            self._chores.append(partial(self._workshop.drop, clone))
        return None

    def _ensure_workers(self) -> None:
        if not self._workers:
            name = f"{self._workshop.name} pool"
            self._workers = [threading.Thread(target=self._work, name=name, daemon=True) for _ in range(_WORKERS)]
            self._working = _WORKERS
            for worker in self._workers:
                worker.start()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                self._fail(error)
        with self._change:
            self._working -= 1
            if self._working:
                return
        with contextlib.suppress(psycopg.Error):
            self._workshop.end([*self._ready, *self._returned, *self._used.values()])

    def _next_job(self) -> Callable[[], None] | None:
        with self._change:
            while True:
                if self._chores and (self._closing or len(self._chores) > _MANY_CHORES):
                    return partial(self._do, self._chores.popleft())
                if self._closing:
                    return None
                if make := self._next_database():
                    self._in_hand += 1
                    return partial(self._bring, make)
                if self._chores:
                    return partial(self._do, self._chores.popleft())
                self._change.wait()

    def _next_database(self) -> Callable[[], Clone | None] | None:
        """How the next database becomes ready, if one is to."""
        if self._returned:
            return partial(self._clean, self._returned.popleft())
        if self._failure is None and len(self._ready) + self._in_hand < max(self._ahead, self._waiting):
            return self._workshop.make
        if self._connects and self._ready and self._ready[-1].session is None:
            return partial(self._connect, self._ready.pop())
        return None

    def _bring(self, make: Callable[[], Clone | None]) -> None:
        """Make a database ready; those with a session for a test stand in front."""
        clone = None
        try:
            clone = make()
        finally:
            with self._change:
                self._in_hand -= 1
                if clone is not None:
                    (self._ready.appendleft if clone.session else self._ready.append)(clone)
                self._change.notify_all()

    def _do(self, chore: Callable[[], None]) -> None:
        """No test waits for a chore. What it could not drop, a later pool will; a dead server is noticed elsewhere."""
        with contextlib.suppress(psycopg.Error, CourseError):
            chore()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, psycopg.Error):
            error = explain(self._workshop.server, error)
        elif not isinstance(error, CourseError):
            error = PoolError(f"The database pool failed ({type(error).__name__}: {error}).", "Make a new one.")
        with self._change:
            self._failure = error
            self._change.notify_all()

    def _clean(self, clone: Clone) -> Clone | None:
        """Put a used database right; one that cannot be put right, or is one too many, is dropped."""
        try:
            clone.close_session()
            if self._connects:
                clone.open_session()  # while the server is still busy with the end of the other one
            is_clean = clone.reset()
        except (psycopg.Error, psycopg2.Error):
            is_clean = False  # its schema or its session is gone, and soon so is it
        with self._change:
            if is_clean and len(self._ready) < max(self._ahead, self._most_used, self._waiting):
                return clone
            self._chores.append(partial(self._workshop.drop, clone))
            return None

    def _connect(self, clone: Clone) -> Clone:
        """Open a session for the test that will take this one."""
        try:
            clone.open_session()
        except psycopg2.Error:
            self._chores.append(partial(self._workshop.drop, clone))
            raise
        return clone

    def leave_to_parent(self) -> None:
        """In a forked process: begin anew, and never touch or close a connection of the parent."""
        _of_parents.append((self._workshop, self._ready, self._returned, self._used, self._chores, self._change))
        self._begin(self._workshop.apprentice())


_stocks: weakref.WeakSet[Stock] = weakref.WeakSet()
_of_parents: list[object] = []


def _close_all() -> None:
    for stock in list(_stocks):
        stock.close()


def _leave_all_to_parent() -> None:
    for stock in list(_stocks):
        stock.leave_to_parent()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)
