"""The project in what was handed in: where its root is, which notebook counts, and what is no part of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from _pytest.pathlib import fnmatch_ex

from course.engine import Suite, find_settings
from course.grading.archive import unpack
from course.grading.cells import suite_files
from course.grading.loading import SubmissionError, Target
from course.grading.notebooks import challenge_cells, choose_notebook, list_names
from course.grading.platforms import VERSION
from course.hygiene.scrub import shown

TEST_MODULE = re.compile(r"test_.*\.py|.*_test\.py")
TEST_FOLDERS = ("tests", "test")
# What tells the program from a folder of tests that is called as it is
CREATES = re.compile(r"^def create_app\b", re.MULTILINE)
DEEPEST = 5
NESTED_ZIPS = 2
SHOWN = 5
OPENED = ".opened"


@dataclass
class Project:
    """Looks for the project in a folder that was handed in; files are unpacked and taken away there.

    Args:
        folder: The folder, which is ours.
        package: Name of the program under test.
        exercises: Ids of the challenge's exercises, to know its notebook by.
        notes: Takes what was left out, as sentences.

    Attributes:
        program: A copy of the program that lay among the files: path below the package's parent to text.
    """

    folder: Path
    package: str
    exercises: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    program: dict[str, str] = field(default_factory=dict)

    def find(self) -> Path:
        """The root: where pytest is run.

        Raises:
            SubmissionError: There are no tests, or it is not clear which count.
        """
        root = self._root(self.folder)
        self._set_aside(root)
        if holds_tests(root):
            self._tell_notebooks()
            return root
        found = sorted(path for path in root.rglob("*") if path.is_file())
        if not found:
            raise SubmissionError("It is empty.", "Hand in the folder with your tests.")
        some = list_names(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
        raise SubmissionError("It holds no tests.", f"Names of test files begin with `test_`. It holds: {some}.")

    def _root(self, folder: Path, zips: int = NESTED_ZIPS) -> Path:
        folder = self._unwrapped(folder)
        if holds_tests(root := self._with_settings(folder)):
            return root
        packed = _files(folder, ".zip")
        if len(packed) > 1:
            raise SubmissionError(f"It holds {len(packed)} zips: {list_names(packed)}.", "Hand in one.")
        if packed:
            return self._root(self._unpacked(packed[0], zips), zips - 1)
        notebooks = _files(folder, ".ipynb")
        return self._from_notebook(notebooks) if notebooks else folder

    def _unwrapped(self, folder: Path) -> Path:
        """Go into the only folder of a folder that is no project, and into the newest of several versions."""
        for _ in range(DEEPEST):
            below = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
            versions = {int(match[1]): path for path in below if (match := VERSION.fullmatch(path.name))}
            if len(versions) > 1 and len(versions) == len(below):
                folder = versions[max(versions)]
                self.notes.append(f"Of {len(versions)} versions the newest counts: {shown(folder.name)}.")
            elif len(below) == 1 and _is_around(folder, below[0]):
                folder = below[0]
            else:
                break
        return folder

    def _with_settings(self, folder: Path) -> Path:
        """The folder, or the one part of it that has settings of its own and all of the tests."""
        if find_settings(folder):
            return folder
        parts = [path for path in _outermost(folder) if holds_tests(path) and not _names_itself(path)]
        if len(parts) == 1 and all(path.is_relative_to(parts[0]) for path in test_modules(folder)):
            return parts[0]
        if parts:
            self.notes.append(f"Settings of a part were not read: {list_names(parts)}. Hand in the part that counts.")
        return folder

    def _unpacked(self, file: Path, zips: int) -> Path:
        if not zips:
            raise SubmissionError("It is a zip in a zip in a zip.", "Pack the folder once.")
        target = Target(_beside(file), self.notes)
        unpack(file, target)
        return target.folder

    def _from_notebook(self, notebooks: Sequence[Path]) -> Path:
        chosen = choose_notebook(notebooks, self.exercises, self.notes)
        inside = _beside(chosen)
        Suite.from_files(suite_files(_text(chosen))).write(inside)
        return inside

    def _tell_notebooks(self) -> None:
        notebooks = _files(self.folder, ".ipynb")
        beside = [path for path in notebooks if challenge_cells(path, self.exercises)]
        if beside and not any(map(_was_opened, notebooks)):
            self.notes.append(f"The test files count, and not the cells of {list_names(beside)}.")

    def _set_aside(self, root: Path) -> None:
        """Remove a copy of the program: imported first, it would stand before every variant that is to be tested."""
        copies = [
            path for path in [*root.rglob(self.package), *root.rglob(f"{self.package}.py")] if _is_top(path, root)
        ]
        for path in copies:
            files = [each for each in (path, *path.rglob("*.py")) if each.is_file() and not _is_for_tests(each)]
            texts = {each.relative_to(path.parent).as_posix(): _text(each) for each in files}
            if _remove_program(path):
                self.program |= texts or {self.package: ""}
        if self.program:
            self.notes.append(f"Its own copy of {self.package} was set aside: the grader brings the program.")


def is_project(folder: Path) -> bool:
    """Whether a folder is itself a project, rather than something around one."""
    names = _file_names(folder)
    if names & {"submission.json", "conftest.py"} or any(map(TEST_MODULE.fullmatch, names)) or find_settings(folder):
        return True
    return any(holds_tests(folder / name) for name in TEST_FOLDERS)


def _is_around(folder: Path, below: Path) -> bool:
    """Whether a folder with one folder in it is no more than a wrapping."""
    if is_project(folder) or _names_itself(below):
        return False
    return holds_tests(below) or not any(path.suffix.lower() in (".ipynb", ".zip") for path in folder.iterdir())


def holds_tests(folder: Path) -> bool:
    """Whether there are test modules in a folder, by the names that its settings give them, or else pytest."""
    found = find_settings(folder) if folder.is_dir() else None
    if found and "testpaths" in found[1]:
        return True  # a file may be named there, whatever its name is
    return next(test_modules(folder), None) is not None


def test_modules(folder: Path) -> Iterator[Path]:
    """The test modules below a folder, by the names that its settings give them, or else pytest."""
    found = find_settings(folder) if folder.is_dir() else None
    own = str(getattr(found[1].get("python_files"), "value", "")) if found else ""
    patterns = re.findall(r"[^\s\[\]'\",]+", own) or ["test_*.py", "*_test.py"]
    return (
        path
        for path in sorted(folder.rglob("*.py"))
        if path.is_file() and any(fnmatch_ex(pattern, path) for pattern in patterns)
    )


def _names_itself(folder: Path) -> bool:
    """Whether the files in a folder call it by its name, as they do that are run from the folder above."""
    name = re.escape(folder.name)
    own = re.compile(rf"^\s*(?:from|import)\s+{name}\b|[\"']{name}/", re.MULTILINE)
    return any(own.search(_text(path)) for path in folder.rglob("*.py"))


def _outermost(folder: Path) -> list[Path]:
    """The folders with settings in them that lie in no other one."""
    found: list[Path] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_dir()):
        if not any(path.is_relative_to(other) for other in found) and find_settings(path):
            found.append(path)
    return found


def _is_top(path: Path, root: Path) -> bool:
    """Whether it can be imported by its name alone; `tests.todo_api` is another module."""
    return path.parent == root or not (path.parent / "__init__.py").is_file()


def _remove_program(path: Path) -> bool:
    """Remove a module, or a package but for tests in it; whether there was something of the program."""
    if path.is_file():
        path.unlink()
        return True
    if not path.is_dir():
        return False
    if not any(test_modules(path)):
        own = any(path.glob("*.py"))
        if own:
            shutil.rmtree(path)
        return own
    modules = [each for each in path.glob("*.py") if not _is_for_tests(each)]
    if not any(CREATES.search(_text(each)) for each in modules):
        return False  # tests that mirror the program, with a module for themselves
    for each in modules:
        each.unlink()
    return True


def _is_for_tests(path: Path) -> bool:
    return path.name == "conftest.py" or TEST_MODULE.fullmatch(path.name) is not None


def _files(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() == suffix)


def _file_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


def _beside(file: Path) -> Path:
    """A folder for what is in a file."""
    inside = file.with_name(file.name + OPENED)
    inside.mkdir()
    return inside


def _was_opened(file: Path) -> bool:
    return file.with_name(file.name + OPENED).exists()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
