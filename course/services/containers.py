"""Containers that the course starts: labelled with their owner, so that they are found when the owner is dead."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, TypeVar

from course.services.docker import address, engine
from course.services.owners import Owner
from course.services.server import ServerStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from testcontainers.core.container import DockerContainer

LABEL = "course.owner"
_PATIENCE = 20  # seconds for an engine that answered a moment ago
_T = TypeVar("_T")


def labels() -> dict[str, str]:
    """The labels of a container that belongs to this process."""
    return {LABEL: str(Owner.me())}


def remove(name: str) -> bool:
    """Remove a container with its volumes. False where Docker does not answer, so that somebody may try again later."""
    return _ask(lambda client: bool(_remove(client, {"name": f"^/?{name}$"}) or True), otherwise=False)


def remove_project(name: str) -> bool:
    """Remove the containers, networks and volumes of a Compose project, without needing its file."""
    return _ask(lambda client: _remove_project(client, name), otherwise=False)


def remove_orphaned() -> tuple[str, ...]:
    """Remove every container whose label names a dead owner, noted or not; returns their names."""
    return _ask(lambda client: _remove(client, {"label": LABEL}, _is_orphan), otherwise=())


def has_image(name: str) -> bool:
    """Whether an image is on this machine already, so that nothing has to be loaded."""
    return _ask(lambda client: bool(client.images.list(name=name)), otherwise=False)


def start_error(container: DockerContainer, error: Exception, way_out: str) -> ServerStartError:
    """The error to raise where Docker could not start a container of Testcontainers.

    Args:
        container: What was to be started.
        error: What Docker raised.
        way_out: How to go on without it, as a sentence.
    """
    said = str(getattr(error, "explanation", None) or error).rstrip(".")
    if _failed_at_ryuk(container):
        step = "TESTCONTAINERS_RYUK_DISABLED=true goes without it: the course cleans up itself."
        return ServerStartError(f"Docker could not start Ryuk, Testcontainers' own cleaner: {said}.", step)
    return ServerStartError(f"Docker could not start {container.image}: {said}.", way_out)


def _failed_at_ryuk(container: DockerContainer) -> bool:
    """Whether it failed before the container was there: Ryuk comes first, unless it is switched off or runs already."""
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - takes a while to load
    from testcontainers.core.container import Reaper  # noqa: PLC0415 - as above

    ryuk_is_there = testcontainers_config.ryuk_disabled or Reaper._instance is not None  # noqa: SLF001 - no other sign
    return not ryuk_is_there and container._container is None  # noqa: SLF001 - as above


def _remove(client: Any, filters: dict[str, str], which: Callable[[Any], bool] = bool) -> tuple[str, ...]:  # noqa: ANN401 - docker ships no types
    found = [thing for thing in client.containers.list(all=True, filters=filters, ignore_removed=True) if which(thing)]
    for container in found:
        container.remove(force=True, v=True)
    return tuple(container.name for container in found)


def _remove_project(client: Any, name: str) -> bool:  # noqa: ANN401 - as above
    wanted = {"label": f"com.docker.compose.project={name}"}
    _remove(client, wanted)
    for thing in (*client.networks.list(filters=wanted), *client.volumes.list(filters=wanted)):
        thing.remove()
    return True


def _is_orphan(container: Any) -> bool:  # noqa: ANN401 - as above
    with contextlib.suppress(ValueError):
        return not Owner.parse(container.labels[LABEL]).is_alive()
    return False


def _ask(question: Callable[[Any], _T], otherwise: _T) -> _T:
    """Ask the engine something; where none answers, or it breaks off, the other answer holds."""
    if not engine().answers:
        return otherwise
    import docker  # noqa: PLC0415 - takes a while to load, and most sessions never need it

    place = {**os.environ, "DOCKER_HOST": address()}
    with contextlib.suppress(docker.errors.DockerException, OSError):
        client = docker.from_env(environment=place, timeout=_PATIENCE)
        with contextlib.closing(client):
            return question(client)
    return otherwise
