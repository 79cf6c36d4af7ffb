"""PostgreSQL for a lesson, from one of four providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from course.services.embedded.postgres import Embedded
from course.services.providers import choice
from course.services.providers.compose import Compose
from course.services.providers.container import Container
from course.services.providers.external import External
from course.services.server import Server

VARIABLE = "COURSE_POSTGRES"


class Provider(Protocol):
    """A way to get a PostgreSQL server."""

    def start(self) -> Server:
        """Return a server that is ready, or raise an error that says what to do."""


PROVIDERS: dict[str, Callable[[], Provider]] = {
    "embedded": Embedded,
    "container": Container,
    "compose": Compose,
    "external": External,
}


def postgres(provider: str | None = None) -> Server:
    """Start a PostgreSQL server.

    Args:
        provider: "embedded", "container", "compose" or "external"; COURSE_POSTGRES if none is given, else "embedded".

    Raises:
        UnknownProviderError: There is no such provider; the nearest one is suggested.
        CourseError: It did not start; the error says why and what to do.

    Example:
        >>> with postgres("embedded") as server:
        ...     server.sentence.split(",")[0], server.alive()
        ('16.14 embedded', True)
    """
    return choice.start(provider, VARIABLE, PROVIDERS, lambda name: named(name).start())


def named(provider: str) -> Provider:
    """The provider of this name, not started."""
    return PROVIDERS[provider]()
