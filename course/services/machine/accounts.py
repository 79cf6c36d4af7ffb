"""Finds a user to run PostgreSQL as, which refuses to run as root."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from course.errors import CourseError

if sys.platform != "win32":  # which has no such file
    import pwd

_NAMES = ("postgres", "nobody", "daemon")  # initdb insists on a user that has a name


@dataclass(frozen=True)
class Account:
    """A user of this system: login name, user number and group number."""

    name: str
    uid: int
    gid: int

    def can_read(self, path: Path) -> bool:
        """Whether the folders above let this user in, by their permission bits."""
        return all(_lets_in(parent.stat(), self) for parent in (path, *path.parents))

    def own(self, *paths: Path) -> None:
        """Hand the paths over to this user."""
        for path in paths:
            os.chown(path, self.uid, self.gid)


def for_servers() -> Account | None:
    """Whom servers run as: None for the current user; for root, the first of a few that every system has.

    Raises:
        CourseError: Root, on a system without any of these users.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in _NAMES:
        if name in known:
            return Account(name, known[name].pw_uid, known[name].pw_gid)
    raise CourseError(
        "PostgreSQL does not run as root, and this system has no user to lend it.",
        "Add one (`useradd --system postgres`), or work as an ordinary user.",
    )


def _lets_in(status: os.stat_result, account: Account) -> bool:
    mode = status.st_mode
    if status.st_uid == account.uid:
        return bool(mode & 0o100)
    return bool(mode & (0o010 if status.st_gid == account.gid else 0o001))
