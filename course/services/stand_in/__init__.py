"""Testcontainers without Docker: a learner's own `PostgresContainer` and `NatsContainer` run on programs of the course.

Testcontainers itself stays as it is: classes, arguments, URLs and wait strategies are the originals. Only the client
with which it talks to Docker is replaced, by one that knows the images `postgres` and `nats`. Whatever else is asked
for goes to a Docker engine, or raises a `StandInError` that says so.

Also a pytest plugin: `pytest -p course.services.stand_in` runs on stand-ins even where a Docker engine answers, and
`pytest -p course.services.stand_in.plugin` where none does.
"""

from __future__ import annotations

import sys
from typing import Any

from course.services.stand_in.choice import RUN_SERVER, chosen
from course.services.stand_in.errors import StandInError
from course.services.stand_in.hook import AfterImport

__all__ = ["RUN_SERVER", "StandInError", "install", "installed", "uninstall"]

_replaced: dict[str, Any] = {}


def install(*, always: bool = False) -> None:
    """Let testcontainers run on stand-ins from now on, where no Docker engine answers.

    It takes about a millisecond and imports nothing: whether an engine answers is asked when a container is made.
    Containers whose classes are imported already are stood in for as well.

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
    chosen.always, chosen.answer, chosen.told = always, (False, 0.0), False
    _watch.watch()


def installed() -> bool:
    """Whether `install` was called, and `uninstall` not since."""
    return bool(_replaced) or _watch.waits()


def uninstall() -> None:
    """Let testcontainers talk to Docker again. Stand-ins that run go on until they are stopped."""
    chosen.always, chosen.answer = False, (False, 0.0)
    _watch.end()
    if not _replaced:
        return
    _swap(_replaced["stand-in"], _replaced["client"])
    reaper = sys.modules["testcontainers.core.container"].Reaper
    reaper.get_instance = _replaced["reaper"]
    chosen.reaper = None
    _replaced.clear()


def _replace() -> None:
    """Put our client in the place of the original, wherever testcontainers has it by name."""
    from course.services.stand_in.client import DockerClient, StandInClient  # noqa: PLC0415 - it imports docker

    if _replaced:
        return
    reaper = sys.modules["testcontainers.core.container"].Reaper
    _replaced.update(client=DockerClient, **{"stand-in": StandInClient}, reaper=reaper.__dict__["get_instance"])
    chosen.reaper = reaper.get_instance
    reaper.get_instance = classmethod(_reap_later)
    _swap(DockerClient, StandInClient)


def _swap(old: object, new: object) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("testcontainers.") and module.__dict__.get("DockerClient") is old:
            module.DockerClient = new  # type: ignore[attr-defined] # just seen


def _reap_later(reaper: Any) -> Any:
    """Testcontainers starts its reaper before its first container; before a stand-in there is nothing to reap."""
    return reaper


_watch = AfterImport("testcontainers.core.container", _replace)


def pytest_configure() -> None:
    """Install the stand-ins, for `pytest -p course.services.stand_in`."""
    install(always=True)


def pytest_unconfigure() -> None:
    """Take them away after the run."""
    uninstall()
