"""Who started something: a process, told apart from a later one with the same number, on one machine and one boot."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

_SLACK = 0.05  # seconds: start times are counted in hundredths, and written down as text


@dataclass(frozen=True)
class Owner:
    """A process that owns services.

    Attributes:
        pid: Its number.
        started: When it started, as `birth` tells it.
        host: The machine's name, and its identity where it has one.
        boot: What tells this boot from others; empty where start times are enough for that.
        space: The space of process numbers; every container has its own.
    """

    pid: int
    started: float
    host: str
    boot: str
    space: str = ""

    @classmethod
    def me(cls) -> Self:
        """The process that asks."""
        return cls(os.getpid(), _my_birth(os.getpid()), _host(), _boot(), _space())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            ValueError: The text was written by something else.
        """
        pid, started, boot, space, host = text.split("/", 4)
        return cls(int(pid), float(started), host, boot, space)

    def __str__(self) -> str:
        return f"{self.pid}/{self.started:.2f}/{self.boot}/{self.space}/{self.host}"

    def is_alive(self) -> bool:
        """Whether it is still there.

        A process on another machine, or in a container that this one cannot look into, counts as alive: it is not
        ours to judge, and what may be in use is never ended.
        """
        if self.host != _host():
            return True
        if self.boot != _boot():
            return False
        return self.space != _space() or is_running(self.pid, self.started)


def is_running(pid: int, started: float) -> bool:
    """Whether the process with this number is still the one that was born then, and not a zombie.

    Example:
        >>> is_running(os.getpid(), birth(os.getpid()))
        True
        >>> is_running(os.getpid(), 0.0)
        False
    """
    try:
        return abs(birth(pid) - started) <= _SLACK and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # somebody's process is there, and we may not look


def birth(pid: int) -> float:
    """When a process started: in seconds since the boot on Linux, since the epoch elsewhere.

    Linux counts from the boot; to make a date of it needs the clock, and a clock that is set would make a living
    process look like another one.

    Raises:
        psutil.NoSuchProcess: There is none of this number.
    """
    if sys.platform != "linux":
        return psutil.Process(pid).create_time()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


@functools.lru_cache(maxsize=4)
def _my_birth(pid: int) -> float:
    return birth(pid)


@functools.cache
def _host() -> str:
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()} {Path('/etc/machine-id').read_text(encoding='ascii').strip()}".strip()
    return socket.gethostname()


@functools.cache
def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


@functools.cache
def _space() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/self/ns/pid").readlink().name
    return ""
