"""One panel in the output of a cell, replaced while things happen."""

from __future__ import annotations

from typing import Any

from course.notebook.panel import Panel
from course.notebook.showing import running_shell, show, show_replaceable


class Live:
    """A terminal gets the last panel only."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._replaces = hasattr(running_shell(), "kernel")

    def show(self, panel: Panel) -> None:
        """Show a panel that another one follows."""
        if self._replaces:
            self._put(panel)

    def end(self, panel: Panel) -> None:
        """Show the last panel."""
        self._put(panel)

    def _put(self, panel: Panel) -> None:
        if self._handle is not None:
            self._handle.update(panel)
        elif self._replaces:
            self._handle = show_replaceable(panel)
        else:
            show(panel)
