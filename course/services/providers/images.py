"""Finds the images of containers on this machine, and fetches those that are missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from course.errors import CourseError
from course.services.cleanup import containers

POSTGRES = "postgres:16"
NATS = "nats:2"
NATS_OF_COMPOSE = "nats:2-alpine"  # its health check needs a shell

_UNKNOWN = re.compile(
    "manifest unknown|: not found|not found: manifest|pull access denied|access to the resource is denied"
)
_SILENCE = 20.0  # seconds in which nothing comes; an engine itself gives a registry 15
_refused: dict[str, ImageMissingError] = {}


class ImageMissingError(CourseError):
    """An image is not on this machine and cannot be fetched.

    Args:
        name: The image.
        why: What the engine said.

    Attributes:
        name: The image.
        why: What the engine said, as one line.
        unknown: Whether the registry has no image of this name.

    Example:
        >>> print(ImageMissingError("nats:2", "no route to host"))
        Docker cannot fetch the image nats:2: no route to host. Run `course prefetch` when this machine is online.
    """

    def __init__(self, name: str, why: str) -> None:
        self.name, self.unknown = name, _UNKNOWN.search(why) is not None
        self.why = " ".join(why.split()).rstrip(".")
        step = "Look at its name and tag." if self.unknown else "Run `course prefetch` when this machine is online."
        super().__init__(f"Docker cannot fetch the image {name}: {self.why}.", step)


def wanted() -> tuple[str, ...]:
    """The images that lessons, reference suites, `compose.yaml` and Testcontainers ask for."""
    from testcontainers.core.config import testcontainers_config as config

    own = [f"{config.hub_image_name_prefix}{name}" for name in (POSTGRES, NATS)]
    return tuple(dict.fromkeys([*own, POSTGRES, NATS_OF_COMPOSE, *reaper()]))


def reaper() -> tuple[str, ...]:
    """The image of Ryuk, which Testcontainers starts before its first container, unless it is switched off."""
    from testcontainers.core.config import testcontainers_config as config

    return () if config.ryuk_disabled else (config.ryuk_image,)


def missing() -> tuple[str, ...]:
    """Those of `wanted` that are not on this machine; all of them where no engine answers. Nothing is fetched."""
    names = wanted()
    return containers.ask(lambda client: tuple(name for name in names if not _find(client, name)), otherwise=names)


def is_here(name: str) -> bool:
    """Whether a container of this image needs nothing fetched; False where no engine answers."""
    return containers.ask(lambda client: _find(client, name), otherwise=False)


def require(*names: str) -> None:
    """Fetch those of these images that are missing; what could not be fetched once, this process does not try again.

    Raises:
        ImageMissingError: One cannot be had.
    """
    for name in names:
        if is_here(name):
            continue
        if name in _refused:
            raise _refused[name]
        try:
            fetch(name)
        except ImageMissingError as error:
            _refused[name] = error
            raise


def fetch(name: str, tell: Callable[[dict[str, Any]], object] = lambda _: None) -> None:
    """Pull an image, for as long as data comes.

    Args:
        name: The image, with its tag if not "latest".
        tell: Gets each of the engine's events.

    Raises:
        ImageMissingError: The engine cannot pull it.
    """
    import docker
    from urllib3.exceptions import HTTPError

    try:
        with containers.connected() as client:
            _pull(client, name, tell)
    except (docker.errors.DockerException, OSError, HTTPError) as error:
        raise ImageMissingError(name, str(getattr(error, "explanation", None) or error)) from None


def _pull(client: Any, name: str, tell: Callable[[dict[str, Any]], object]) -> None:
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(name)
    send = client.api.send  # docker's library gives a pull all the time in the world, whatever its client was told
    client.api.send = lambda request, **options: send(request, **{**options, "timeout": _SILENCE})
    for event in client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
        if "error" in event:
            raise ImageMissingError(name, event["error"])
        tell(event)


def _find(client: Any, name: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        return bool(client.images.get(name))
    except ImageNotFound:
        return False
