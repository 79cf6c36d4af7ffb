"""The canary at PostgreSQL's usual port, for suites that go there without being asked to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from course.hygiene.canary import DEFAULT_PORT, Attempt, Canary


class DefaultPort:
    """One canary for all runs: the working folder of the process behind a connection tells which run it belongs to.

    Attributes:
        taken: Whether another program holds the port: then the canary watches nothing.
    """

    def __init__(self, port: int = DEFAULT_PORT) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[Path, set[Attempt]] = {}
        self._canary: Canary | None = None
        with contextlib.suppress(OSError):
            self._canary = Canary(port, self._note)

    @property
    def taken(self) -> bool:
        return self._canary is None

    @contextmanager
    def watched(self, folder: Path) -> Iterator[set[Attempt]]:
        """Collect the attempts of processes that run below `folder`."""
        seen: set[Attempt] = set()
        with self._lock:
            self._watchers[folder] = seen
        try:
            yield seen
        finally:
            with self._lock:
                self._watchers.pop(folder, None)

    def close(self) -> None:
        """Leave the port; safe to call again."""
        if self._canary:
            self._canary.close()

    def _note(self, address: tuple[str, int], attempt: Attempt) -> None:
        place = _folder_of(address[1])
        if place is None:
            return
        with self._lock:
            for folder, seen in self._watchers.items():
                if place.is_relative_to(folder):
                    seen.add(attempt)


def _folder_of(port: int) -> Path | None:
    """The working folder of the process that has a connection from `port`."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp4"):
            if connection.laddr and connection.laddr[1] == port and connection.pid:
                return Path(psutil.Process(connection.pid).cwd())
    return None
