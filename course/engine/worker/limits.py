"""Limits one run: a session of its own, no input, bounded memory and files."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import sys
from pathlib import Path

if sys.platform != "win32":  # which has the deadline only
    import resource

GIB = 1 << 30
MEMORY = 3 * GIB
FILE_SIZE = GIB // 2
PROCESSES = 256
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prepare_process(output: int) -> None:
    """Make this process a run's: its own session, no input, output into the pipe, bounded in memory and files."""
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    random.seed()
    limit_resources()


def limit_resources() -> None:
    """Bound what this process may take, as far as the system can."""
    if sys.platform == "win32":
        return
    limits = {resource.RLIMIT_DATA: MEMORY, resource.RLIMIT_FSIZE: FILE_SIZE, resource.RLIMIT_CORE: 0}
    if os.geteuid() != 0 and sys.platform == "linux":
        limits[resource.RLIMIT_NPROC] = _threads_of_this_user() + PROCESSES
    for name, value in limits.items():
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(name)[1]
            resource.setrlimit(name, (value if hard < 0 else min(value, hard), hard))


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _threads_of_this_user() -> int:
    total = 0
    for task in Path("/proc").glob("[0-9]*/task"):
        with contextlib.suppress(OSError):
            if task.stat().st_uid == os.geteuid():
                total += len(list(task.iterdir()))
    return total
