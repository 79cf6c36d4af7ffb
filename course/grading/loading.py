"""Copies a stranger's files into a folder of ours: bounded in number and size, no links, nothing outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from course.engine import NOT_COPIED
from course.errors import CourseError
from course.hygiene.scrub import shown

FILES = 2_000
BYTES = 50 << 20
FILE_BYTES = 10 << 20
DEPTH = 12
NAME_BYTES = 200
PATH_BYTES = 600
CHUNK = 1 << 16
SKIPPED = frozenset({*NOT_COPIED, "__MACOSX", ".DS_Store", "Thumbs.db", ".ipynb_checkpoints", ".tox", ".nox", ".idea"})
# What Finder and Office put beside the files that they have open
SHADOWS = ("._", "~$")
# What tells an environment, whatever its folder is called
ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
Parts = tuple[str, ...]


class SubmissionError(CourseError):
    """A submission cannot be read. The others are still graded."""


@dataclass
class Target:
    """A folder that takes files as long as they stay within bounds.

    Args:
        folder: Where files go.

    Attributes:
        notes: What was left out, as sentences.
        files: How many files it has taken.
        size: How many bytes.
    """

    folder: Path
    notes: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0

    def add(self, parts: Parts, source: IO[bytes]) -> None:
        """Copy one file, by what it holds and not by what was said of its size.

        Raises:
            SubmissionError: It is one too many, too large, or its name is too long or leads outside.
        """
        path = self.folder.joinpath(*check_parts(parts))
        self.files += 1
        if self.files > FILES:
            raise SubmissionError(f"It holds more than {FILES:,} files.", "Hand in the test project only.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                self._pour(source, file, parts)
        except FileExistsError:
            raise SubmissionError(f"It holds {shown('/'.join(parts))} twice.", "Pack the folder again.") from None
        except (NotADirectoryError, IsADirectoryError):
            raise SubmissionError(f"{shown('/'.join(parts))} is a file and a folder at once.") from None

    def _pour(self, source: IO[bytes], file: IO[bytes], parts: Parts) -> None:
        size = 0
        while data := source.read(CHUNK):
            size += len(data)
            self.size += len(data)
            if size > FILE_BYTES:
                raise SubmissionError(
                    f"{shown('/'.join(parts))} is larger than {FILE_BYTES >> 20} MB.", "Leave it out."
                )
            if self.size > BYTES:
                raise SubmissionError(f"It is larger than {BYTES >> 20} MB unpacked.", "Hand in the test project only.")
            file.write(data)


def check_parts(parts: Parts) -> Parts:
    """The parts of a relative path, if it stays inside and its names are of a sane length.

    Raises:
        SubmissionError: It leads outside, or is too long or too deep.
    """
    name = shown("/".join(parts))
    if not parts or any(part in ("", ".", "..") or "\0" in part or "\\" in part or ":" in part for part in parts):
        raise SubmissionError(f"It holds {name!r}, a name that leads outside or cannot be a file's.", "Pack it again.")
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if max(sizes) > NAME_BYTES or sum(sizes) > PATH_BYTES or len(parts) > DEPTH:
        raise SubmissionError(f"It holds {name!r}, a name that is too long or too deep.", "Use shorter names.")
    return parts


def is_skipped(name: str) -> bool:
    """Whether a file or folder of that name was written by a tool."""
    return name in SKIPPED or name.startswith(SHADOWS)


def copy_folder(source: Path, target: Target, chosen: Mapping[Parts, Parts] | None = None) -> None:
    """Copy regular files; links are not followed, and what tools leave behind is left out.

    Args:
        source: The folder.
        target: Where its files go.
        chosen: Which files to copy, and to where; all to where they were when not given.

    Raises:
        SubmissionError: A bound is passed, or a file cannot be read.
    """
    files = _walk(source, (), target.notes) if chosen is None else iter(chosen)
    for parts in files:
        descriptor = -1
        try:
            # A pipe would be waited for without O_NONBLOCK, and a link put there meanwhile followed without O_NOFOLLOW
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(source.joinpath(*parts), flags)
            with os.fdopen(descriptor, "rb") as file:
                target.add(parts if chosen is None else chosen[parts], file)
        except OSError as error:
            raise SubmissionError(f"{shown('/'.join(parts))} cannot be read: {error.strerror}.") from error


def _walk(root: Path, above: Parts, notes: list[str]) -> Iterator[Parts]:
    if len(above) > DEPTH:
        raise SubmissionError(f"Its folders are nested more than {DEPTH} deep.", "Hand in the test project only.")
    with os.scandir(root.joinpath(*above)) as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    if above and any(entry.name in ENVIRONMENT for entry in entries):
        return
    for entry in entries:
        parts = (*above, entry.name)
        if is_skipped(entry.name):
            continue
        if entry.is_symlink():
            notes.append(f"The link {shown('/'.join(parts))} was not followed.")
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(root, parts, notes)
        elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            yield parts
        else:
            notes.append(f"{shown('/'.join(parts))} is no regular file and was left out.")
