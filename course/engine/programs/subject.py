"""A program under test, with its bugs, its correct variants and its reference suite."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from course.engine.programs.patch import Patch, read_patch
from course.errors import CourseError, nearest
from course.manifest import read_manifest

SUBJECTS = Path(__file__).parents[2] / "subjects"
SERVICES = ("nats",)
# What stands in a subject's folder beside the program itself
BESIDE = ("bugs", "correct", "reference_suite", "subject.toml", "challenge.toml", "brief.md", "seed.py", "__pycache__")


class SubjectError(CourseError):
    """A subject, or a bug of it, is not where it belongs."""


@dataclass(frozen=True)
class Subject:
    """A small real program with its bugs and its correct variants.

    Attributes:
        name: Such as `users_api`.
        folder: Where it stands; holds the package, `bugs/`, `correct/`, `reference_suite/`, `brief.md`.
        package: What a suite imports.
        bugs: Each with exactly one boundary bug, ordered by id.
        correct: Changed inside, still right, ordered by id.
        seconds: Deadline of one run, in seconds.
        patience: How long one test of it may take, in seconds; `None` where only the deadline of the run counts.
        environment: Variables that every run gets.
        plugins: Modules that every run gives pytest as plugins.
        services: What every run gets beside a database: `nats`, an empty NATS server in `NATS_URL`.
        language: What its suites are written in: `python`, or `javascript`.

    Example:
        >>> load_subject("users_api").package
        'users_api'
    """

    name: str
    folder: Path
    package: str
    bugs: tuple[Patch, ...]
    correct: tuple[Patch, ...]
    seconds: float = 10.0
    patience: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    language: str = "python"

    def bug(self, name: str) -> Patch:
        """The bug `group/name`.

        Raises:
            SubjectError: There is none; the nearest is suggested.
        """
        return self._find(name, self.bugs, "bug")

    def variant(self, name: str) -> Patch:
        """The correct variant of that name, with or without `correct/` before it.

        Raises:
            SubjectError: There is none; the nearest is suggested.
        """
        return self._find(name if "/" in name else f"correct/{name}", self.correct, "correct variant")

    def _find(self, id_: str, patches: tuple[Patch, ...], kind: str) -> Patch:
        known = {patch.id: patch for patch in patches}
        if id_ in known:
            return known[id_]
        raise SubjectError(f'{self.name} has no {kind} "{id_}".', nearest(id_, known))

    def with_bugs(self, folder: Path) -> Subject:
        """The same subject with the bugs of another folder beside its own.

        Args:
            folder: Holds `<group>/<name>.patch`.

        Raises:
            SubjectError: There is none, or a bug of that id is there already.
            PatchError: A patch is broken, or does not apply.
        """
        more = _patches(folder)
        if not more:
            raise SubjectError(f"There are no bugs in {folder}.", "They are files such as create/answers_twice.patch.")
        for patch in more:
            patch.texts(self.folder)
        twice = {patch.id for patch in self.bugs} & {patch.id for patch in more}
        if twice:
            raise SubjectError(f"{folder}: {min(twice)} is a bug of {self.name} already.", "Give it another name.")
        return replace(self, bugs=self.bugs + more)

    def copy(self, target: Path) -> None:
        """Copy the program, and nothing beside it, into the folder `target`."""
        shutil.copytree(self.folder, target, ignore=self._beside, dirs_exist_ok=True)

    def _beside(self, folder: str, names: list[str]) -> list[str]:
        top = Path(folder) == self.folder
        return [name for name in names if name == "__pycache__" or (top and name in BESIDE)]


@cache
def load_subject(name: str, subjects: Path = SUBJECTS) -> Subject:
    """Read a subject from its folder; the same object each time.

    Args:
        name: Name of the folder.
        subjects: The folder of subjects.

    Raises:
        SubjectError: There is no such subject.
        ManifestError: Its `subject.toml` is broken.
        PatchError: A patch of it is broken.
    """
    folder = subjects / name
    if not (folder / "subject.toml").is_file():
        raise SubjectError(f'There is no subject "{name}".', nearest(name, subject_names(subjects)))
    table = read_manifest(folder / "subject.toml")
    subject = Subject(
        name=name,
        folder=folder,
        package=table.text("package"),
        bugs=_patches(folder / "bugs"),
        correct=_patches(folder / "correct", depth=1),
        seconds=float(table.number("seconds", kind=float, default=10)),
        environment=table.get("environment", {}, (dict,), "a table of texts"),
        services=table.texts("services", known=SERVICES),
        language=table.text("language", default="python") or "python",
    )
    table.done()
    return subject


def subject_names(subjects: Path = SUBJECTS) -> tuple[str, ...]:
    """Names of all subjects, sorted."""
    return tuple(sorted(path.parent.name for path in subjects.glob("*/subject.toml")))


def _patches(folder: Path, depth: int = 2) -> tuple[Patch, ...]:
    """Read a folder's patches: `<group>/<name>.patch`, or `<name>.patch` where the depth is 1."""
    paths = sorted(folder.rglob("*.patch"))
    for path in paths:
        if len(path.relative_to(folder).parts) != depth:
            place = folder / "/".join(("GROUP", path.name)[-depth:])
            raise SubjectError(f"{path} would never be read there.", f"Move it to {place}.")
    return tuple(map(read_patch, paths))
