"""How a thing is ended whose owner is dead: its processes, its shared memory, its folder, its containers."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import psutil

from course.services import folders, supervisor

if TYPE_CHECKING:
    from pathlib import Path

_OURS = ("postgres", "nats-server", "supervisor.py")
_PATIENCE = 5.0  # seconds


def end_folder(folder: Path) -> None:
    """End the servers that live in the folder, and remove it with the shared memory that they noted there."""
    if not folders.is_ours(folder):
        return
    _end_processes([process for process in psutil.process_iter() if _lives_in(process, folder)])
    supervisor.remove_segment(f"{folder}/data/postmaster.pid")
    folders.remove(folder)


def end_container(name: str) -> bool:
    """Remove a container. Returns false where Docker does not answer, so that somebody may try again later."""
    return _docker("rm", "--force", "--volumes", name, fine=b"No such container")


def end_project(name: str) -> bool:
    """Remove the containers, volumes and networks of a Compose project, without needing its file."""
    return all(
        _docker_all(("ps", "-aq"), ("rm", "--force", "--volumes"), name)
        if kind == "container"
        else _docker_all((kind, "ls", "-q"), (kind, "rm"), name)
        for kind in ("container", "volume", "network")
    )


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


def _docker(*arguments: str, fine: bytes = b"") -> bool:
    program = shutil.which("docker")
    if program is None:
        return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run([program, *arguments], capture_output=True, timeout=20, check=False)
        return done.returncode == 0 or bool(fine and fine in done.stderr)
    return False


def _docker_all(find: tuple[str, ...], remove: tuple[str, ...], project: str) -> bool:
    program = shutil.which("docker")
    if program is None:
        return False
    label = f"label=com.docker.compose.project={project}"
    with contextlib.suppress(subprocess.SubprocessError):
        found = subprocess.run(
            [program, *find, "--filter", label], capture_output=True, timeout=20, check=True, text=True
        ).stdout.split()
        return not found or _docker(*remove, *found)
    return False
