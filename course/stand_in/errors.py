"""What a stand-in cannot do, said with the next step."""

from __future__ import annotations

from course.errors import CourseError

_NEXT = "Start a Docker engine for it (`course doctor` says what is missing)"


class StandInError(CourseError):
    """A container asks for something that the stand-in cannot honour.

    Args:
        what: What cannot be honoured, as a sentence.
        next_step: What to do now; by default, to start a Docker engine.
    """

    def __init__(self, what: str, next_step: str = f"{_NEXT}.") -> None:
        super().__init__(what, next_step)

    @classmethod
    def without(cls, what: str, instead: str) -> StandInError:
        """An error whose next step is a Docker engine, or something that the stand-in does know."""
        return cls(what, f"{_NEXT}, or {instead}.")
