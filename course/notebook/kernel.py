"""Prepares a kernel for the course: the ■ also ends what waits in C, and a cell says when its server has ended."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any

from course.errors import CourseError
from course.notebook.chart import fit_pictures
from course.notebook.guard import Guard
from course.notebook.panel import Panel, Row
from course.notebook.showing import show

_guards = ExitStack()


def prepare(shell: Any) -> None:
    """Prepare a shell, its kernel and its cells; a second time, nothing happens."""
    # A forgotten session of another thread would log 2 KB of traceback wherever it dies
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    logging.getLogger("nats.aio.client").setLevel(logging.CRITICAL)  # it logs whatever it raises
    logging.getLogger("course.stand_in.collation").setLevel(logging.ERROR)  # the panel of `begin` says it
    fit_pictures()
    for event, function in (("pre_run_cell", _begin), ("post_run_cell", _end)):
        if function not in shell.events.callbacks[event]:
            shell.events.register(event, function)


def _begin(_info: Any) -> None:
    _guards.enter_context(Guard())


def _end(result: Any) -> None:
    _guards.close()
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, BaseException) and not isinstance(error, (CourseError, KeyboardInterrupt)):
        _tell_of_a_lost_server()


def _tell_of_a_lost_server() -> None:
    """Say below the traceback of a cell that a server of the lesson has ended."""
    from course.notebook.session import session  # noqa: PLC0415 - takes half a second, and `import course` is quick

    try:
        session().require_servers()
    except CourseError as error:
        show(Panel("A server is gone", rows=(Row(str(error), "bad"),)))
