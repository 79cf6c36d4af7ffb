"""The stand-ins that run now: what was forgotten is stopped when its process ends."""

from __future__ import annotations

import atexit
import contextlib
import os
from typing import Protocol


class Stoppable(Protocol):
    """Something that can be stopped, more than once."""

    def stop(self) -> None:
        """Stop it."""


_running: dict[int, tuple[int, Stoppable]] = {}


def add(stand_in: Stoppable) -> None:
    """Remember it, for the end of this process."""
    if not _running:
        atexit.unregister(stop_all)
        atexit.register(stop_all)
    _running[id(stand_in)] = (os.getpid(), stand_in)


def discard(stand_in: Stoppable) -> None:
    """Forget it: it is stopped."""
    _running.pop(id(stand_in), None)


def stop_all() -> None:
    """Stop what this process started. A forked copy of it leaves alone what is its parent's."""
    mine = [stand_in for pid, stand_in in _running.values() if pid == os.getpid()]
    _running.clear()
    for stand_in in mine:
        with contextlib.suppress(Exception):  # at exit, one that fails must not keep the others
            stand_in.stop()
