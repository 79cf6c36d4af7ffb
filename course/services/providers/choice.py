"""The choice of a provider: an argument before a variable before the embedded one."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection

from course.errors import CourseError

DEFAULT = "embedded"


class UnknownProviderError(CourseError):
    """A provider's name is misspelt.

    Example:
        >>> str(UnknownProviderError("contianer", "COURSE_POSTGRES", ["embedded", "container"]))
        'COURSE_POSTGRES knows no provider "contianer". Did you mean "container"? There are: embedded, container.'
    """

    def __init__(self, name: str, variable: str, known: Collection[str]) -> None:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
        question = f'Did you mean "{near[0]}"? ' if near else ""
        super().__init__(f'{variable} knows no provider "{name}".', f"{question}There are: {', '.join(known)}.")


def choose(argument: str | None, variable: str, known: Collection[str]) -> str:
    """The provider's name.

    Args:
        argument: What the caller asks for.
        variable: The environment variable that counts where the caller asks for nothing.
        known: The names that there are.

    Raises:
        UnknownProviderError: It is none of them.
    """
    name = argument or os.environ.get(variable) or DEFAULT
    if name not in known:
        raise UnknownProviderError(name, variable, known)
    return name
