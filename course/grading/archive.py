"""Unpacks a stranger's zip: it trusts no header and writes nothing outside of the folder."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

from course.grading.loading import ENVIRONMENT, Parts, SubmissionError, Target, is_skipped
from course.hygiene.scrub import shown

ENTRIES = 10_000
RATIO = 200
SMALL = 1 << 20
NO_TIME = 1980  # the year of a zip's entry that has none
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip


def unpack(path: Path, target: Target, chosen: Mapping[Parts, Parts] | None = None) -> None:
    """Unpack regular files; links are left out.

    Args:
        path: The zip.
        target: Where its files go.
        chosen: Which files to unpack, and to where; all to where they were when not given.

    Raises:
        SubmissionError: It is no zip, is broken or encrypted, passes a bound, or holds a name that leads outside.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, target, max(path.stat().st_size, 1), chosen)
    except BROKEN as error:
        raise SubmissionError(f"The zip cannot be read: {shown(str(error))}.", "Pack the folder again.") from error


def zip_files(path: Path) -> list[Parts]:
    """The files in a zip that are somebody's work; none where it cannot be read: `unpack` then says why."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [parts for parts, _ in _files(archive)]
    except (*BROKEN, SubmissionError):
        return []


def zip_times(path: Path) -> list[tuple[Parts, datetime]]:
    """When the files in a zip were changed last, by the clock of whoever packed it; not where it names no time."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                (parts, datetime(*entry.date_time))  # noqa: DTZ001 - a zip names no zone
                for parts, entry in _files(archive)
                if entry.date_time[0] > NO_TIME
            ]
    except (*BROKEN, SubmissionError):
        return []


def _unpack(archive: zipfile.ZipFile, target: Target, packed: int, chosen: Mapping[Parts, Parts] | None) -> None:
    for parts, entry in _files(archive):
        if chosen is not None and parts not in chosen:
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            target.notes.append(f"The link {shown('/'.join(parts))} was not followed.")
            continue
        if entry.flag_bits & 1:
            raise SubmissionError("The zip is locked with a password.", "Pack the folder again without one.")
        with archive.open(entry) as source:
            bounded = _Bounded(source, target, packed)
            target.add(parts if chosen is None else chosen[parts], bounded)  # type: ignore[arg-type] # only `read` is used


def _files(archive: zipfile.ZipFile) -> list[tuple[Parts, zipfile.ZipInfo]]:
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise SubmissionError(f"The zip holds more than {ENTRIES:,} entries.", "Hand in the test project only.")
    files = [(parts, entry) for entry in entries if (parts := _parts(entry))]
    environments = {parts[:-1] for parts, _ in files if parts[-1] in ENVIRONMENT}
    environments |= {parts[:-2] for parts, _ in files if parts[-2:-1] == ("conda-meta",)}
    return [each for each in files if not (any(map(is_skipped, each[0])) or _is_below(each[0], environments))]


def _is_below(parts: Parts, folders: set[Parts]) -> bool:
    return any(parts[:depth] in folders for depth in range(1, len(parts)))


def _parts(entry: zipfile.ZipInfo) -> Parts | None:
    """The path as parts; `None` for a folder. Windows programs may write backslashes."""
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/"):
        raise SubmissionError(f"The zip holds {shown(name)!r}, which leads outside.", "Pack the folder again.")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    return None if name.endswith("/") or not parts else parts


class _Bounded:
    """Reads an entry, and stops where it swells like a zip bomb."""

    def __init__(self, source: IO[bytes], target: Target, packed: int) -> None:
        self._source, self._target, self._packed = source, target, packed

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        total = self._target.size + len(data)
        if total > SMALL and total > RATIO * self._packed:
            raise SubmissionError(f"The zip swells to more than {RATIO} times its size.", "Pack the folder again.")
        return data
