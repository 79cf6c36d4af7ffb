"""One change to a program under test: a header that says what it does, and a diff that must apply exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from course.errors import CourseError

BOUNDARIES = ("unit", "database", "api", "message queue", "file system", "browser")
BUG_FIELDS = {"Boundary": True, "Shows": True, "Hint": True, "Needs": False, "Error": False}
CORRECT_FIELDS = {"Varies": True, "Needs": False}
VALUES = {"Boundary": BOUNDARIES, "Needs": ("postgresql",)}
NAME = re.compile(r"[a-z][a-z0-9_]*")
# Where a header ends: at the first line of `diff -u`, or of `git diff`
DIFF_STARTS = re.compile(r"^(?=diff --git |--- )", re.MULTILINE)
# What `git diff` writes before a subject's own paths
REPOSITORY_PATH = re.compile(r"(?<=[ /])course/subjects/[^/\s]+/")
PATH_LINE = re.compile(r"^(?:diff --git|---|\+\+\+) .*$", re.MULTILINE)


class PatchError(CourseError):
    """A patch cannot be read, or does not apply exactly."""


@dataclass(frozen=True)
class Patch:
    """A bug or a correct variant, as it stands in its file.

    Attributes:
        name: File name without `.patch`, such as `forgets_to_commit`.
        group: Name of its folder, such as `database`; `correct` for a correct variant.
        header: Field name to text, such as `{"Boundary": "database", "Shows": …, "Hint": …}`.
        diff: The unified diff after the header, as text.
        path: The file it was read from.

    Example:
        >>> from course.engine import load_subject
        >>> load_subject("users_api").bug("database/counts_only_the_page").title
        'counts only the page'
    """

    name: str
    group: str
    header: dict[str, str]
    diff: str
    path: Path

    @property
    def id(self) -> str:
        """`group/name`, unique in its subject."""
        return f"{self.group}/{self.name}"

    @property
    def is_bug(self) -> bool:
        return self.group != "correct"

    @property
    def title(self) -> str:
        """The misbehaviour as words: `forgets to commit`."""
        return self.name.replace("_", " ")

    @property
    def boundary(self) -> str:
        return self.header.get("Boundary", "")

    @property
    def shows(self) -> str:
        return self.header.get("Shows", self.header.get("Varies", ""))

    @property
    def hint(self) -> str:
        return self.header.get("Hint", "")

    @property
    def needs(self) -> str:
        """`postgresql` where SQLite cannot show the bug, else empty."""
        return self.header.get("Needs", "")

    @property
    def files(self) -> tuple[PatchedFile, ...]:
        return tuple(PatchSet(self.diff))

    def apply(self, tree: Path) -> None:
        """Change the files below `tree` in place; nothing is written where one line differs from the diff.

        Raises:
            PatchError: One does.
        """
        for name, text in self.texts(tree).items():
            (tree / name).write_text(text, encoding="utf-8", newline="\n")

    def texts(self, tree: Path) -> dict[str, str]:
        """The files that change, by path relative to `tree`, as they are afterwards.

        Raises:
            PatchError: A line differs from the diff.
        """
        return {file.path: self._patched(tree / file.path, file) for file in self.files}

    def _patched(self, path: Path, file: PatchedFile) -> str:
        if not path.is_file():
            fix = "Paths begin with the package, as in a/users_api/api.py, or as `git diff` prints them."
            raise PatchError(f"{self.path}: the subject has no {file.path} to change.", fix)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for hunk in reversed(file):  # from the end, so that the numbers of the lines above stay
            self._check(lines, hunk, file.path)
            start = hunk.source_start - 1
            lines[start : start + hunk.source_length] = [line.value for line in hunk.target_lines()]
        return "".join(lines)

    def _check(self, lines: list[str], hunk: Hunk, name: str) -> None:
        for number, line in enumerate(hunk.source_lines(), start=hunk.source_start):
            there = lines[number - 1] if number <= len(lines) else "(the end of the file)"
            if there != line.value:
                differs = f"line {number} of {name} is {there.strip()!r}, not {line.value.strip()!r}"
                fix = "Make the patch again from the file as it is now."
                raise PatchError(f"{self.path} does not apply: {differs}.", fix)


def read_patch(path: Path) -> Patch:
    """Read one `.patch` file; the name of its folder is the patch's group.

    Raises:
        PatchError: The header or the diff is not as it should be.
    """
    if not NAME.fullmatch(path.stem):
        raise PatchError(f"{path}: {path.stem!r} is no name.", "Write what it does, such as forgets_to_commit.patch.")
    head, diff = _split(path)
    group = path.parent.name
    header = _header(path, head, CORRECT_FIELDS if group == "correct" else BUG_FIELDS)
    _check_diff(path, diff)
    return Patch(path.stem, group, header, diff, path)


def _split(path: Path) -> tuple[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatchError(f"{path} cannot be read: {error}.", "Save it again as UTF-8 text.") from error
    head, *diff = DIFF_STARTS.split(text, maxsplit=1)
    if not diff:
        fix = "After the header and an empty line comes what `git diff` or `diff -u` prints."
        raise PatchError(f"{path} has no diff.", fix)
    return head, PATH_LINE.sub(lambda line: REPOSITORY_PATH.sub("", line[0]), diff[0])


def _header(path: Path, head: str, fields: dict[str, bool]) -> dict[str, str]:
    header: dict[str, str] = {}
    lines = [(number, line) for number, line in enumerate(head.splitlines(), start=1) if line.strip()]
    for number, line in lines:
        name, _, value = line.partition(":")
        if name not in fields or not value.strip():
            raise PatchError(f"{path}, line {number}: {line!r} is no header line.", f"Use {', '.join(fields)}.")
        header[name] = value.strip()
    missing = [name for name, required in fields.items() if required and name not in header]
    if missing:
        raise PatchError(f"{path} lacks {', '.join(missing)} in its header.", "Add the line at the top of the file.")
    for name, known in VALUES.items():
        if header.get(name, known[0]) not in known:
            raise PatchError(f"{path}: {header[name]!r} is no value of {name}.", f"Use {' or '.join(known)}.")
    return header


def _check_diff(path: Path, diff: str) -> None:
    try:
        changes = sum(file.added + file.removed for file in PatchSet(diff))
    except UnidiffParseError as error:
        raise PatchError(f"{path} has a broken diff: {error}.", "Make the patch again with `diff -u`.") from error
    if not changes:
        raise PatchError(f"{path} changes nothing.", "A patch changes one thing.")
