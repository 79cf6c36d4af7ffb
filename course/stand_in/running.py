"""The containers of this process: what was forgotten is stopped when the process ends."""

from __future__ import annotations

import atexit
import contextlib
import os
from typing import Any

_running: dict[int, tuple[int, Any]] = {}


def add(container: Any) -> None:
    """Remember it, for the end of this process."""
    if not _running:
        atexit.unregister(stop_all)
        atexit.register(stop_all)
    _running[id(container)] = (os.getpid(), container)


def discard(container: Any) -> None:
    """Forget it: it is removed."""
    _running.pop(id(container), None)


def has(name: str) -> bool:
    """Whether a container of this name is there."""
    return any(container.name == name for _, container in _running.values())


def stop_all() -> None:
    """Stop what this process started. A forked copy of it leaves alone what is its parent's."""
    mine = [container for pid, container in _running.values() if pid == os.getpid()]
    _running.clear()
    for container in mine:
        with contextlib.suppress(Exception):  # at exit, one that fails must not keep the others
            container.stop()
