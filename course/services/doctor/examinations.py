"""The doctor's examinations, one function each: bounded in time, and harmless to what is in use."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from course.errors import CourseError
from course.services.cleanup import containers, registry
from course.services.doctor.finding import Finding
from course.services.machine import browser, docker, folders, node
from course.services.providers import images, nats, postgres
from course.services.providers.choice import choose
from course.syllabus import syllabus

_OLDEST_PYTHON = (3, 11)
_ROOM = 500  # megabytes: a server takes about 40, the images of the container lessons the rest
_PORTS = {
    5432: "PostgreSQL",
    8888: "JupyterLab",
    4222: "NATS",
    54329: "PostgreSQL by Compose",
    42229: "NATS by Compose",
}
_SERVICES = {"postgresql": "PostgreSQL", "nats": "NATS", "docker": "Docker", "node": "Node", "browser": "a browser"}


def examine_python() -> Iterator[Finding]:
    """Its version, and where it is."""
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        yield Finding("Python", "problem", version, "The course needs 3.11 or newer: python.org/downloads.")
    else:
        yield Finding("Python", "ok", f"{version} in {sys.prefix}")


def examine_docker() -> Iterator[Finding]:
    """Whether an engine answers, or why not, and whether it has the images that lessons ask for."""
    engine = docker.engine()
    if not engine.answers:
        here = f"does not answer at {engine.address}: {engine.why}"
        yield Finding("Docker", "note", here, f"{engine.next_step} Every lesson runs without it as well.")
        return
    name = "Podman" if engine.why == "podman" else "engine"
    here = f"{name} {engine.version} at {engine.address}"
    if engine.command is None:
        yield Finding("Docker", "note", here, "The `docker` command is not here: the Compose lesson needs it.")
    else:
        yield Finding("Docker", "ok", here)
    yield _images()


def examine_postgres() -> Iterator[Finding]:
    """Which provider would be used, and that it really starts."""

    def start() -> str:
        with postgres.named(choose(None, postgres.VARIABLE, postgres.PROVIDERS)).start() as server:
            return server.sentence

    yield _try("PostgreSQL", postgres.VARIABLE, images.POSTGRES, start)
    if os.environ.get("DATABASE_URL", "sqlite://") != "sqlite://":  # which a lesson sets itself
        advice = "Nothing. To work on a server of yours: COURSE_DATABASE_URL and COURSE_POSTGRES=external."
        yield Finding("DATABASE_URL", "ok", "is set; the course never connects to it", advice)


def examine_nats() -> Iterator[Finding]:
    """Which provider would be used, and that it really starts."""

    def start() -> str:
        with nats.start(choose(None, nats.VARIABLE, nats.PROVIDERS)) as server:
            return server.sentence

    image = images.NATS_OF_COMPOSE if os.environ.get(nats.VARIABLE) == "compose" else images.NATS
    yield _try("NATS", nats.VARIABLE, image, start)


def examine_node() -> Iterator[Finding]:
    """Node, from the system or from a wheel; the JavaScript lesson runs on it."""
    try:
        found = node.find()
    except CourseError as error:
        yield Finding("Node", "note", error.what, f"Only the JavaScript lesson needs it. {error.next_step}")
    else:
        yield Finding("Node", "ok", f"{found.version} at {found.program}")


def examine_browser() -> Iterator[Finding]:
    """A browser that a test can drive; the last lesson's does."""
    found = browser.find()
    if found is None:
        advice = f"Only the browser test of the last lesson needs one. {browser.INSTALL}."
        yield Finding("Browser", "note", "no Chromium and no Chrome found", advice)
    else:
        yield Finding("Browser", "ok", str(found))


def examine_disk() -> Iterator[Finding]:
    """Room for the servers' files, the cache and the learner's own work."""
    places = {Path.cwd(), Path(tempfile.gettempdir()), _existing(folders.cache())}
    free = {place: shutil.disk_usage(place).free >> 20 for place in places}
    place = min(free, key=lambda place: free[place])
    here = f"{free[place] / 1024:.1f} GB free in {place}"
    if free[place] < _ROOM:
        advice = f"Free some: {_ROOM} MB are enough without Docker's images. TMPDIR names another place for servers."
        yield Finding("Disk", "problem", here, advice)
    else:
        yield Finding("Disk", "ok", here)


def examine_ports() -> Iterator[Finding]:
    """Who holds the usual ports. The course needs none of them."""
    taken = {port: _holder(port) for port in _PORTS if _is_taken(port)}
    if not taken:
        yield Finding("Ports", "ok", f"{', '.join(map(str, _PORTS))} are free")
        return
    here = "; ".join(f"{port} ({_PORTS[port]}'s) is taken{holder}" for port, holder in taken.items())
    advice = "Nothing: the course finds free ports. Publish your own containers at other ones, such as 5433:5432."
    yield Finding("Ports", "note", here, advice)


def examine_leftovers() -> Iterator[Finding]:
    """What dead sessions have left; it is ended now."""
    ended = [entry.describe() for entry in registry.reap()]
    ended += [f"container {name}" for name in containers.remove_orphaned()]
    in_use = sum(entry.owner.pid != os.getpid() for entry in registry.entries())
    if ended:
        yield Finding("Left-overs", "ok", f"of dead sessions, ended just now: {'; '.join(ended)}")
    else:
        yield Finding("Left-overs", "ok", f"none of dead sessions; {in_use} in use" if in_use else "none")


def examine_lessons() -> Iterator[Finding]:
    """What the lessons of the path run on."""
    lessons = syllabus().lessons
    wanted = {
        name: [each.number for each in lessons if service in each.services] for service, name in _SERVICES.items()
    }
    cells = "; ".join(f"{name} in {', '.join(numbers)}" for name, numbers in wanted.items() if numbers)
    yield Finding("Lessons", "ok", f"every board runs on the PostgreSQL that comes along. Your own cells want {cells}")


ALL: dict[str, Callable[[], Iterator[Finding]]] = {
    "Python": examine_python,
    "PostgreSQL": examine_postgres,
    "NATS": examine_nats,
    "Docker": examine_docker,
    "Node": examine_node,
    "Browser": examine_browser,
    "Disk": examine_disk,
    "Ports": examine_ports,
    "Left-overs": examine_leftovers,
    "Lessons": examine_lessons,
}


def _images() -> Finding:
    if lacking := images.missing():
        advice = "`course prefetch` fetches what is missing. Where it cannot be had, the course's own servers stand in."
        return Finding("Images", "note", f"not on this machine: {', '.join(lacking)}", advice)
    return Finding("Images", "ok", ", ".join(images.wanted()))


def _try(subject: str, variable: str, image: str, start: Callable[[], str]) -> Finding:
    """Start the service that a lesson would start, unless its image would have to be fetched."""
    provider = os.environ.get(variable) or "embedded"
    if provider in {"container", "compose"} and docker.engine().answers and not images.is_here(image):
        advice = "`course prefetch` loads it ahead of time, else the first start does."
        return Finding(subject, "note", f"{variable}={provider}, and the image {image} is not here yet", advice)
    try:
        return Finding(subject, "ok", start())
    except CourseError as error:
        return Finding(subject, "problem", error.what, error.next_step)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _holder(port: int) -> str:
    """Who listens there, where the system tells: " by postgres (process 17)"."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr[1:2] == (port,):
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""
