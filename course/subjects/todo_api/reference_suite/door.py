"""Lets requests meet in the database, so that what happens at once happens at once every time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from client import Answer
from psycopg2 import extensions

Call = Callable[[], Answer]
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND application_name = current_setting('application_name')
"""


class Door:
    """Holds requests before their first write until all of them have come that far."""

    def __init__(self, database: extensions.cursor, tables: list[str]) -> None:
        self._database = database
        self._no_writes = [f"LOCK TABLE {table} IN EXCLUSIVE MODE" for table in tables]
        self._no_changes = [f"SELECT FROM {table} FOR UPDATE" for table in tables]

    def create(self, *calls: Call) -> list[Answer]:
        return self._meet(self._no_writes, calls)

    def change(self, *calls: Call) -> list[Answer]:
        """Calls that change one row get their turn in the order given."""
        return self._meet(self._no_changes, calls)

    def _meet(self, locks: list[str], calls: tuple[Call, ...]) -> list[Answer]:
        with ThreadPoolExecutor(len(calls)) as threads:
            with self._closed(locks):
                answers: list[Future[Answer]] = []
                for call in calls:
                    answers.append(threads.submit(call))
                    self._wait_until_stopped(answers)
            return [answer.result() for answer in answers]

    @contextmanager
    def _closed(self, locks: list[str]) -> Iterator[None]:
        self._database.execute("BEGIN")
        try:
            for lock in locks:
                self._database.execute(lock)
            yield
        finally:
            self._database.execute("COMMIT")

    def _wait_until_stopped(self, answers: list[Future[Answer]]) -> None:
        """Wait until each call has been answered or waits at a lock: the database knows."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            on_their_way = sum(not answer.done() for answer in answers)
            self._database.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw before
            self._database.execute(WAITING)
            (waiting,) = self._database.fetchone()
            if waiting >= on_their_way:
                return
            time.sleep(0.001)
