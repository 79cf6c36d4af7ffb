"""The errors a learner or a teacher may read: what happened, and the next step."""

from __future__ import annotations


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
