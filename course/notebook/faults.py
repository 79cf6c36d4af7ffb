"""Turns an unexpected error into a sentence for the learner and a traceback in a file."""

from __future__ import annotations

import errno
import functools
import inspect
import tempfile
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from course.errors import CourseError

P = ParamSpec("P")
T = TypeVar("T")


class FaultError(CourseError):
    """The course itself has failed. The learner's work has nothing to do with it."""


class CallError(CourseError):
    """A function of the course was called with the wrong arguments."""


class NoRoomError(CourseError):
    """The disk is full."""


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Say in a sentence that a function was called with the wrong arguments.

    Example:
        >>> @checked
        ... def add(number): ...
        >>> try:
        ...     add()
        ... except CallError as error:
        ...     print(error.what)
        add cannot be called like that: missing a required argument: 'number'.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise CallError(f"{call.__name__} cannot be called like that: {error}.", _usage(function)) from None
        return function(*args, **kwargs)

    return call


def guarded(function: Callable[P, T]) -> Callable[P, T]:
    """Let only errors out that a learner can read.

    Example:
        >>> @guarded
        ... def write():
        ...     raise OSError(errno.ENOSPC, "it is full", "notes.txt")
        >>> try:
        ...     write()
        ... except NoRoomError as error:
        ...     print(error.what)
        There is no room left on the disk (notes.txt).
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except CourseError:
            raise
        except Exception as error:  # noqa: BLE001 - the last door before the learner
            raise told(error) from None

    return checked(call)


def _usage(function: Callable[..., object]) -> str:
    names = ", ".join(inspect.signature(function).parameters)
    return f"Call it as {function.__name__}({names}); `course.{function.__name__}?` tells more."


def told(error: Exception) -> CourseError:
    """The error, as one that says what happened and what to do."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        what = f"There is no room left on the disk ({error.filename or tempfile.gettempdir()})."
        return NoRoomError(what, "Free some and run the cell again: your cells are as they were.")
    return FaultError(f"The course has failed, not you: {type(error).__name__}: {error}.", _report(error))


def _report(error: Exception) -> str:
    try:
        with tempfile.NamedTemporaryFile("w", prefix="course-fault-", suffix=".txt", delete=False) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return "Run the cell again."
    return f"Run the cell again; if it stays, please report it with {file.name}."
