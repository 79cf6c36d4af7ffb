"""The client that testcontainers asks for containers: those with a stand-in come from here, any other from Docker."""

from __future__ import annotations

import os
from typing import Any

from docker.errors import DockerException
from testcontainers.core import docker_client
from testcontainers.core.config import ConnectionMode
from testcontainers.core.inspect import ContainerInspectInfo

from course.errors import CourseError
from course.services.machine.docker import engine
from course.services.providers import images
from course.stand_in import choice, running
from course.stand_in.container import StandInContainer
from course.stand_in.errors import StandInError
from course.stand_in.image import Image, near_image
from course.stand_in.nats import Nats
from course.stand_in.postgres import Postgres
from course.stand_in.postgres_settings import PostgresSettings
from course.stand_in.settings import Settings
from course.stand_in.shared import SharedPostgres

# Kept before anything is replaced
Original: Any = docker_client.DockerClient


class EngineNeededError(StandInError, DockerException):  # type: ignore[misc] # docker ships no types
    """Something needs a Docker engine, and none answers. Code that expects docker's own error catches this as well."""


class StandInClient(Original):  # type: ignore[misc] # testcontainers ships no types
    """What stands where testcontainers keeps its client. What Docker serves is left to the original, behind this one.

    Args:
        options: What the original takes. A connection is only made for a container that Docker serves.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._own: dict[str, StandInContainer] = {}
        self._connected: Any = None
        choice.hold_reaper()

    def create(self, image: str, command: str | list[str] | None = None, **options: Any) -> Any:
        """A container that is not started yet.

        Raises:
            StandInError: A stand-in cannot honour something that is asked for.
            EngineNeededError: The image has no stand-in, and no Docker engine answers.
            ImageMissingError: The image has no stand-in, and Docker cannot fetch it.
        """
        known = Image.read(image)
        if known is None or choice.docker_serves(image):
            return self._docker_for(image).create(image, command=command, **options)
        given = {name: options.pop(name, None) for name in ("environment", "ports")}
        settings = Settings.read(known, command=command, **given, options=options)
        container = StandInContainer(settings, _program(settings))
        self._own[str(container.id)] = container
        return container

    def run(self, image: str, command: str | list[str] | None = None, **options: Any) -> Any:
        """A container that is started at once."""
        if Image.read(image) is None or not options.get("detach") or choice.docker_serves(image):
            return self.original(f"To run {image!r} to its end").run(image, command=command, **options)
        container = self.create(image, command, **options)
        container.start()
        return container

    def port(self, container_id: str, port: int) -> str:
        """The host's port for one of a container's."""
        if container_id not in self._own:
            return str(self.original("To look up a port").port(container_id, port))
        found = self._own[container_id].port(port)
        if not found:
            raise ConnectionError(
                f"Port {port} of the container is not exposed, or nothing listens there: "
                f"with_exposed_ports({port}) goes before the start."
            )
        return str(found)

    def get_container_inspect_info(self, container_id: str) -> Any:
        """What is known about a container, as testcontainers' own class."""
        own = self._own.get(container_id)
        if own is None:
            return self.original("To inspect a container").get_container_inspect_info(container_id)
        own.reload()
        return ContainerInspectInfo.from_dict(own.attrs)

    def get_connection_mode(self) -> Any:
        """How containers are reached: a stand-in by this machine's ports."""
        docker = self._docker()
        return docker.get_connection_mode() if docker else ConnectionMode.docker_host

    def host(self) -> str:
        """Where containers are reached: a stand-in at localhost, whatever is set for Docker."""
        own = next(iter(self._own.values()), None)
        if own is not None:
            return own.program.host
        docker = self._docker()
        return str(docker.host()) if docker else "localhost"

    @property
    def client(self) -> Any:
        """Docker's own client; without an engine, one that only closes."""
        return self._connected.client if self._connected else _Unconnected(self)

    def _docker_for(self, image: str) -> Any:
        """The original client, where it has all that a container of this image needs."""
        try:
            docker = self.original(f"Nothing stands in for the image {image!r}")
            images.require(image, *images.reaper())
        except CourseError as error:
            if near := near_image(image):
                raise EngineNeededError(error.what, f"Did you mean {near!r}?") from None
            raise
        choice.start_reaper_before(image)
        return docker

    def _docker(self) -> Any:
        """The original client where there is no stand-in to speak of and an engine answers, else None."""
        if self._connected is None and not self._own and engine().answers:
            self.original("To reach Docker")
        return self._connected

    def original(self, what: str) -> Any:
        """The original client, connected to an engine.

        Raises:
            EngineNeededError: None answers.
        """
        if self._connected is None:
            found = engine()
            if not found.answers:
                none = f"a Docker engine is needed, and none answers at {found.address} ({found.why})."
                raise EngineNeededError(f"{what}: {none}", found.next_step)
            self._connected = Original(**self._options)
        return self._connected


class _Unconnected:
    """Docker's client before it is needed: closing it does nothing, anything else connects."""

    def __init__(self, owner: StandInClient) -> None:
        self._owner = owner

    def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owner.original(f"For docker's {name!r}").client, name)


def _program(settings: Settings) -> Postgres | Nats:
    """What runs for a container.

    Raises:
        StandInError: Something is asked for that it cannot honour.
    """
    if settings.name and running.has(settings.name):
        said = f"The container name {settings.name!r} is in use already by another container."
        raise StandInError(said, "Choose another name, or remove that container first.")
    if settings.image.program == "nats":
        return Nats(settings)
    wanted, address = PostgresSettings.read(settings), os.environ.get(choice.RUN_SERVER)
    return SharedPostgres(wanted, address) if address and wanted.fits_any_server() else Postgres(wanted)
