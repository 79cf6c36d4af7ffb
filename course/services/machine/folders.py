"""Chooses folders for servers: short paths, in memory where there is room."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from course.errors import CourseError
from course.services.machine import accounts

NAME = "integration-testing-course"
NO_ROOM = os.strerror(errno.ENOSPC)  # as programs say it
_PREFIX = "course-"
_ROOM = 1 << 30  # bytes that must be free in memory: a small /dev/shm (64 MB in containers) fills up too soon
_LONGEST = 60  # characters: a Unix socket's path ends at about 104, and its own name needs some


class DiskFullError(CourseError):
    """There is no room left for a server's files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"No space is left in {folder}.",
            "Free some (a server takes about 40 MB), or set TMPDIR to a folder with room, then run the cell again.",
        )


def plan(kind: str, place: Path | None = None) -> Path:
    """The path of a folder that does not exist yet, such as `/dev/shm/course-postgres-1f2e3d4c`."""
    return (place or _place()) / f"{_PREFIX}{kind}-{secrets.token_hex(4)}"


@contextlib.contextmanager
def room(folder: Path) -> Iterator[None]:
    """A block that writes into `folder`, and raises `DiskFullError` where it fails for want of space."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise DiskFullError(folder) from error
        raise


def is_ours(folder: Path) -> bool:
    """Whether a folder has a name of the course's: only those are ever removed.

    Example:
        >>> is_ours(Path("/tmp/course-postgres-1f2e3d4c")), is_ours(Path("/home/ann"))
        (True, False)
    """
    return folder.is_absolute() and folder.name.startswith(_PREFIX) and len(folder.parts) > 2  # noqa: PLR2004 - never a folder of the root


def remove(folder: Path) -> None:
    """Remove a folder of the course with all that is in it, if it is there."""
    if is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def cache() -> Path:
    """This user's cache of what can be made again."""
    return Path(platformdirs.user_cache_dir(NAME, appauthor=False))


def state() -> Path:
    """Where this user's sessions register what they have started."""
    return Path(platformdirs.user_state_dir(NAME, appauthor=False))


def _place() -> Path:
    """Memory, else the usual temporary folder, or `/tmp` where that is too long or closed to servers."""
    memory, short, usual = Path("/dev/shm"), Path("/tmp"), Path(tempfile.gettempdir())  # noqa: S108 - names are random and the folders private
    if sys.platform == "linux" and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        return memory
    account = accounts.for_servers()
    suits = len(str(usual)) <= _LONGEST and (account is None or account.can_read(usual))
    return usual if suits or not os.access(short, os.W_OK) else short
