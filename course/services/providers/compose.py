"""The compose provider: PostgreSQL and NATS as `compose.yaml` describes them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from course.errors import CourseError
from course.services.cleanup import containers, registry
from course.services.machine import docker
from course.services.providers import first_login, images
from course.services.providers.container import WAY_OUT
from course.services.server import Server, ServerStartError, free_port
from course.shipped import shipped

_HOST = "127.0.0.1"
_NAME = "course"  # user and password, as the file has them
_PATIENCE = 120.0  # seconds for Compose to start what is here
_DEADLINE = 60.0  # seconds, once the containers run
_IMAGES = {  # as compose.yaml has them
    "postgres": ("COURSE_POSTGRES_IMAGE", images.POSTGRES),
    "nats": ("COURSE_NATS_IMAGE", images.NATS_OF_COMPOSE),
}
_PORTS = {"postgres": ("COURSE_POSTGRES_PORT", 54329), "nats": ("COURSE_NATS_PORT", 42229)}


class ComposeMissingError(CourseError):
    """Neither `docker compose` nor `docker-compose` is here."""

    def __init__(self) -> None:
        super().__init__(
            "Docker answers, but it has no `docker compose` command.",
            "Install the Compose plugin (docs.docker.com/compose/install), or choose COURSE_POSTGRES=embedded.",
        )


class Compose:
    """PostgreSQL by Compose.

    One that was brought up by hand, at COURSE_POSTGRES_PORT or 54329, is used and left running. Else each session
    starts a project of its own, on a free port.
    """

    def start(self) -> Server:
        """Find or start it; it is ready when this returns.

        Raises:
            DockerUnavailableError: No Docker engine answers.
            ImageMissingError: Its image is not here, and cannot be fetched.
            ComposeMissingError: Docker has no Compose.
            ServerStartError: It did not start; the error ends with Compose's last line.
        """
        begin, port = time.monotonic(), usual_port("postgres")
        with contextlib.suppress(psycopg.OperationalError):
            version = first_login.version({**_login(port), "connect_timeout": 2})
            return _server(port, version, begin, f"already there at port {port}, and left running")
        project = bring_up("postgres")
        try:
            version = first_login.wait_for_version(_login(project.port), _DEADLINE, still=lambda: True)
        except psycopg.OperationalError as error:
            project.end()
            raise ServerStartError(f"PostgreSQL by Compose did not become ready: {error}.", WAY_OUT) from None
        except BaseException:
            project.end()
            raise
        return _server(project.port, version, begin, f"project {project.name}", project.end)


@dataclass(frozen=True)
class Project:
    """A Compose project that the course has started.

    Attributes:
        name: Its name, which begins with "course-".
        port: The service's port on this machine.
        end: Removes its containers, networks and volumes.
    """

    name: str
    port: int
    end: Callable[[], None]


def usual_port(service: str) -> int:
    """Where the service listens if somebody has brought it up by hand."""
    variable, port = _PORTS[service]
    told = os.environ.get(variable) or str(port)
    if not told.isdecimal():
        raise CourseError(f'{variable} is not a port: "{told}".', f"Set it to a number such as {port}, or unset it.")
    return int(told)


def bring_up(service: str) -> Project:
    """Start one service of `compose.yaml` as a project of its own, on a free port."""
    docker.engine().require(WAY_OUT)
    variable, image = _IMAGES[service]
    images.require(os.environ.get(variable) or image)
    command, name, port = _command(), f"course-{secrets.token_hex(4)}", free_port()
    end = registry.once(registry.register(service, project=name), lambda: containers.remove_project(name))
    variables = {_PORTS[service][0]: str(port), "COURSE_OWNER": containers.labels()[containers.LABEL]}
    words = [*command, "--project-name", name, "--file", str(shipped("compose.yaml")), "up", "--detach", service]
    try:
        _run(words, {**os.environ, **variables})
    except BaseException:
        end()
        raise
    return Project(name, port, end)


def _command() -> list[str]:
    """The words that call Compose: Docker's plugin, else the older program."""
    program = shutil.which("docker")
    if program and subprocess.run([program, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [program, "compose"]
    older = shutil.which("docker-compose")
    if older is None:
        raise ComposeMissingError
    return [older]


def _run(words: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServerStartError(f"Compose could not start it: {said}.", WAY_OUT)


def _login(port: int) -> dict[str, str | int]:
    return {"host": _HOST, "port": port, "user": _NAME, "password": _NAME}


def _server(port: int, version: str, begin: float, how: str, end: Callable[[], None] | None = None) -> Server:
    seconds = time.monotonic() - begin
    sentence = (
        f"{version} by Compose ({how})" if end is None else f"{version} by Compose ({how}), up in {seconds:.1f} s"
    )
    server = Server("compose", _HOST, port, _NAME, _NAME, version, seconds, sentence)
    return server if end is None else dataclasses.replace(server, end=end)
