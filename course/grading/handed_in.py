"""When something was handed in: by the platform's name for it, else by its file; and dates that a teacher types."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from course.errors import CourseError
from course.grading.archive import zip_times
from course.grading.delivery import HandIn
from course.grading.loading import is_skipped


class DateError(CourseError):
    """What a teacher has typed is no date."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f'"{text}" is no date.',
            "Write 2026-05-01, 2026-05-01T18:30 or 2026-05-01T18:30+02:00; where there is no offset, it is local time.",
        )


def time_of(hand_in: HandIn) -> datetime:
    """When it was handed in, with the offset of this machine.

    That is the time in the name that a platform gave it (Blackboard, Brightspace); else that of its entries in the
    platform's zip; else the last change of its file, or of the newest file in its folder. What a learner wrote into
    the hand-in is never asked.
    """
    if hand_in.time:
        return hand_in.time.astimezone()
    if hand_in.files is not None and not hand_in.path.is_dir():
        times = [time for parts, time in zip_times(hand_in.path) if parts in hand_in.files]
        return max(times, default=_changed(hand_in.path)).astimezone()
    if hand_in.files is not None:
        return max((_changed(hand_in.path.joinpath(*parts)) for parts in hand_in.files), default=_changed(hand_in.path))
    return max(map(_changed, _files(hand_in.path)), default=_changed(hand_in.path))


def read_date(text: str) -> datetime:
    """A date, or a date and a time, in ISO 8601; with the offset of this machine where it names none.

    Raises:
        DateError: It is none.

    Example:
        >>> read_date("2026-05-01T18:30+02:00").isoformat()
        '2026-05-01T18:30:00+02:00'
    """
    try:
        time = datetime.fromisoformat(text.strip())
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError):
        raise DateError(text) from None


def _files(path: Path) -> Iterator[Path]:
    """The files in a folder, without what tools leave behind; the file itself where it is one."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not is_skipped(name)]
        yield from (Path(folder, name) for name in names if not is_skipped(name))


def _changed(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(int(path.lstat().st_mtime), UTC).astimezone()
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC).astimezone()
