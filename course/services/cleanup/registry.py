"""Registers what the course has started and who owns it, and ends what has no living owner."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from course.services.cleanup import containers, ending
from course.services.cleanup.owner import Owner
from course.services.machine import folders


@dataclass(frozen=True)
class Entry:
    """One started thing, in a file of its own.

    Attributes:
        path: That file.
        owner: The process it belongs to.
        kind: Such as "postgres".
        folder: Where it lives; its processes have this path in their command line.
        container: Name of its Docker container.
        project: Name of its Compose project.
    """

    path: Path
    owner: Owner
    kind: str
    folder: Path | None = None
    container: str | None = None
    project: str | None = None

    def release(self) -> None:
        """Forget it: it has ended. In a forked copy of its owner, this does nothing."""
        if self.owner.pid == os.getpid():
            self.path.unlink(missing_ok=True)

    def describe(self) -> str:
        """One line for the doctor's table.

        Example:
            >>> Entry(Path("x.json"), Owner(7, 1.0, "here", "b"), "nats", container="course-nats-1").describe()
            'nats of process 7 (course-nats-1)'
        """
        what = self.folder or self.container or self.project or "nothing"
        return f"{self.kind} of process {self.owner.pid} ({what})"


def register(
    kind: str, *, folder: Path | None = None, container: str | None = None, project: str | None = None
) -> Entry:
    """Register what is about to start. Call it before the start: then it cannot be lost."""
    place = folders.state() / "started"
    path = place / f"{secrets.token_hex(8)}.json"
    entry = Entry(path, Owner.me(), kind, folder, container, project)
    with folders.room(place):
        place.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        note = {**asdict(entry), "path": None, "owner": str(entry.owner)}
        draft.write_text(json.dumps(note, default=str), encoding="utf-8")
        draft.replace(path)
    return entry


def entries() -> tuple[Entry, ...]:
    """All entries, of living and of dead owners, but for unreadable ones."""
    return tuple(_read_all())


def reap() -> tuple[Entry, ...]:
    """End what has no living owner, and return it; while another process does this, do nothing."""
    orphans = [entry for entry in _read_all() if not entry.owner.is_alive()]
    if not orphans:
        return ()
    lock = filelock.FileLock(folders.state() / "reap.lock", timeout=0)
    with contextlib.suppress(filelock.Timeout), lock:
        return tuple(entry for entry in orphans if entry.path.exists() and _end(entry))
    return ()


def once(entry: Entry, action: Callable[[], object]) -> Callable[[], None]:
    """A function that does the action once, in the owner only, at its exit at the latest, and releases the entry.

    Where the action returns False, the entry stays for `reap` to try again.
    """
    pending = [action]

    def end() -> None:
        if entry.owner.pid == os.getpid() and pending:
            atexit.unregister(end)
            if pending.pop()() is not False:
                entry.release()

    return atexit.register(end)


def _end(entry: Entry) -> bool:
    if entry.folder is not None:
        ending.end_folder(entry.folder)
    if entry.container is not None and not containers.remove(entry.container):
        return False  # Docker does not answer: the entry stays
    if entry.project is not None and not containers.remove_project(entry.project):
        return False
    entry.path.unlink(missing_ok=True)
    return True


def _read_all() -> Iterator[Entry]:
    for path in sorted((folders.state() / "started").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            yield _read(path)


def _read(path: Path) -> Entry:
    note = json.loads(path.read_text(encoding="utf-8"))
    folder = Path(note["folder"]) if note["folder"] else None
    return Entry(path, Owner.parse(note["owner"]), note["kind"], folder, note["container"], note["project"])
