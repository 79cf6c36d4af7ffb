"""Ends what lives in a folder of the course: processes, shared memory and the folder itself."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import psutil

from course.services.cleanup import supervisor
from course.services.machine import folders

_OURS = ("postgres", "nats-server", "supervisor.py", "initdb")
_PATIENCE = 5.0  # seconds


def end_folder(folder: Path) -> None:
    """End the servers in a folder of the course, and remove it and their shared memory."""
    if not folders.is_ours(folder):
        return
    _end_processes([process for process in psutil.process_iter() if _lives_in(process, folder)])
    supervisor.remove_segment(f"{folder}/data/postmaster.pid")
    folders.remove(folder)


def _lives_in(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        line = process.cmdline()
        return any(str(folder) in word for word in line) and any(word.endswith(_OURS) for word in line[:4])
    return False


def _end_processes(processes: list[psutil.Process]) -> None:
    """Ask first: a server that stops in good order takes its children and its shared memory along."""
    for number in (signal.SIGTERM, getattr(signal, "SIGQUIT", signal.SIGTERM), None):
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill() if number is None else process.send_signal(number)
        _, processes = psutil.wait_procs(processes, timeout=_PATIENCE)
        if not processes:
            return
