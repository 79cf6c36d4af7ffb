"""Unpacks a stranger's zip: what its headers say is never believed, and nothing lands outside the folder."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path

from course.grading.loading import SKIPPED, SubmissionError, Target
from course.hygiene.scrub import shown

ENTRIES = 10_000
RATIO = 200
SMALL = 1 << 20
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip


def unpack(path: Path, target: Target) -> None:
    """Unpack regular files; links are left out.

    Args:
        path: The zip.
        target: Where its files go.

    Raises:
        SubmissionError: It is no zip, is broken or encrypted, passes a bound, or holds a name that leads outside.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, target, max(path.stat().st_size, 1))
    except BROKEN as error:
        raise SubmissionError(f"The zip cannot be read: {shown(str(error))}.", "Pack the folder again.") from error


def _unpack(archive: zipfile.ZipFile, target: Target, packed: int) -> None:
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise SubmissionError(f"The zip holds more than {ENTRIES:,} entries.", "Hand in the test project only.")
    for entry in entries:
        parts = _parts(entry)
        if parts is None or SKIPPED.intersection(parts):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            target.notes.append(f"The link {shown('/'.join(parts))} was not followed.")
            continue
        if entry.flag_bits & 1:
            raise SubmissionError("The zip is locked with a password.", "Pack the folder again without one.")
        with archive.open(entry) as source:
            target.add(parts, _Bounded(source, target, packed))  # type: ignore[arg-type] # only `read` is used


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...] | None:
    """The path as parts; `None` for a folder. Windows programs may write backslashes."""
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/"):
        raise SubmissionError(f"The zip holds {shown(name)!r}, which leads outside.", "Pack the folder again.")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    return None if name.endswith("/") or not parts else parts


class _Bounded:
    """Reads an entry, and stops where it swells like a zip bomb."""

    def __init__(self, source: zipfile.ZipExtFile, target: Target, packed: int) -> None:
        self._source, self._target, self._packed = source, target, packed

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        total = self._target.size + len(data)
        if total > SMALL and total > RATIO * self._packed:
            raise SubmissionError(f"The zip swells to more than {RATIO} times its size.", "Pack the folder again.")
        return data
