"""What a notebook imports: a handful of names, each loaded when it is first used."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from course.errors import CourseError, nearest

if TYPE_CHECKING:  # for editors and type checkers, which read this file and do not run `__getattr__`
    from course.notebook.beginning import begin
    from course.notebook.brief import brief
    from course.notebook.caught import caught
    from course.notebook.comparison import compare
    from course.notebook.export import export
    from course.notebook.hand_in import hand_in
    from course.notebook.health import doctor
    from course.notebook.hints import hint
    from course.notebook.isolation import isolation_lab
    from course.notebook.measurement import measure
    from course.notebook.path import next, path, progress  # noqa: A004 - what a learner types, as `course.next()`
    from course.notebook.quiz import quiz
    from course.services.pool.pool import DatabasePool
    from course.services.providers.nats import nats
    from course.services.providers.postgres import postgres

PLACES = {
    "begin": "course.notebook.beginning",
    "brief": "course.notebook.brief",
    "caught": "course.notebook.caught",
    "hint": "course.notebook.hints",
    "isolation_lab": "course.notebook.isolation",
    "progress": "course.notebook.path",
    "path": "course.notebook.path",
    "next": "course.notebook.path",
    "quiz": "course.notebook.quiz",
    "measure": "course.notebook.measurement",
    "compare": "course.notebook.comparison",
    "export": "course.notebook.export",
    "hand_in": "course.notebook.hand_in",
    "doctor": "course.notebook.health",
    "postgres": "course.services.providers.postgres",
    "nats": "course.services.providers.nats",
    "DatabasePool": "course.services.pool.pool",
}
COMMANDS = (
    "lab",
    "status",
    "reset",
    "prefetch",
    "render",
    "verify",
    "grade",
    "release",
    "rehearse",
)  # of the `course` program
MAGICS = ("conftest", "exercise", "jest", "pytest", "workflow")

__all__ = [
    "DatabasePool", "begin", "brief", "caught", "compare", "doctor", "export", "hand_in", "hint", "isolation_lab",
    "measure", "nats", "next", "path", "postgres", "progress", "quiz",
]  # fmt: skip


class UnknownNameError(CourseError, AttributeError):
    """`course` has no function of this name."""


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: importing all of them takes half a second."""
    if name not in PLACES:
        if name in COMMANDS:
            raise UnknownNameError(f"`{name}` is a command.", f"Type `course {name}` in a terminal.")
        raise UnknownNameError(f"There is no `course.{name}`.", nearest(name, __all__))
    value = globals()[name] = getattr(importlib.import_module(PLACES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Give a shell the cell magics; `import course` does the same where IPython runs."""
    importlib.import_module("course.notebook.kernel").prepare(shell)
    for name in MAGICS:
        shell.register_magic_function(_magic(name), "cell", name)


def _magic(name: str) -> Any:
    def magic(line: str, cell: str) -> None:
        getattr(importlib.import_module("course.notebook.magics"), name)(line, cell)

    # A test id may hold braces and dollar signs, which are not names of variables
    magic._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]  # noqa: SLF001 - IPython's own mark
    magic.__doc__ = f"See `course.notebook.magics.{name}`."
    return magic


if "IPython" in sys.modules and (_shell := sys.modules["IPython"].get_ipython()) is not None:
    load_ipython_extension(_shell)
