"""The errors a learner or a teacher may read: what happened, and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MANY = 20  # names; a longer list helps nobody who has mistyped one


class CourseError(Exception):
    """An error that is told in one sentence, with the next step after it.

    Args:
        what: What happened, as a sentence.
        next_step: What to do now, as a sentence; empty where there is nothing to do.

    Example:
        >>> str(CourseError("Port 5432 is taken.", "Stop the other server."))
        'Port 5432 is taken. Stop the other server.'
    """

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: where inside of the course it was raised helps nobody."""
        return [f"{type(self).__name__}: {self}"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant: the next step of every error about a wrong name.

    Args:
        name: What was asked for.
        known: The names that exist.

    Returns:
        A sentence: the nearest name, or where none is near all of them, or the first three of many.

    Example:
        >>> nearest("6.22", ["6.1", "6.2"])
        'Did you mean "6.2"?'
        >>> nearest("bananas", ["6.1", "6.2"])
        'There are: "6.1", "6.2".'
    """
    names = list(known)
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in names], n=1, cutoff=0.5)
    if close:
        return f'Did you mean "{next(each for each in names if each.lower() == close[0])}"?'
    if not names:
        return "There are none."
    quoted = ", ".join(f'"{each}"' for each in names[: MANY if len(names) <= MANY else 3])
    return f"There are: {quoted}." if len(names) <= MANY else f"There are {len(names)}, such as {quoted}."
