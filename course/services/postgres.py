"""PostgreSQL for a lesson: the one word a lesson says, whichever provider it comes from."""

from __future__ import annotations

from course.services.embedded import Embedded
from course.services.server import Server


def postgres(provider: str | None = None) -> Server:
    return Embedded().start()
