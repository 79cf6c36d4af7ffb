"""Testcontainers without Docker: a learner's own `PostgresContainer` and `NatsContainer` run on programs of the course.

Testcontainers itself stays as it is: classes, arguments, URLs and wait strategies are the originals. Only the client
with which it talks to Docker is replaced, by one that knows the images `postgres` and `nats`. Whatever else is asked
for goes to a Docker engine, or raises a `StandInError` that says so.

A container's files are a folder of the host. `psql` in `exec` and scripts in `/docker-entrypoint-initdb.d` find them by
the container's paths. `COPY … FROM '/x.csv'` and `COPY … TO '/x.csv'` from a client open files of the host, since the
server is a program of the host. The extensions of the image's contrib folder, such as `pgcrypto`, are not there.

`course.stand_in.plugin` does this for every run of pytest; `pytest -p no:course.stand_in.plugin` leaves it out.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import wrapt

from course.stand_in.choice import RUN_SERVER, chosen, release_reaper
from course.stand_in.errors import StandInError

__all__ = ["RUN_SERVER", "StandInError", "install", "installed", "uninstall"]

# Testcontainers' own client and ours, while ours has its place
_clients: list[Any] = []


def install(*, always: bool = False) -> None:
    """Let testcontainers run on stand-ins from now on, where no Docker engine answers.

    It takes a few milliseconds and imports nothing heavy: whether an engine answers is asked when a container is made.
    Containers and clients whose classes are imported already are stood in for as well.

    Args:
        always: Stand in where an engine answers, too. Where `COURSE_RUN_SERVER` is set as well, a postgres container
            becomes a role and a database on that server.

    Example:
        >>> install(always=True)
        >>> from testcontainers.community.postgres import PostgresContainer
        >>> with PostgresContainer("postgres:16", username="ann", dbname="shop") as postgres:
        ...     postgres.exec("psql -U ann -d shop -qtc 'select 6 * 7'").output.strip()
        b'42'
        >>> uninstall()
    """
    chosen.installed, chosen.always, chosen.answer, chosen.told = True, always, (False, 0.0), False
    wrapt.register_post_import_hook(_replace, "testcontainers.core.docker_client")


def installed() -> bool:
    """Whether `install` was called, and `uninstall` not since."""
    return chosen.installed


def uninstall() -> None:
    """Let testcontainers talk to Docker again. Stand-ins that run go on until they are stopped."""
    chosen.installed, chosen.always, chosen.answer = False, False, (False, 0.0)
    release_reaper()
    if _clients:
        original, ours = _clients
        _swap(ours, original)
        _clients.clear()


def _replace(_: object) -> None:
    """Put our client in the place of the original, wherever somebody has it by name."""
    client = importlib.import_module("course.stand_in.client")  # only now: it imports docker and a driver
    # Where it is itself what imports testcontainers, it is not complete yet; it does nothing for anybody then, either
    if chosen.installed and not _clients and hasattr(client, "StandInClient"):
        _clients.extend((client.Original, client.StandInClient))
        _swap(*_clients)


def _swap(old: object, new: object) -> None:
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        if names.get("DockerClient") is old:
            names["DockerClient"] = new
