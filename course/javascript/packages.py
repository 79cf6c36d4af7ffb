"""npm's packages of a subject: installed once for each state of its lock file, for all lessons of this user."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from course.errors import CourseError
from course.services.cleanup.process import run
from course.services.machine import folders
from course.services.machine.node import find

SECONDS = 900.0
FILES = ("package.json", "package-lock.json")
# Of an answer of npm's that is an error of the network
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "network")
OPTIONS = (
    "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--ignore-scripts", "--prefer-offline",
    "--fetch-retries=1", "--fetch-retry-mintimeout=1000",
)  # fmt: skip
IN_ITSELF = re.compile(r"node_modules/(@[^/]+/)?[^/]+")
Progress = Callable[[int, int], None]


class PackagesError(CourseError):
    """The packages cannot be installed."""


def dependencies(subject: Path) -> list[str]:
    """What the subject's `package.json` asks for, by name."""
    wanted = json.loads((subject / "package.json").read_text(encoding="utf-8"))
    return sorted({**wanted.get("dependencies", {}), **wanted.get("devDependencies", {})})


def is_installed(subject: Path) -> bool:
    """Whether the packages are here."""
    return (_folder(subject) / "node_modules").is_dir()


def install(subject: Path, on_progress: Progress = lambda _done, _all: None) -> Path:
    """Install a subject's packages, unless that was done; a second process waits for the first.

    Args:
        subject: Folder with `package.json` and `package-lock.json`.
        on_progress: Told how many packages are there, and how many there will be.

    Raises:
        PackagesError: npm fails, mostly for want of a network; what to do is said.
        NoNodeError: There is no npm.
    """
    folder = _folder(subject)
    if not is_installed(subject):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folders.room(folder), FileLock(f"{folder}.lock"):
            if not is_installed(subject):
                _install(subject, folder, on_progress)
    return folder / "node_modules"


def _folder(subject: Path) -> Path:
    """Its name is made from the content of both files: another lock file is another folder."""
    content = b"\0".join((subject / name).read_bytes() for name in FILES)
    return folders.cache() / "npm" / hashlib.sha256(content).hexdigest()[:16]


def _install(subject: Path, folder: Path, on_progress: Progress) -> None:
    """Install beside the folder and rename: whoever is killed half way leaves nothing that looks whole."""
    for half in folder.parent.glob(f"{folder.name}.half*"):  # of a process that was killed: we hold the lock
        shutil.rmtree(half, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{folder.name}.half-", dir=folder.parent, ignore_cleanup_errors=True
    ) as name:
        half = Path(name) / "packages"
        half.mkdir()
        for each in FILES:
            shutil.copy(subject / each, half)
        _run_npm(half, on_progress)
        half.replace(folder)


def _run_npm(folder: Path, on_progress: Progress) -> None:
    expected = expected_in(folder)
    done = threading.Event()
    words = [*find().npm, "ci", *OPTIONS]
    watcher = threading.Thread(target=_watch, args=(folder, expected, done, on_progress), daemon=True)
    watcher.start()
    try:
        code, said = run(words, folder, os.environ, SECONDS, folder / "npm.log")
    finally:
        done.set()
        watcher.join()
    if code != 0:
        raise PackagesError(*_why(said))


def expected_in(folder: Path) -> int:
    """How many packages `node_modules` itself will hold, by the lock file, on any platform.

    Some lie deeper, inside of another package, and what is optional is for some platforms only.
    """
    packages = json.loads((folder / FILES[1]).read_text(encoding="utf-8"))["packages"]
    return sum(bool(IN_ITSELF.fullmatch(place)) and not each.get("optional") for place, each in packages.items())


def _why(said: str) -> tuple[str, str]:
    if any(sign in said for sign in OFFLINE):
        what = "The packages of JavaScript are not here yet, and npm's registry cannot be reached."
        return what, "Run `course prefetch` while you are online, and then this again."
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines()]
    return f"npm cannot install the packages: {next(filter(None, lines), 'it was ended')}.", "Try again while online."


def _watch(folder: Path, expected: int, done: threading.Event, on_progress: Progress) -> None:
    while not done.wait(0.2):
        modules = folder / "node_modules"
        here = sum(1 for pattern in ("*/package.json", "@*/*/package.json") for _ in modules.glob(pattern))
        on_progress(min(here, expected), expected)
