"""The learner's workspace: copies of the lessons that an update refreshes and never takes away.

The rule: a lesson is *edited* when the sources of its cells are no longer the delivered ones. Running it (outputs,
counts, metadata) edits nothing, nor does an empty cell. On an update an untouched lesson is replaced; an edited one
stays, and the new one is laid beside it as `06_test_an_api.new.ipynb`. What was delivered is remembered in
`.course/delivered.json` as digests; a file that is not remembered counts as edited.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course.atomic import write_atomically
from course.errors import CourseError
from course.notebook.progress import Progress
from course.shipped import CLONE, PACKAGE, in_clone, shipped


class WorkspaceError(CourseError):
    """The workspace cannot be used as it is."""


@dataclass(frozen=True)
class News:
    """What a refresh did to one lesson: `"new"`, `"refreshed"` or `"kept"` (edited; the new one is laid beside it)."""

    slug: str
    what: str
    file: Path

    def __str__(self) -> str:
        """Say it to the learner."""
        if self.what == "kept":
            return (
                f"{self.slug} has a newer version. Yours is kept as it is; the new one is beside it: {self.file.name}"
            )
        return f"{self.slug} is {'here' if self.what == 'new' else 'refreshed: you had not changed it'}."


@dataclass
class Delivered:
    """Digests by file name: of what was delivered, and of what was laid beside an edited lesson."""

    delivered: dict[str, str] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Workspace:
    """A folder with the learner's copies.

    Args:
        folder: Where it is; made when it is first refreshed.
        source: The folder with the notebooks that ship with the course.
    """

    folder: Path
    source: Path = field(default_factory=lambda: shipped("notebooks"))

    @property
    def hidden(self) -> Path:
        """The folder `.course`: the progress file, backups and what was delivered."""
        return self.folder / ".course"

    @property
    def progress(self) -> Path:
        """The file that remembers which exercises are solved."""
        return self.hidden / "progress.json"

    def notebook(self, slug: str) -> Path:
        return self.folder / f"{slug}.ipynb"

    def refresh(self) -> list[News]:
        """Bring the lessons up to date by the rule above; return what the learner should know.

        Raises:
            WorkspaceError: The folder holds the course itself, cannot be written, or is being refreshed elsewhere.
        """
        with self.locked() as record:
            slugs = sorted(path.stem for path in self.source.glob("*.ipynb"))
            return [news for slug in slugs if (news := self.refresh_one(slug, record))]

    def refresh_one(self, slug: str, record: Delivered) -> News | None:
        path, source = self.notebook(slug), self.source / f"{slug}.ipynb"
        new, before = digest(source), record.delivered.get(path.name)
        mine = digest(path) if path.exists() else None
        if mine == new:
            record.delivered[path.name] = new or ""
            return None
        if not path.exists() or (mine is not None and mine == before):
            deliver(source, path, record)
            return News(slug, "refreshed" if before and mine else "new", path)
        if new in {before, record.offered.get(path.name)}:
            return None
        beside = self.free_name_beside(path, record)
        deliver(source, beside, record)
        record.offered[path.name] = new or ""
        return News(slug, "kept", beside)

    def free_name_beside(self, path: Path, record: Delivered) -> Path:
        """Return `NAME.new.ipynb`, or `NAME.new-2.ipynb` … where the learner has written into the earlier ones."""
        number = 1
        while True:
            beside = path.with_suffix(".new.ipynb" if number == 1 else f".new-{number}.ipynb")
            if not beside.exists() or digest(beside) == record.delivered.get(beside.name):
                return beside
            number += 1

    def state(self, slug: str) -> str:
        """Tell in a word how a lesson stands: `"not here"`, `"untouched"` or `"yours"`."""
        path = self.notebook(slug)
        if not path.exists():
            return "not here"
        return "untouched" if digest(path) == self.read_record().delivered.get(path.name) else "yours"

    def reset(self, slugs: list[str]) -> Path | None:
        """Put lessons, and the progress in them, back to the start.

        Args:
            slugs: The lessons.

        Returns:
            The folder with the backup; None where there was nothing to keep.
        """
        with self.locked() as record:
            backup = self.free_backup()
            keep([self.progress] if self.progress.exists() else [], backup)
            for slug in slugs:
                beside = list(self.folder.glob(f"{slug}.new*.ipynb"))
                keep([*self.folder.glob(f"{slug}.ipynb"), *beside], backup)
                for each in beside:
                    each.unlink()
                record.offered.pop(f"{slug}.ipynb", None)
                deliver(self.source / f"{slug}.ipynb", self.notebook(slug), record)
            self.forget(slugs)
            return backup if backup.exists() else None

    def forget(self, slugs: list[str]) -> None:
        """Take what is known of the lessons' exercises out of the progress file."""
        if not self.progress.exists():
            return
        starts = tuple(f"{int(slug[:2])}." for slug in slugs)

        def change(content: dict[str, Any]) -> None:
            for each in [name for name in content["exercises"] if name.startswith(starts)]:
                del content["exercises"][each]

        Progress(self.progress).apply(change)

    def free_backup(self) -> Path:
        time = datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        taken = len(list((self.hidden / "backups").glob(f"{time}*")))
        return self.hidden / "backups" / (f"{time}-{taken + 1}" if taken else time)

    @contextmanager
    def locked(self) -> Iterator[Delivered]:
        """Hold the workspace against other commands, and remember afterwards what was delivered."""
        self.check_place()
        try:
            self.hidden.mkdir(parents=True, exist_ok=True)
            with FileLock(self.hidden / "lock", timeout=10):
                record = self.read_record()
                try:
                    yield record
                finally:
                    content = {"delivered": record.delivered, "offered": record.offered}
                    write_atomically(self.hidden / "delivered.json", json.dumps(content, indent=1) + "\n")
        except Timeout:
            raise WorkspaceError(f"Another course command works in {self.folder}.", "Wait for it to end.") from None
        except OSError as error:
            what = f"{self.folder} cannot be used as a workspace: {error.strerror or error}."
            raise WorkspaceError(what, "Name another folder: course lab FOLDER") from None

    def check_place(self) -> None:
        """Refuse the folders in which the course's own files stand."""
        place = self.folder.resolve()
        own = [PACKAGE, self.source, shipped("notebooks"), shipped("solutions")]
        if any(place == each.resolve() or each.resolve() in place.parents for each in own) or (
            in_clone() and place == CLONE
        ):
            raise WorkspaceError(f"{self.folder} holds the course itself.", "Name another folder: course lab workspace")

    def read_record(self) -> Delivered:
        """Read what was delivered; without the file, or with a broken one, all that differs counts as edited."""
        try:
            content = json.loads((self.hidden / "delivered.json").read_text(encoding="utf-8"))
            return Delivered(dict(content["delivered"]), dict(content["offered"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Delivered()


def keep(files: list[Path], backup: Path) -> None:
    for file in files:
        backup.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, backup / file.name)


def deliver(source: Path, path: Path, record: Delivered) -> None:
    write_atomically(path, source.read_bytes())
    record.delivered[path.name] = digest(source) or ""


def digest(path: Path) -> str | None:
    """Digest the sources of a notebook's cells, empty ones left out; None where it is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = [[cell["cell_type"], joined(cell["source"])] for cell in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    written = [each for each in sources if each[1].strip()]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def joined(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)


def open_workspace(folder: Path | None) -> Workspace:
    """The workspace in a folder, or the usual one where none is named."""
    return Workspace(folder or default_folder())


def default_folder() -> Path:
    """Return the workspace where none is named: the current folder if it is one, the clone's, or `./workspace`."""
    if (Path.cwd() / ".course" / "delivered.json").is_file():
        return Path.cwd()
    return (CLONE if in_clone() else Path.cwd()) / "workspace"
