"""Installs npm's packages ahead of a workshop, for all subjects in JavaScript."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from course.errors import CourseError
from course.javascript.packages import install
from course.services.machine.node import NoNodeError, find
from course.shipped import PACKAGE


def prefetch(console: Console | None = None, subjects: Iterable[Path] | None = None) -> bool:
    """Install what lessons in JavaScript need, and say how it went; return False where something is missing afterwards.

    Args:
        console: Where to say it; standard output if none is given.
        subjects: Folders with a `package.json`; those of the course if none are given.
    """
    console = console or Console()
    try:
        node = find()
    except NoNodeError as error:
        console.print(f"· {error.what} {error.next_step} The other lessons run.", soft_wrap=True)
        return True
    wanted = subjects or sorted(path.parent for path in (PACKAGE / "subjects").glob("*/package.json"))
    fetched = [_fetch(subject, node.version, console) for subject in wanted]
    return all(fetched)


def _fetch(subject: Path, version: str, console: Console) -> bool:
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(f"packages of {subject.name}", total=None)
            install(subject, lambda done, total: progress.update(bar, completed=done, total=total))
    except CourseError as error:
        console.print(f"✗ {error}", soft_wrap=True)
        return False
    console.print(f"✔ packages of {subject.name}, for Node {version}")
    return True
