"""Who serves a container: Docker, a server that the course runs already, or a program of the container's own."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.services.stand_in.container import Program
    from course.services.stand_in.settings import Settings

# Set in the engine's runs: the server on which a container becomes a role and a database
RUN_SERVER = "COURSE_RUN_SERVER"
# Set where that database is to begin as a copy of another one on that server
RUN_TEMPLATE = "COURSE_RUN_TEMPLATE"

_BELIEVED = 5.0  # seconds: an engine that takes calls and never answers costs a second each time


@dataclass
class _Choice:
    """What `install` was told.

    Attributes:
        always: Whether stand-ins serve where a Docker engine answers, too.
        answer: Whether an engine answered, and until when that is believed, by `time.monotonic`.
        reaper: What testcontainers does before its first container, while a stand-in stands before it.
    """

    always: bool = False
    answer: tuple[bool, float] = (False, 0.0)
    reaper: Any = None


chosen = _Choice()


def docker_serves() -> bool:
    """Whether containers come from Docker: an engine answers, and nobody asked for stand-ins all the same."""
    return not chosen.always and _engine_answers()


def _engine_answers() -> bool:
    from course.services.machine.docker import engine  # noqa: PLC0415 - asked when a container is made

    answers, until = chosen.answer
    if time.monotonic() > until:
        answers = engine().answers
        chosen.answer = (answers, time.monotonic() + _BELIEVED)
    return answers


def program(settings: Settings) -> Program:
    """What runs for a container.

    Raises:
        StandInError: Something is asked for that it cannot honour.
    """
    if settings.image.program == "nats":
        from course.services.stand_in.nats import Nats  # noqa: PLC0415 - `install` imports nothing heavy

        return Nats(settings)
    from course.services.stand_in.postgres import Postgres  # noqa: PLC0415 - as above
    from course.services.stand_in.shared import Shared  # noqa: PLC0415 - as above
    from course.services.stand_in.wish import Wish  # noqa: PLC0415 - as above

    wish = Wish.read(settings)
    address = os.environ.get(RUN_SERVER)
    return Shared(wish, address) if address and wish.fits_any_server() else Postgres(wish)


def start_reaper_before(image: str) -> None:
    """Start what ends forgotten containers, as testcontainers does before all that Docker runs but itself."""
    config = sys.modules["testcontainers.core.config"].testcontainers_config
    if chosen.reaper is not None and not config.ryuk_disabled and image != config.ryuk_image:
        chosen.reaper()
