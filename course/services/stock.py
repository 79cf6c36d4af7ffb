"""The pool's stock of clean databases, and the thread that fills it: clones made ahead, used ones put right."""

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

from course.errors import CourseError
from course.services.connection import PoolError, explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from course.services.clone import Clone
    from course.services.workshop import Workshop

_MANY_CHORES = 8  # dropped databases may wait while tests wait for clean ones, but not without limit
_MOMENT = 0.0005  # seconds between two looks at sessions that are about to end
_GRACE = 0.1  # seconds that they have for it before other databases must wait for them
_FAREWELL = 10.0  # seconds until a thread that hangs on a dead server is left behind


class PoolClosedError(PoolError):
    """A database was asked of a pool that is closed."""


class PoolTimeoutError(PoolError):
    """No database became ready in time."""


class NotTakenError(PoolError):
    """A database was given back that this pool has not handed out."""


class Stock:
    """Clean databases for many threads, filled by one of its own.

    Args:
        workshop: Makes the databases and drops them.
        ahead: How many are to be ready.
    """

    def __init__(self, workshop: Workshop, *, ahead: int) -> None:
        self._ahead = ahead
        self._begin(workshop)
        self._chores.append(workshop.drop_orphans)
        self._ensure_worker()
        _stocks.add(self)

    def _begin(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._change = threading.Condition()
        self._ready: deque[Clone] = deque()
        self._returned: deque[Clone] = deque()
        self._used: dict[str, Clone] = {}
        self._chores: deque[Callable[[], None]] = deque()
        self._connects = False
        self._restless = 0  # returned databases in a row that had still sessions in them
        self._waiting = 0
        self._most_used = 0
        self._failure: CourseError | None = None
        self._closing = False
        self._worker: threading.Thread | None = None

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
                clone.given_back = time.monotonic()
                self._returned.append(clone)
            self._ensure_worker()
            self._change.notify_all()

    def end(self) -> None:
        """Ask the thread to drop what it made and to end, without waiting for it."""
        with self._change:
            self._closing = True
            self._change.notify_all()

    def close(self) -> None:
        """Drop what was made, and end. A second call does nothing."""
        self.end()
        if self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join(_FAREWELL)

    def _wait(self, end: float, patience: float) -> None:
        if self._closing:
            raise PoolClosedError("The database pool is closed.", "Make a new DatabasePool.")
        if self._failure is not None:
            raise self._failure
        self._ensure_worker()
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

    def _ensure_worker(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name=f"{self._workshop.name} pool", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                self._fail(error)
        with contextlib.suppress(psycopg.Error):
            self._workshop.end([*self._ready, *self._returned, *self._used.values()])

    def _next_job(self) -> Callable[[], None] | None:
        with self._change:
            while True:
                if self._chores and (self._closing or len(self._chores) > _MANY_CHORES):
                    return partial(self._do, self._chores.popleft())
                if self._closing:
                    return None
                if len(self._returned) > self._restless:
                    return partial(self._clean, self._returned.popleft())
                if job := self._other_job():
                    self._restless = 0
                    return job
                self._change.wait(_MOMENT if self._returned else None)
                self._restless = 0

    def _other_job(self) -> Callable[[], None] | None:
        """What is to do when no used database can be put right at once."""
        coming = len(self._ready) + len(self._returned)
        if self._failure is None and coming < max(self._ahead, self._waiting):
            return self._grow
        if self._connects and self._ready and self._ready[-1].session is None:
            return partial(self._connect, self._ready.pop())
        if self._chores and not self._returned:
            return partial(self._do, self._chores.popleft())
        return None

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

    def _clean(self, clone: Clone) -> None:
        """Put a used database right; one that cannot be put right, or is one too many, is dropped."""
        try:
            if self._is_restless(clone):
                return
            is_clean = clone.reset()
        except psycopg.Error:
            is_clean = False  # its schema or its session is gone, and soon so is it
        with self._change:
            if is_clean and len(self._ready) < max(self._ahead, self._most_used, self._waiting):
                self._ready.append(clone)
                self._change.notify_all()
            else:
                self._chores.append(partial(self._workshop.drop, clone))

    def _connect(self, clone: Clone) -> None:
        """Open a session for the test that will take this one."""
        try:
            clone.open_session()
        finally:
            with self._change:
                self._ready.appendleft(clone)
                self._change.notify_all()

    def _is_restless(self, clone: Clone) -> bool:
        """Whether sessions in it have still to end, which takes them a moment: there are other things to do."""
        if clone.is_quiet() or time.monotonic() > clone.given_back + _GRACE:
            return False
        with self._change:
            self._returned.append(clone)
            self._restless += 1
        return True

    def _grow(self) -> None:
        clone = self._workshop.make()
        with self._change:
            self._ready.append(clone)
            self._change.notify_all()

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
