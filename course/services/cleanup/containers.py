"""Labels containers with their owner, and removes those whose owner is dead."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from course.services.cleanup.owner import Owner
from course.services.machine.docker import address, engine
from course.services.server import ServerStartError

LABEL = "course.owner"
_PROJECT = "com.docker.compose.project"
_PATIENCE = 20  # seconds for an engine that answered a moment ago
_T = TypeVar("_T")


def labels() -> dict[str, str]:
    """The labels of a container of this process."""
    return {LABEL: str(Owner.me())}


def remove(name: str) -> bool:
    """Remove a container with its volumes; False where Docker does not answer."""
    return ask(lambda client: bool(_remove(client, {"name": f"^/?{name}$"}) or True), otherwise=False)


def remove_project(name: str) -> bool:
    """Remove the containers, networks and volumes of a Compose project; False where Docker does not answer."""
    return ask(lambda client: _remove_project(client, name), otherwise=False)


def remove_orphaned() -> tuple[str, ...]:
    """Remove every container whose owner is dead, registered or not, with its project; return their names."""
    return ask(_remove_orphaned, otherwise=())


@contextlib.contextmanager
def connected() -> Iterator[Any]:
    """Docker's own client, for the engine that Docker's tools would use."""
    import docker

    place = {**os.environ, "DOCKER_HOST": address()}
    with contextlib.closing(docker.from_env(environment=place, timeout=_PATIENCE)) as client:
        yield client


def ask(question: Callable[[Any], _T], otherwise: _T) -> _T:
    """The engine's answer to a question; `otherwise` where none answers or the connection breaks."""
    if not engine().answers:
        return otherwise
    from docker.errors import DockerException

    with contextlib.suppress(DockerException, OSError), connected() as client:
        return question(client)
    return otherwise


@contextlib.contextmanager
def started_by_us(container: Any, end: Callable[[], None], way_out: str) -> Iterator[None]:
    """A block that starts a `DockerContainer`; where it fails, `end` ends the container.

    Ryuk, Testcontainers' own cleaner, is not started for it: the course finds its containers by their labels.

    Args:
        container: Of Testcontainers.
        end: Ends it.
        way_out: How to go on without it, as a sentence.

    Raises:
        ServerStartError: Docker could not start it.
    """
    from docker.errors import DockerException
    from testcontainers.core.config import testcontainers_config

    before, testcontainers_config.ryuk_disabled = testcontainers_config.ryuk_disabled, True
    try:
        yield
    except BaseException as error:
        end()
        if not isinstance(error, DockerException):
            raise
        said = str(getattr(error, "explanation", None) or error).rstrip(".")
        raise ServerStartError(f"Docker could not start {container.image}: {said}.", way_out) from None
    finally:
        testcontainers_config.ryuk_disabled = before


def _remove(client: Any, filters: dict[str, str], which: Callable[[Any], bool] = bool) -> tuple[str, ...]:
    found = [thing for thing in client.containers.list(all=True, filters=filters, ignore_removed=True) if which(thing)]
    for container in found:
        container.remove(force=True, v=True)
    return tuple(container.name for container in found)


def _remove_orphaned(client: Any) -> tuple[str, ...]:
    every = client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    projects = {container.labels.get(_PROJECT, "") for container in every if _is_orphan(container)} - {""}
    names = _remove(client, {"label": LABEL}, _is_orphan)
    for project in projects:
        _remove_project(client, project)
    return names


def _remove_project(client: Any, name: str) -> bool:
    wanted = {"label": f"{_PROJECT}={name}"}
    _remove(client, wanted)
    for thing in (*client.networks.list(filters=wanted), *client.volumes.list(filters=wanted)):
        thing.remove()
    return True


def _is_orphan(container: Any) -> bool:
    with contextlib.suppress(ValueError):
        return not Owner.parse(container.labels[LABEL]).is_alive()
    return False
