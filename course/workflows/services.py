"""The service containers of a job, provisioned here: a PostgreSQL server with the credentials and the port it names."""

from __future__ import annotations

import contextlib
import math
import re
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from course.errors import CourseError, nearest
from course.services.embedded import binaries
from course.services.embedded.postgres import Embedded
from course.services.server import free_port
from course.workflows.definition import Service

POSTGRES = re.compile(r"(?:docker\.io/)?(?:library/)?postgres(?::(?P<version>\d+)\S*)?")
# Seconds; the image fills its data folder and starts the server twice until it answers
FIRST_START = 3.0
HEALTH = tuple(
    f"--health-{name}" for name in ("cmd", "interval", "retries", "start-interval", "start-period", "timeout")
)


class ServiceError(CourseError):
    """A service cannot be had, or never becomes healthy: GitHub would not come to the first step."""


@dataclass
class Provisioned:
    """The services of one job.

    Attributes:
        ports: The port in the file to the free port that stands for it here, as text.
        by_service: What `job.services` holds: name to `{"ports": {"5432": "5432"}}`.
        notes: What each did, a line for each.
    """

    ports: dict[str, str] = field(default_factory=dict)
    by_service: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@contextmanager
def provision(services: tuple[Service, ...]) -> Iterator[Provisioned]:
    """Start the services of a job, and stop them at the end.

    A service with a health check is ready when this yields. One without is still starting then, as it is on GitHub.

    Raises:
        ServiceError: An image is none that a rehearsal knows, or a service does not become healthy.
    """
    provisioned = Provisioned()
    with ExitStack() as stack:
        for service in services:
            _start(service, provisioned, stack)
        yield provisioned


def _start(service: Service, provisioned: Provisioned, stack: ExitStack) -> None:
    server = _server(service)
    mapped = _map_ports(service, server, provisioned)
    _check_options(service)
    health = _option(service.options, "--health-cmd")
    if not health:
        stack.enter_context(_started_later(server))
        provisioned.notes.append(f"{service.name}: {service.image} is starting ({mapped}). Nothing waits for it.")
        return
    running = stack.enter_context(server.start())
    _check_health(service, health, running.port)
    provisioned.notes.append(f"{service.name}: {service.image} is healthy ({mapped}).")


def _server(service: Service) -> Embedded:
    image = POSTGRES.fullmatch(service.image)
    if image is None:
        fix = "It knows postgres; run others in a container on your machine, or on GitHub."
        raise ServiceError(f"A rehearsal has no {service.image} for the service {service.name}.", fix)
    given = {name: str(value) for name, value in service.env.items()}
    if not given.get("POSTGRES_PASSWORD"):
        fix = "Add POSTGRES_PASSWORD to its env."
        raise ServiceError(f"The service {service.name} ends at once: {service.image} wants a password.", fix)
    user = given.get("POSTGRES_USER", "postgres")
    return Embedded(
        user=user,
        password=given["POSTGRES_PASSWORD"],
        database=given.get("POSTGRES_DB", user),
        port=free_port(),
        version=image["version"] or "16",
    )


def _map_ports(service: Service, server: Embedded, provisioned: Provisioned) -> str:
    """Note which port of the file the server stands for: `5432:5432` maps it, `5432` leaves the choice to GitHub."""
    inside: dict[str, str] = {}
    for port in service.ports:
        outer, _, inner = port.partition("/")[0].rpartition(":")
        inside[inner] = outer or str(server.port)
        if inner == "5432":
            provisioned.ports[outer or str(server.port)] = str(server.port)
    provisioned.by_service[service.name] = {"ports": inside}
    reached = [f"localhost:{outer}" for inner, outer in inside.items() if inner == "5432"]
    return f"reached at {reached[0]}" if reached else "no port of it is mapped"


def _check_options(service: Service) -> None:
    for word in re.findall(r"(?<!\S)--heal[\w-]*", service.options):
        if word not in HEALTH:
            what = f"The service {service.name} cannot be created: there is no option {word}."
            raise ServiceError(what, nearest(word, HEALTH))


def _option(options: str, name: str) -> str:
    """The value of an option, as `--name value` or `--name=value`; empty where it is not there."""
    words = iter(shlex.split(options))
    for word in words:
        key, equals, value = word.partition("=")
        if key == name:
            return value if equals else next(words, "")
    return ""


def _check_health(service: Service, command: str, port: int) -> None:
    words = shlex.split(command)
    if words[:1] != ["pg_isready"]:
        fix = f"`{service.image}` has `pg_isready`."
        raise ServiceError(f"The service {service.name} never becomes healthy: `{command}` cannot run there.", fix)
    program = binaries.find().program("pg_isready")
    place = ["--host", "127.0.0.1", "--port", str(port)]
    done = subprocess.run([program, *words[1:], *place], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise ServiceError(f"The service {service.name} never becomes healthy: {said}.", "Correct its --health-cmd.")


@contextmanager
def _started_later(server: Embedded) -> Iterator[None]:
    """Start the server some seconds after somebody first asked for it, and stop it at the end.

    Until then connections are taken and closed, as a mapped port of a container does. Counted from the first question
    and not from the start, the outcome is the same on a slow machine.
    """
    over = threading.Event()
    door = socket.create_server(("127.0.0.1", server.port or 0))
    door.settimeout(0.1)

    def run() -> None:
        with door:
            _turn_away(door, over)
        if not over.is_set():
            # Where it cannot start, the step that asks for it is red
            with contextlib.suppress(CourseError), server.start():
                over.wait()

    thread = threading.Thread(target=run, name="late-service")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _turn_away(door: socket.socket, over: threading.Event) -> None:
    """Close each connection, until the first one is `FIRST_START` seconds ago."""
    opens = math.inf
    while not over.is_set() and time.monotonic() < opens:
        with contextlib.suppress(TimeoutError):
            door.accept()[0].close()
            opens = min(opens, time.monotonic() + FIRST_START)
