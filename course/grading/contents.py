"""Reads from the names in a folder or zip what it holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from course.engine import SETTINGS_FILES
from course.grading.archive import zip_files
from course.grading.loading import DEPTH, ENVIRONMENT, Parts, is_skipped
from course.grading.project import TEST_MODULE

REPORTS = ".course"  # stands in a folder of reports
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".rar", ".7z")
NOTEBOOK, MODULE = ".ipynb", ".py"
# What a teacher, a platform or a tool puts beside hand-ins
STRAY = re.compile(
    r"(read[-_ ]?me|licen[cs]e|index|conftest|setup|noxfile|solutions?|assignment|instructions?|brief|rubric|syllabus)"
    r"([-_ (].*)?(\.\w+)?|(thumbs|desktop|submission_metadata|makefile|dockerfile|grades?|gradebook|roster)(\.\w+)?"
    r"|.*\.(xlsx?|ods|csv|tsv|ya?ml|json|toml|ini|cfg|db|log|xml|lock|sql|sh|bat|tmp|bak|ics|url)",
    re.IGNORECASE,
)
LESSON = re.compile(r"(\d\d)_\w.*\.ipynb")


@dataclass(frozen=True)
class Contents:
    """What a folder or a zip holds, without what tools leave behind.

    Attributes:
        path: That folder or zip.
        files: Where its files are, from `inside` on.
        folders: Names of the folders at the top, empty ones as well.
        inside: Where in `path` this is.
    """

    path: Path
    files: tuple[Parts, ...]
    folders: frozenset[str]
    inside: Parts = ()

    @classmethod
    def of(cls, path: Path) -> Contents:
        """What is in there; nothing where that cannot be read."""
        if not path.is_dir():
            files = tuple(zip_files(path))
            return cls(path, files, _folders(files))
        return cls(path, tuple(_walk(path)), frozenset(each.name for each in _entries(path) if _is_folder(each)))

    @property
    def name(self) -> str:
        """Of the folder or zip."""
        return self.inside[-1] if self.inside else self.path.name

    @cached_property
    def top(self) -> frozenset[str]:
        """Names of the files at the top."""
        return frozenset(parts[0] for parts in self.files if len(parts) == 1)

    @property
    def names(self) -> list[str]:
        """Names of all that is at the top."""
        return sorted(self.top | self.folders, key=os.fsencode)

    @property
    def handed_in(self) -> list[str]:
        """Entries that somebody may have handed in, whatever is in them."""
        return [name for name in self.names if name in self.folders or is_packed(name)]

    @cached_property
    def markers(self) -> frozenset[str]:
        """What tells that a folder is a project by itself."""
        found = {
            "submission": "submission.json" in self.top,
            "conftest": "conftest.py" in self.top,
            "module": any(map(TEST_MODULE.fullmatch, self.top)),
            "settings": not self.top.isdisjoint(SETTINGS_FILES),
            "tests": self._has_tests_in("tests"),
            "test": self._has_tests_in("test"),
        }
        return frozenset(marker for marker, is_there in found.items() if is_there)

    @cached_property
    def rivals(self) -> list[str]:
        """Entries that could each be a hand-in by themselves."""
        return [name for name in self.handed_in if name != "tests" and self.may_hold(name)]

    @property
    def loose(self) -> list[str]:
        """Python files at the top that pytest takes for no tests, and that may be somebody's."""
        modules = (name for name in self.top if name.endswith(MODULE) and not is_stray(name))
        return sorted((name for name in modules if not TEST_MODULE.fullmatch(name)), key=os.fsencode)

    @property
    def has_lessons(self) -> bool:
        """Whether notebooks of the course lie at the top."""
        return any(map(LESSON.fullmatch, self.top))

    @property
    def is_workspace(self) -> bool:
        """Whether notebooks of several lessons do, as in a learner's workspace."""
        return len({match[1] for name in self.top if (match := LESSON.fullmatch(name))}) > 1

    def below(self, name: str) -> Contents:
        """What is in one of the folders."""
        files = tuple(parts[1:] for parts in self.files if parts[0] == name and len(parts) > 1)
        return Contents(self.path, files, _folders(files), (*self.inside, name))

    def entry(self, name: str) -> Contents | None:
        """What is in a folder, or in a zip that does not lie in another one; None for all else."""
        if name in self.folders:
            return self.below(name)
        is_near = self.path.is_dir() and name.lower().endswith(".zip")
        return Contents.of(self.path.joinpath(*self.inside, name)) if is_near else None

    def may_hold(self, name: str) -> bool:
        """Whether tests may be in an entry."""
        if name not in self.folders:
            return _is_work(name)
        return any(_is_work(parts[-1]) for parts in self.below(name).files)

    def is_only_packed(self, name: str) -> bool:
        """Whether an entry is no folder, or has nothing to run in it but zips and notebooks."""
        return name not in self.folders or not any(parts[-1].endswith(".py") for parts in self.below(name).files)

    def _has_tests_in(self, name: str) -> bool:
        below = self.below(name).top if name in self.folders else ()
        return any(each == "conftest.py" or TEST_MODULE.fullmatch(each) for each in below)


def is_packed(name: str) -> bool:
    """Whether a file of that name may be a whole hand-in: an archive, of whatever kind, or a notebook."""
    return name.lower().endswith((*ARCHIVES, NOTEBOOK))


def is_stray(name: str) -> bool:
    """Whether the name says that a file is nobody's work.

    Example:
        >>> is_stray("grades.xlsx"), is_stray("readme.txt"), is_stray("leo.py"), is_stray("joe.pdf")
        (True, True, False, False)
    """
    return STRAY.fullmatch(name) is not None


def _is_work(name: str) -> bool:
    return is_packed(name) or name.endswith(MODULE)


def _folders(files: tuple[Parts, ...]) -> frozenset[str]:
    return frozenset(parts[0] for parts in files if len(parts) > 1)


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.is_symlink()


def _entries(folder: Path) -> list[Path]:
    """The entries of a folder that may be somebody's; a folder of reports is not."""
    visible = (path for path in folder.iterdir() if not path.name.startswith(".") and not is_skipped(path.name))
    return sorted((path for path in visible if not (path / REPORTS).exists()), key=os.fsencode)


def _walk(folder: Path, above: Parts = ()) -> Iterator[Parts]:
    if len(above) > DEPTH:
        return
    for path in _entries(folder):
        parts = (*above, path.name)
        if path.is_file():
            yield parts
        elif path.is_dir() and not path.is_symlink() and not any((path / name).exists() for name in ENVIRONMENT):
            yield from _walk(path, parts)
