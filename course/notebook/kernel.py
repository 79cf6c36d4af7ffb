"""What a kernel has once the course is in it: the ■ ends statements that wait in C, and pools don't cry."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from course.notebook.chart import fit_pictures

if TYPE_CHECKING:
    from course.notebook.guard import Guard

_guards: list[Guard] = []


def prepare(shell: Any) -> None:
    """Prepare a shell, its kernel and its cells; a second time, nothing happens."""
    # A forgotten session of another thread would log 2 KB of traceback wherever it dies
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    fit_pictures()
    for event, function in (("pre_run_cell", _begin), ("post_run_cell", _end)):
        if function not in shell.events.callbacks[event]:
            shell.events.register(event, function)


def _begin(_info: Any) -> None:
    from course.notebook.guard import Guard  # noqa: PLC0415 - `import course` is quick

    _guards.append(Guard().__enter__())


def _end(_result: Any) -> None:
    while _guards:
        _guards.pop().__exit__()
