"""Who started something: a process, told apart from a later one with the same number, on one machine and one boot."""

from __future__ import annotations

import functools
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

# Clocks are set and counted in ticks: two readings of one start time may differ by this many seconds.
_SLACK = 2.0


@dataclass(frozen=True)
class Owner:
    """A process that owns services.

    Attributes:
        pid: Its number.
        started: When it started, in seconds since the epoch.
        host: The machine's name.
        boot: What tells this boot, and this space of process numbers, from others on the same machine.
    """

    pid: int
    started: float
    host: str
    boot: str

    @classmethod
    def me(cls) -> Self:
        """The process that asks."""
        return cls(os.getpid(), _started(os.getpid()), socket.gethostname(), _boot())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            ValueError: The text was written by something else.
        """
        pid, started, boot, host = text.split("/", 3)
        return cls(int(pid), float(started), host, boot)

    def __str__(self) -> str:
        return f"{self.pid}/{self.started:.2f}/{self.boot}/{self.host}"

    def as_dict(self) -> dict[str, object]:
        """Its fields, for JSON."""
        return asdict(self)

    def is_elsewhere(self) -> bool:
        """Whether it lives on another machine, where nobody here can tell if it is alive."""
        return self.host != socket.gethostname()

    def is_alive(self) -> bool:
        """Whether it is still there. A process on another machine counts as alive: it is not ours to judge."""
        if self.is_elsewhere():
            return True
        return self.boot == _boot() and is_running(self.pid, self.started)


def is_running(pid: int, started: float) -> bool:
    """Whether the process with this number is still the one that started then, and not a zombie.

    Example:
        >>> is_running(os.getpid(), psutil.Process().create_time())
        True
        >>> is_running(os.getpid(), 0.0)
        False
    """
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) <= _SLACK and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # somebody's process is there, and we may not look: never end what may be in use


@functools.lru_cache(maxsize=4)
def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


@functools.cache
def _boot() -> str:
    """A word without slashes: the boot's id and the space of process numbers (containers have their own)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return f"{psutil.boot_time():.0f}"
    return f"{boot}-{''.join(filter(str.isdigit, space))}"
