"""Chooses a provider: by the argument, else by the variable, else the embedded one."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Protocol, TypeVar

from course.errors import CourseError
from course.services.cleanup import registry

DEFAULT = "embedded"


class _Told(Protocol):
    """A dataclass with a sentence that says what it is."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def sentence(self) -> str: ...


_Server = TypeVar("_Server", bound=_Told)


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
    """The provider's name: the argument, else the environment variable's value, else "embedded".

    Raises:
        UnknownProviderError: It is not among the known names.
    """
    name = argument or os.environ.get(variable) or DEFAULT
    if name not in known:
        raise UnknownProviderError(name, variable, known)
    return name


def start(argument: str | None, variable: str, known: Collection[str], begin: Callable[[str], _Server]) -> _Server:
    """End what dead processes have left, then `begin` a server from the provider that `choose` names.

    Where nobody has chosen, the server's sentence says how to use Docker.

    Raises:
        CourseError: There is no such provider, or it did not start; the error says why and what to do.
    """
    registry.reap()
    server = begin(choose(argument, variable, known))
    if argument or os.environ.get(variable):
        return server
    return dataclasses.replace(
        server, sentence=f"{server.sentence} (Docker was not asked: {variable}=container uses it)"
    )
