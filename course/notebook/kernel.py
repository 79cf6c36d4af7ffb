"""What every cell of a kernel has, once the course is in it: Ctrl-C (the ■) ends a statement that waits in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.notebook.guard import Guard

_guards: list[Guard] = []


def guard_cells(shell: Any) -> None:
    """Guard the cells of a shell, which are watched over by no exercise; a second time, nothing happens."""
    for event, function in (("pre_run_cell", _begin), ("post_run_cell", _end)):
        if function not in shell.events.callbacks[event]:
            shell.events.register(event, function)


def _begin(_info: Any) -> None:
    from course.notebook.guard import Guard  # noqa: PLC0415 - `import course` is quick

    _guards.append(Guard().__enter__())


def _end(_result: Any) -> None:
    while _guards:
        _guards.pop().__exit__()
