"""The container provider: PostgreSQL in a Docker container, started by Testcontainers."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Any

import psycopg

from course.services.cleanup import containers, registry
from course.services.embedded.cluster import USER
from course.services.machine import docker
from course.services.providers import first_login, images
from course.services.server import Server, ServerStartError

WAY_OUT = "This lesson also runs on embedded PostgreSQL (COURSE_POSTGRES=embedded)."
_COMMAND = "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=150"
_DATA = "/var/lib/postgresql/data"
_DEADLINE = 60.0  # seconds, once the container runs


class Container:
    """A container that is not started yet.

    Args:
        image: A PostgreSQL image; it is pulled unless it is here.
    """

    def __init__(self, image: str = images.POSTGRES) -> None:
        self.image = image

    def start(self) -> Server:
        """Start the container; the server in it is ready when this returns.

        Raises:
            DockerUnavailableError: No Docker engine answers.
            ImageMissingError: Its image is not here, and cannot be fetched.
            ServerStartError: The server in it did not start.
        """
        docker.engine().require(WAY_OUT)
        images.require(self.image)
        begin, name, password = time.monotonic(), f"course-postgres-{secrets.token_hex(4)}", secrets.token_urlsafe(18)
        container = _prepare(self.image, name, password)
        end = registry.once(registry.register("postgres", container=name), container.stop)
        with containers.started_by_us(container, end, WAY_OUT):
            host, port, version = _run(container, password)
        seconds = time.monotonic() - begin
        sentence = f"{version} in a container ({self.image}), up in {seconds:.1f} s"
        return Server(
            "container", host, port, USER, password, version, seconds, sentence, end=end, log=lambda: _log(container)
        )


def _prepare(image: str, name: str, password: str) -> Any:
    """A container with our labels, its data in memory, and without Testcontainers' wait, which looks once a second."""
    from testcontainers.community.postgres import PostgresContainer

    class QuickPostgresContainer(PostgresContainer):
        def _connect(self) -> None:
            """Leave the waiting to us."""

    container = QuickPostgresContainer(image, username=USER, password=password, dbname="postgres", command=_COMMAND)
    return container.with_name(name).with_tmpfs_mount(_DATA).with_kwargs(labels=containers.labels())


def _run(container: Any, password: str) -> tuple[str, int, str]:
    """Start it; returns host, port and version."""
    container.start()
    host, port = container.get_container_host_ip(), int(container.get_exposed_port(container.port))
    login = {"host": host, "port": port, "user": USER, "password": password}
    try:
        return host, port, first_login.wait_for_version(login, _DEADLINE, still=lambda: _is_running(container))
    except psycopg.OperationalError as error:
        said = (_log(container).strip().splitlines() or [str(error)])[-1]
        raise ServerStartError(f"PostgreSQL in {container.image} did not become ready: {said}.", WAY_OUT) from None


def _is_running(container: Any) -> bool:
    container.reload()
    return bool(container.status == "running")


def _log(container: Any) -> str:
    with contextlib.suppress(Exception):  # whatever Docker raises: a log is a courtesy
        return "".join(part.decode(errors="replace") for part in container.get_logs())
    return ""
