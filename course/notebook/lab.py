"""Opens JupyterLab on a workspace and leaves the learner's own Jupyter settings alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from course.atomic import write_atomically
from course.notebook.workspace import Workspace
from course.syllabus import syllabus

FIRST_PORT = 8888


def command(workspace: Workspace, port: int | None, extra: tuple[str, ...]) -> list[str]:
    """Build the command that opens JupyterLab on the first lesson.

    Args:
        workspace: Already refreshed.
        port: Where it listens; None where `extra` says it.
        extra: Options for JupyterLab; they come last, so that they win.
    """
    jupyter, lessons = workspace.hidden / "jupyter", syllabus().lessons
    options = {
        "ServerApp.root_dir": workspace.folder.resolve(),
        "LabApp.default_url": f"/lab/tree/{lessons[0].slug}.ipynb" if lessons else "/lab",
        # The layout of this workspace stays in it; the learner's own theme and shortcuts are theirs and are only read.
        "LabApp.workspaces_dir": (jupyter / "workspaces").resolve(),
        "LabApp.app_settings_dir": (jupyter / "settings").resolve(),
        "ServerApp.answer_yes": True,  # Ctrl-C ends it at once
        "Application.log_level": "WARN",
    }
    chosen = [f"--{name}={value}" for name, value in options.items()]
    if port is not None:
        chosen.append(f"--ServerApp.port={port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--allow-root")  # a container's only user, as a rule
    return [sys.executable, "-m", "jupyterlab", *chosen, *extra]


def environment(workspace: Workspace) -> dict[str, str]:
    """Return the variables for JupyterLab and its kernels: this Python comes before any other on the machine."""
    beside = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([beside, os.environ.get("PATH", "")]),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "COURSE_WORKSPACE": str(workspace.folder.resolve()),
        "JUPYTER_PATH": os.pathsep.join(filter(None, [str(_kernels(workspace)), os.environ.get("JUPYTER_PATH")])),
    }


def write_settings(workspace: Workspace) -> None:
    """Ask JupyterLab for no news, and for the line numbers that boards tell, unless the learner's settings differ."""
    overrides = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineNumbers": True}},
    }
    path = workspace.hidden / "jupyter" / "settings" / "overrides.json"
    write_atomically(path, json.dumps(overrides, indent=1) + "\n")


def write_kernel(workspace: Workspace) -> None:
    """Describe a kernel that has the course's magics from its start: in whatever order its cells are run."""
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext=course"]
    kernel = {
        "argv": start,
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "metadata": {"debugger": True},
    }
    write_atomically(_kernels(workspace) / "kernels" / "python3" / "kernel.json", json.dumps(kernel, indent=1) + "\n")


def _kernels(workspace: Workspace) -> Path:
    """Where Jupyter looks for kernels first."""
    return (workspace.hidden / "jupyter" / "share").resolve()


def chosen_port(extra: tuple[str, ...]) -> int | None:
    """Return a free port, or None where the options for JupyterLab name one."""
    return None if any(each.startswith(("--port", "--ServerApp.port")) for each in extra) else free_port()


def free_port(first: int = FIRST_PORT, tries: int = 50) -> int:
    """Return the first port from `first` on that is free on this machine; `first` where none is."""
    return next((port for port in range(first, first + tries) if is_free(port)), first)


def is_free(port: int) -> bool:
    """Tell whether a server can listen at a port under all addresses of `localhost`."""
    for family, _, _, _, address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
        with socket.socket(family) as probe:
            if os.name != "nt":  # a port that was just given up is free; on Windows the option means something else
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError:
                return False
    return True


def run(workspace: Workspace, port: int | None, extra: tuple[str, ...]) -> int:
    """Become JupyterLab (on Windows: run it); return its exit code."""
    write_settings(workspace)
    write_kernel(workspace)
    arguments, variables = command(workspace, port, extra), environment(workspace)
    if os.name != "nt":
        os.execve(arguments[0], arguments, variables)  # noqa: S606 - there is nothing for a shell to do
    return subprocess.run(arguments, env=variables, check=False).returncode
