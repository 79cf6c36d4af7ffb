"""Fetches and warms what lessons need, ahead of a workshop: images, the first PostgreSQL, compiled modules."""

from __future__ import annotations

import compileall
import sysconfig
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.progress import Progress

from course.services.embedded.postgres import Embedded
from course.services.machine.docker import engine
from course.services.providers import images
from course.services.providers.images import ImageMissingError
from course.shipped import PACKAGE


def prefetch(console: Console | None = None) -> bool:
    """Do it all, and say on the console how each part went; False where something is still missing."""
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
    missing = [error for image in images.wanted() if (error := fetch(image, console))]
    for why, alike in groupby(missing, key=lambda error: f"{error.why}. {error.next_step}"):
        console.print(f"✗ Docker cannot fetch {', '.join(error.name for error in alike)}: {why}")
    if missing:
        console.print("· until then the course's own servers stand in for containers; every lesson runs")
    return not missing


def compile_modules() -> None:
    """Compile the course and all installed packages, but for files that are no Python of this version."""
    for folder in (sysconfig.get_path("purelib"), PACKAGE):
        compileall.compile_dir(str(folder), quiet=2, workers=0)


def fetch(image: str, console: Console) -> ImageMissingError | None:
    """Pull an image unless it is here; return why it cannot be had."""
    try:
        if not images.is_here(image):
            with Progress(console=console, transient=True) as progress:
                images.fetch(image, Layers(progress, image))
    except ImageMissingError as error:
        return error
    console.print(f"✔ image {image}")
    return None


class Layers:
    """Shows the bytes of all layers of a pull as one bar; takes the engine's events."""

    def __init__(self, progress: Progress, image: str) -> None:
        self._progress, self._have = progress, dict[str, tuple[int, int]]()
        self._bar = progress.add_task(f"image {image}", total=None)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event."""
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            self._have[event["id"]] = (detail["current"], detail["total"])
            done, total = (sum(each) for each in zip(*self._have.values(), strict=True))
            self._progress.update(self._bar, completed=done, total=total)
