"""The way out of a run's process: JSON lines into a pipe."""

from __future__ import annotations

import json
import os
from typing import Any


class Sink:
    """Where events go: whole lines, so that a reader never sees half of one."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._owner = os.getpid()

    def redirect(self, descriptor: int) -> None:
        """Send to another pipe from now on, and from this process."""
        self._descriptor, self._owner = descriptor, os.getpid()

    def close(self) -> None:
        """Close the pipe; there is nothing more to tell until there is another."""
        os.close(self._descriptor)

    def send(self, event: dict[str, Any]) -> None:
        """Write one event; a process that the suite forked has nothing to tell."""
        if os.getpid() != self._owner:
            return
        line = json.dumps(event).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]
