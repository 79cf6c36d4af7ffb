"""NATS with JetStream for a lesson, from one of four providers."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from course.errors import CourseError
from course.services.cleanup import containers, registry
from course.services.embedded import nats as nats_embedded
from course.services.machine import docker
from course.services.providers import choice, compose, images
from course.services.server import Running, ServerStartError, nothing, silence

VARIABLE = "COURSE_NATS"
ADDRESS = "COURSE_NATS_URL"
WAY_OUT = "This lesson also runs on embedded NATS (COURSE_NATS=embedded)."
_PORT = 4222
_DEADLINE = 60.0  # seconds


@dataclass(frozen=True)
class NatsServer(Running):
    """A running NATS server with JetStream. A context manager that stops it at the end.

    Attributes:
        provider: Who runs it: "embedded", "container", "compose" or "external".
        url: Where it listens, such as "nats://127.0.0.1:4222".
        version: The server's version, such as "2.12.1".
        seconds: How long it took until it was ready.
        sentence: What the panel says about it.
        end: Ends it; `stop` calls this.
        log: Reads the end of what it wrote.
    """

    provider: str
    url: str
    version: str
    seconds: float
    sentence: str
    end: Callable[[], None] = field(default=nothing, repr=False, compare=False)
    log: Callable[[], str] = field(default=silence, repr=False, compare=False)

    @property
    def place(self) -> str:
        """What it is and where it listens."""
        return f"NATS server ({self.provider}) at {place(self.url)}"

    def alive(self) -> bool:
        """Whether a NATS server answers there now, within a second or so."""
        return greeting(self.url) is not None


def nats(provider: str | None = None) -> NatsServer:
    """Start a NATS server with JetStream.

    Args:
        provider: "embedded", "container", "compose" or "external"; COURSE_NATS if none is given, else "embedded".

    Raises:
        UnknownProviderError: There is no such provider; the nearest one is suggested.
        CourseError: It did not start; the error says why and what to do.

    Example:
        >>> with nats("embedded") as server:
        ...     server.url.startswith("nats://127.0.0.1:"), server.alive()
        (True, True)
    """
    return choice.start(provider, VARIABLE, PROVIDERS, start)


def start(provider: str) -> NatsServer:
    """Start one from the provider of this name."""
    begin = time.monotonic()
    url, how, end, log = PROVIDERS[provider]()
    told = _wait(url, end, log)
    seconds = time.monotonic() - begin
    took = "" if end is nothing else f", up in {max(seconds, 0.1):.1f} s"
    return NatsServer(provider, url, str(told["version"]), seconds, f"{told['version']} {how}{took}", end, log)


def place(url: str) -> str:
    """Host and port, without the password that a URL may hold.

    Example:
        >>> place("nats://ann:secret@queue.test")
        'queue.test:4222'
    """
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _PORT}"


def greeting(url: str, seconds: float = 1.5) -> dict[str, Any] | None:
    """What a NATS server says about itself to a new client; None where none answers."""
    parts = urlsplit(url)
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection((parts.hostname or "", parts.port or _PORT), timeout=seconds) as connection,
        connection.makefile("rb") as lines,
    ):
        word, _, rest = lines.readline(65536).partition(b" ")
        told = json.loads(rest) if word == b"INFO" else None
        return told if isinstance(told, dict) else None
    return None


_Started = tuple[str, str, "Callable[[], None]", "Callable[[], str]"]


def _embedded() -> _Started:
    server, port = nats_embedded.start()
    return f"nats://127.0.0.1:{port}", "embedded", server.stop, server.log


def _container() -> _Started:
    """NATS in a container. It is a plain one: Testcontainers' `NatsContainer` waits longer than its greeting takes."""
    docker.engine().require(WAY_OUT)
    images.require(images.NATS)
    from testcontainers.core.container import DockerContainer

    name = f"course-nats-{secrets.token_hex(4)}"
    container = DockerContainer(
        images.NATS, command="--jetstream", ports=[_PORT], name=name, labels=containers.labels()
    )
    end = registry.once(registry.register("nats", container=name), container.stop)
    with containers.started_by_us(container, end, WAY_OUT):
        container.start()
        url = f"nats://{container.get_container_host_ip()}:{container.get_exposed_port(_PORT)}"
    return url, f"in a container ({images.NATS})", end, silence


def _compose() -> _Started:
    usual = f"nats://127.0.0.1:{compose.usual_port('nats')}"
    if greeting(usual):
        return usual, "by Compose (already there, and left running)", nothing, silence
    project = compose.bring_up("nats")
    return f"nats://127.0.0.1:{project.port}", f"by Compose (project {project.name})", project.end, silence


def _external() -> _Started:
    url = os.environ.get(ADDRESS, "")
    if not url.startswith(("nats://", "tls://")) or not urlsplit(url).hostname:
        raise CourseError(f"{ADDRESS} is not set to a NATS server.", "It looks like nats://localhost:4222.")
    return url, f"external at {place(url)}", nothing, silence


PROVIDERS: dict[str, Callable[[], _Started]] = {
    "embedded": _embedded,
    "container": _container,
    "compose": _compose,
    "external": _external,
}


def _wait(url: str, end: Callable[[], None], log: Callable[[], str]) -> dict[str, Any]:
    """Wait until the server greets, and see that JetStream is on."""
    until = time.monotonic() + (_DEADLINE if end is not nothing else 3.0)
    while not (told := greeting(url)):
        if time.monotonic() > until:
            said = (log().strip().splitlines() or ["it said nothing"])[-1]
            end()
            raise ServerStartError(f"No NATS server answers at {place(url)}: {said}.", WAY_OUT)
        time.sleep(0.02)
    if not told.get("jetstream"):
        end()
        raise ServerStartError(f"The NATS server at {place(url)} has no JetStream.", "Start it with --jetstream.")
    return told
