"""Identifies the process that started something, across machines, boots and reused process numbers."""

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
        started: When it started, see `birth`.
        host: The machine's name and identity.
        boot: Identifies the boot, on Linux.
        space: The PID namespace; every container has its own.
    """

    pid: int
    started: float
    host: str
    boot: str
    space: str = ""

    @classmethod
    def me(cls) -> Self:
        """This process."""
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
        """Whether it still runs; on another machine or in another container it counts as alive."""
        if self.host != _host():
            return True
        if self.boot != _boot():
            return False
        return self.space != _space() or is_running(self.pid, self.started)


def is_running(pid: int, started: float) -> bool:
    """Whether the process of this number is still the one that started then, and no zombie.

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
    """When a process started: in seconds since the boot on Linux, so that a changed clock does no harm; else the epoch.

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
