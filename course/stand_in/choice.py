"""Who serves a container: Docker, or a stand-in."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass
from typing import Any

from course.services.machine.docker import engine
from course.services.providers import images
from course.services.providers.images import ImageMissingError

# Set in the engine's runs: the server on which a container becomes a role and a database
RUN_SERVER = "COURSE_RUN_SERVER"
# Set where that database is to begin as a copy of another one on that server
RUN_TEMPLATE = "COURSE_RUN_TEMPLATE"

_log = logging.getLogger(__name__)

_BELIEVED = 5.0  # seconds: an engine that takes calls and never answers costs a second each time


@dataclass
class _Choice:
    """What `install` was told.

    Attributes:
        installed: Whether stand-ins have their place.
        always: Whether stand-ins serve where a Docker engine answers, too.
        answer: Whether an engine answered, and until when that is believed, by `time.monotonic`.
        reaper: What testcontainers does before its first container, while a stand-in stands before it.
        told: Whether it was said that an image cannot be had.
    """

    installed: bool = False
    always: bool = False
    answer: tuple[bool, float] = (False, 0.0)
    reaper: Any = None
    told: bool = False


chosen = _Choice()


def docker_serves(image: str) -> bool:
    """Whether a container of this image, which has a stand-in, comes from Docker all the same.

    It does where an engine answers that has the image or fetches it now, and nobody asked for stand-ins. Where the
    image of Ryuk cannot be had, Docker would leave forgotten containers behind: then it does not, either.

    Raises:
        ImageMissingError: The registry says that there is no such image.
    """
    if chosen.always or not _engine_answers():
        return False
    try:
        images.require(image, *images.reaper())
    except ImageMissingError as error:
        if error.unknown and error.name == image:
            raise
        if not chosen.told:  # a notebook shows it below the cell, and pytest with a test that failed
            _log.warning("%s The course's own servers stand in for it. %s", error.what, error.next_step)
        chosen.told = True
        return False
    return True


def _engine_answers() -> bool:
    """Whether a Docker engine answers; what was found out is believed for a moment."""
    answers, until = chosen.answer
    if time.monotonic() > until:
        answers = engine().answers
        chosen.answer = (answers, time.monotonic() + _BELIEVED)
    return answers


def hold_reaper() -> None:
    """Keep testcontainers from starting its reaper before it is known who serves: a stand-in leaves nothing to reap."""
    container = sys.modules.get("testcontainers.core.container")
    if container is not None and chosen.reaper is None:
        chosen.reaper = container.Reaper.__dict__["get_instance"]
        container.Reaper.get_instance = classmethod(lambda reaper: reaper)


def release_reaper() -> None:
    """Let testcontainers start its reaper as it does by itself."""
    if chosen.reaper is not None:
        sys.modules["testcontainers.core.container"].Reaper.get_instance = chosen.reaper
        chosen.reaper = None


def start_reaper_before(image: str) -> None:
    """Start what ends forgotten containers, as testcontainers does before all that Docker runs but itself."""
    config = sys.modules["testcontainers.core.config"].testcontainers_config
    if chosen.reaper is not None and not config.ryuk_disabled and image != config.ryuk_image:
        _reap()


def _reap() -> Any:
    return chosen.reaper.__get__(None, sys.modules["testcontainers.core.container"].Reaper)()
