"""Remembers from which line of the learner's cells each session got its last statement."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from course.notebook.cell import Cell
from course.notebook.waits import LockWait


class Statements:
    """The lines of the last statements, by connection; SQLAlchemy tells them.

    Args:
        cells: The learner's cells by the file names of their frames.
    """

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells
        self._lines: dict[int, int] = {}
        self._event: Any = None
        self._engines: Any = None

    def follow(self) -> None:
        """Listen from now on, once there is something to listen to."""
        if self._engines is None and self._cells and "sqlalchemy" in sys.modules:
            self._event, self._engines = sys.modules["sqlalchemy"].event, sys.modules["sqlalchemy"].Engine
            self._event.listen(self._engines, "before_cursor_execute", self._note)

    def forget(self) -> None:
        """Listen no more."""
        if self._engines is not None:
            self._event.remove(self._engines, "before_cursor_execute", self._note)
            self._engines = None

    def holder(self, locked: LockWait) -> str:
        """Who holds a lock, in words that a learner finds again in the cell."""
        said = f"`{locked.holding}`"
        line = self._lines.get(id(locked.holder))
        at = f" at line {line}" if line else ""
        whose = "another session of yours" if locked.holder is not None else "a session of another program"
        return f"{whose}, which has run {said}{at} and was neither committed nor closed"

    def _note(self, connection: Any, *_: object) -> None:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename not in self._cells:
            frame = frame.f_back
        key = id(connection.connection.dbapi_connection)
        if frame is None:
            self._lines.pop(key, None)
        else:
            self._lines[key] = frame.f_lineno
