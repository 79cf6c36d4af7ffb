"""Fetches and warms what lessons need, ahead of a workshop: images, the first PostgreSQL, compiled modules."""

from __future__ import annotations

import compileall
import sysconfig
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import Progress

from course.services.embedded.postgres import Embedded
from course.services.machine.docker import engine
from course.shipped import PACKAGE

IMAGES = ("postgres:16", "nats:2", "redis:7")


def prefetch(console: Console | None = None) -> bool:
    """Do it all, and say how each part went; return False where something is missing afterwards.

    Args:
        console: Where to say it; standard output if none is given.
    """
    console = console or Console()
    with console.status("Compiling modules …"):
        compile_modules()
    console.print("✔ modules are compiled")
    with console.status("Starting PostgreSQL once …"), Embedded().start() as server:
        console.print(f"✔ PostgreSQL {server.sentence}")
    docker = engine()
    if not docker.answers:
        console.print(f"· no images: Docker does not answer ({docker.why}); every lesson runs without it")
        return True
    fetched = [fetch(image, console) for image in IMAGES]
    return all(fetched)


def compile_modules() -> None:
    """Compile the course and all installed packages; files that are no valid Python of this version don't matter."""
    for folder in (sysconfig.get_path("purelib"), PACKAGE):
        compileall.compile_dir(str(folder), quiet=2, workers=0)


def fetch(image: str, console: Console) -> bool:
    """Pull an image unless it is here; return False, with the reason printed, where it cannot be had."""
    import docker  # noqa: PLC0415 - half a second, and only needed where an engine answers
    from docker.errors import DockerException, ImageNotFound  # noqa: PLC0415 - the same

    try:
        client = docker.from_env()
        try:
            client.images.get(image)
        except ImageNotFound:
            show_layers(image, client.api.pull(image, stream=True, decode=True), console)
            client.images.get(image)
    except (DockerException, OSError) as error:
        reason = getattr(error, "explanation", None) or error
        console.print(f"✗ image {image}: {reason}. Is this machine online? Run `course prefetch` again.")
        return False
    console.print(f"✔ image {image}")
    return True


def show_layers(image: str, events: Iterator[dict[str, Any]], console: Console) -> None:
    """Show the bytes of all layers of a pull as one bar."""
    have: dict[str, tuple[int, int]] = {}
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(f"image {image}", total=None)
        for event in events:
            detail = event.get("progressDetail") or {}
            if event.get("status") == "Downloading" and detail.get("total"):
                have[event["id"]] = (detail["current"], detail["total"])
                done, total = (sum(each) for each in zip(*have.values(), strict=True))
                progress.update(bar, completed=done, total=total)
