"""PostgreSQL's data folder: made once by `initdb`, kept in the user's cache, and copied for each server."""

from __future__ import annotations

import functools
import hashlib
import locale
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import filelock

from course.services.cleanup import registry
from course.services.embedded.binaries import Binaries
from course.services.machine import folders
from course.services.machine.accounts import Account
from course.services.server import ServerStartError

USER = "postgres"

# Shared memory in the data folder, where it is removed with it; Windows knows a kind of its own only:
# https://www.postgresql.org/docs/16/runtime-config-resource.html#GUC-DYNAMIC-SHARED-MEMORY-TYPE
MEMORY: Mapping[str, str] = {} if sys.platform == "win32" else {"dynamic_shared_memory_type": "mmap"}
# Throw-away data need not survive a crash
SETTINGS: Mapping[str, str] = {
    **MEMORY,
    "autovacuum": "off",
    "bgwriter_lru_maxpages": "0",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_timezone": "UTC",
    "max_connections": "150",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "0",
    "max_wal_size": "64MB",
    "min_wal_size": "2MB",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "unix_socket_permissions": "0777",  # the folder around it is private
    "wal_level": "minimal",
}

_LAYOUT = ("--encoding=UTF8", "--auth=scram-sha-256", "--wal-segsize=1", "--no-sync", "--no-instructions")
IMAGE_LOCALE = "en_US.UTF-8"  # what the official image sorts by: apple, Banana, cherry
_PLAIN_LOCALES = ("C.UTF-8", "C")  # by code: Banana, apple, cherry; not every system knows the first


@dataclass(frozen=True)
class Template:
    """A data folder in the cache, and the password of `USER` in it."""

    folder: Path
    password: str


@functools.cache
def sorts_as_the_image() -> bool:
    """Whether servers sort text as the official image does: that takes its locale on this machine."""
    before = locale.setlocale(locale.LC_COLLATE)
    try:
        locale.setlocale(locale.LC_COLLATE, IMAGE_LOCALE)
        return locale.strcoll("apple", "Banana") < 0
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_COLLATE, before)


def template(binaries: Binaries, account: Account | None) -> Template:
    """The data folder of these binaries; the first call makes it, in about half a second."""
    words = (binaries.version, str(binaries.folder), *_layout(binaries), *_locales())
    key = hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
    place = folders.cache() / f"postgres-{binaries.version}-{key}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{place}.lock"):
            if not place.exists():
                _make(place, binaries, account)
    return Template(place / "data", (place / "password").read_text(encoding="ascii"))


def copy(source: Template, target: Path, account: Account | None) -> None:
    """Copy the data folder for one server.

    Raises:
        folders.DiskFullError: No space is left for it.
    """
    with folders.room(target.parent.parent):
        _copy_tree(source.folder, target, account)


def configure(data: Path, settings: Mapping[str, str]) -> None:
    """Write the server's settings, ours first, so that the given ones win."""
    merged = {**SETTINGS, **settings}
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in merged.items()]
    with folders.room(data.parent.parent):
        (data / "postgresql.conf").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _make(place: Path, binaries: Binaries, account: Account | None) -> None:
    """Run `initdb` where the account may write, then move the result into the cache at once."""
    draft, finished = folders.plan("initdb"), place.with_name(f"{place.name}.draft")
    entry = registry.register("initdb", folder=draft)
    shutil.rmtree(finished, ignore_errors=True)  # of a session that was killed here
    try:
        with folders.room(draft.parent):
            draft.mkdir(mode=0o700)
            (draft / "password").write_text(secrets.token_urlsafe(18), encoding="ascii")
        if account is not None:
            account.own(draft, draft / "password")
        _initdb(draft, binaries, account)
        with folders.room(finished.parent):
            _copy_tree(draft, finished, None)
            finished.replace(place)
    finally:
        folders.remove(draft)
        shutil.rmtree(finished, ignore_errors=True)
        entry.release()


def _layout(binaries: Binaries) -> tuple[str, ...]:
    """A long random password needs no iterations, which cost each connection milliseconds."""
    if int(binaries.major) < 16:  # noqa: PLR2004 - `initdb` takes settings as of then
        return _LAYOUT
    return (*_LAYOUT, *(f"--set={name}={value}" for name, value in {"scram_iterations": "1", **MEMORY}.items()))


def _locales() -> tuple[str, ...]:
    """The best first."""
    return (IMAGE_LOCALE, *_PLAIN_LOCALES) if sorts_as_the_image() else _PLAIN_LOCALES


def _initdb(draft: Path, binaries: Binaries, account: Account | None) -> None:
    user: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    names = (f"--pgdata={draft / 'data'}", f"--username={USER}", f"--pwfile={draft / 'password'}")
    for name in _locales():
        command = [binaries.program("initdb"), *names, *_layout(binaries), f"--locale={name}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=draft, **user)
        if done.returncode == 0:
            return
    if folders.NO_ROOM in done.stderr:
        raise folders.DiskFullError(draft.parent)
    raise ServerStartError(
        f"PostgreSQL {binaries.version} could not set up its data folder: {done.stderr.strip()}",
        "Run `course doctor`: it shows what is missing.",
    )


def _copy_tree(source: Path, target: Path, account: Account | None) -> None:
    """Copy about a thousand small files, in two thirds of the time that `shutil` takes."""
    start = len(str(source))
    for folder, _, names in os.walk(source):
        twin = f"{target}{folder[start:]}"
        os.mkdir(twin, 0o700)  # noqa: PTH102 - a Path for each file would double the time
        if account is not None:
            os.chown(twin, account.uid, account.gid)
        for name in names:
            _copy_file(f"{folder}/{name}", f"{twin}/{name}", account)


def _copy_file(source: str, target: str, account: Account | None) -> None:
    with FileIO(source) as reader, FileIO(target, "x") as writer:
        while chunk := reader.read(1 << 20):
            _write(writer.fileno(), chunk)
        if account is not None:
            os.fchown(writer.fileno(), account.uid, account.gid)


def _write(file: int, chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(file, chunk) :]
