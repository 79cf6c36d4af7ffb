"""PostgreSQL for a lesson: the one word a lesson says, whichever provider it comes from."""

from __future__ import annotations

import dataclasses
import importlib
import os
from typing import Protocol, cast

from course.services import orphans
from course.services.choice import choose
from course.services.server import Server

VARIABLE = "COURSE_POSTGRES"
PROVIDERS = {  # imported when chosen: some bring libraries that take a while to load
    "embedded": ("course.services.embedded", "Embedded"),
    "container": ("course.services.container", "Container"),
    "compose": ("course.services.compose", "Compose"),
    "external": ("course.services.external", "External"),
}
_BY_DEFAULT = f"(Docker was not asked: {VARIABLE}=container uses it)"


class Provider(Protocol):
    """A way to get a PostgreSQL server."""

    def start(self) -> Server:
        """Return a server that is ready, or raise an error that tells the way out."""


def postgres(provider: str | None = None) -> Server:
    """Start a PostgreSQL server.

    Args:
        provider: "embedded", "container", "compose" or "external"; COURSE_POSTGRES if none is given, else "embedded".

    Raises:
        UnknownProviderError: There is no such provider; the nearest one is suggested.
        CourseError: It did not start; the error tells why and the way out.

    Example:
        >>> with postgres("embedded") as server:
        ...     server.sentence.split(",")[0], server.alive()
        ('16.14 embedded', True)
    """
    orphans.reap()
    chosen = choose(provider, VARIABLE, PROVIDERS)
    server = named(chosen).start()
    if provider is None and not os.environ.get(VARIABLE):
        return dataclasses.replace(server, sentence=f"{server.sentence} {_BY_DEFAULT}")
    return server


def named(provider: str) -> Provider:
    """The provider of this name, not started."""
    module, name = PROVIDERS[provider]
    return cast("Provider", getattr(importlib.import_module(module), name)())
