"""Finds out in about a second whether a Docker engine answers, and if not, why."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from course.errors import CourseError

_QUESTION = b"GET /version HTTP/1.0\r\nHost: docker\r\n\r\n"
_LARGEST = 1 << 20  # bytes of an answer; a real one has about a thousand
_COMMAND_PATIENCE = 5.0  # seconds, for engines that are reached by ssh, TLS or a Windows pipe
_USUAL = "npipe:////./pipe/docker_engine" if sys.platform == "win32" else "unix:///var/run/docker.sock"

_NEXT_STEPS = {
    "no socket": "Install Docker Desktop or Docker Engine, or start it if it is installed.",
    "no permission": "Add yourself to the group (`sudo usermod -aG docker $USER`), then log out and in again.",
    "daemon down": "Start Docker Desktop, or `sudo systemctl start docker`.",
    "no answer": "Restart Docker Desktop, or `sudo systemctl restart docker`: it takes calls and never answers.",
    "not Docker": "Something else answers there: look at DOCKER_HOST.",
    "unknown host": "DOCKER_HOST names a machine that is not there: correct it, or `unset DOCKER_HOST`.",
    "unreadable address": "DOCKER_HOST must look like unix:///var/run/docker.sock or tcp://host:2375.",
    "no command": "Install the `docker` command: this address is only reached with its help.",
}


class DockerUnavailableError(CourseError):
    """No Docker engine answers.

    Args:
        engine: What is known about it.
        way_out: How to go on without it, as a sentence.
    """

    def __init__(self, engine: Engine, way_out: str) -> None:
        super().__init__(
            f"no Docker engine answers at {engine.address} ({engine.why}).", f"{engine.next_step} Or go on: {way_out}"
        )
        self.engine = engine


@dataclass(frozen=True)
class Engine:
    """What is known about the Docker engine.

    Attributes:
        answers: Whether containers can be started now.
        address: Where it was asked, such as "unix:///var/run/docker.sock".
        why: Why it does not answer, such as "no socket" or "daemon down"; "podman" where that is here in its place.
        version: The engine's version, such as "28.2.2".
        next_step: What to do, as a sentence.
        command: The path of the `docker` command, if there is one.
    """

    answers: bool
    address: str
    why: str = ""
    version: str = ""
    next_step: str = ""
    command: str | None = None

    def require(self, way_out: str) -> None:
        """Do nothing where it answers.

        Raises:
            DockerUnavailableError: It does not; the error says why, and what to do.
        """
        if not self.answers:
            raise DockerUnavailableError(self, way_out)


def engine(seconds: float = 1.0) -> Engine:
    """Ask the Docker engine for its version, and wait `seconds` for the answer."""
    place = address()
    try:
        answer = _ask(place, seconds)
    except (OSError, ValueError) as error:
        return _silent(place, reason(error))
    return _speaking(place, answer)


def address() -> str:
    """Where Docker's tools would look: DOCKER_HOST, else the context in use, else the usual socket."""
    return os.environ.get("DOCKER_HOST") or _context() or _USUAL


def reason(error: Exception) -> str:
    """What an error says about the engine, in two words.

    Example:
        >>> reason(FileNotFoundError()), reason(PermissionError()), reason(ConnectionRefusedError())
        ('no socket', 'no permission', 'daemon down')
    """
    for kind, words in _REASONS.items():
        if isinstance(error, kind):
            return words
    return "daemon down"


def _ask(place: str, seconds: float) -> dict[str, Any]:
    """The engine's answer to `GET /version`.

    Raises:
        OSError: Nobody could be asked, or nobody answered.
        ValueError: The answer is not Docker's, or the address is none.
    """
    try:
        scheme, path, host, port = (parts := urlsplit(place)).scheme, parts.path, parts.hostname, parts.port
    except ValueError:
        raise _AddressError(place) from None
    if scheme == "unix":
        return _ask_socket(socket.AF_UNIX, path, seconds)
    if scheme in {"tcp", "http"} and host and not os.environ.get("DOCKER_TLS_VERIFY"):
        return _ask_socket(socket.AF_INET, (host, port or 2375), seconds)
    if scheme in {"tcp", "http", "https", "ssh", "npipe"}:
        return _ask_command()
    raise _AddressError(place)


def _ask_socket(family: int, where: str | tuple[str, int], seconds: float) -> dict[str, Any]:
    end, answer = time.monotonic() + seconds, b""
    with socket.socket(family) as connection:
        connection.settimeout(seconds)
        connection.connect(where)
        connection.sendall(_QUESTION)
        while len(answer) < _LARGEST:
            connection.settimeout(max(end - time.monotonic(), 0.001))
            chunk = connection.recv(65536)
            if not chunk:
                break
            answer += chunk
    return _version(answer.partition(b"\r\n\r\n")[2])


def _ask_command() -> dict[str, Any]:
    program = shutil.which("docker")
    if program is None:
        raise _NoCommandError
    question = [program, "version", "--format", "{{json .Server}}"]
    try:
        done = subprocess.run(question, capture_output=True, timeout=_COMMAND_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    if done.returncode != 0:
        raise ConnectionRefusedError
    return _version(done.stdout)


def _version(text: bytes) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict) or "Version" not in found:
        raise ValueError("not an engine's answer")
    return found


def _speaking(place: str, answer: dict[str, Any]) -> Engine:
    names = [str((answer.get("Platform") or {}).get("Name", ""))]
    names += [str(part.get("Name", "")) for part in answer.get("Components") or []]
    why = "podman" if any("podman" in name.lower() for name in names) else ""
    return Engine(True, place, why, str(answer["Version"]), command=shutil.which("docker"))


def _silent(place: str, why: str) -> Engine:
    podman = _podman_socket() if why in {"no socket", "daemon down"} else None
    if podman is not None:
        step = f"Podman is here: `export DOCKER_HOST=unix://{podman}` lets it stand in."
        return Engine(False, place, "podman", next_step=step, command=shutil.which("docker"))
    step = _NEXT_STEPS[why]
    if why != "no command" and os.environ.get("DOCKER_HOST") == place:
        step = f"DOCKER_HOST points there: `unset DOCKER_HOST` if that is not wanted. {step}"
    elif "microsoft" in platform.release().lower():
        step = f"{step} Under WSL: Docker Desktop, Settings, Resources, WSL integration."
    return Engine(False, place, why, next_step=step, command=shutil.which("docker"))


def _podman_socket() -> Path | None:
    for folder in (os.environ.get("XDG_RUNTIME_DIR", "/nowhere"), "/run"):
        found = Path(folder, "podman", "podman.sock")
        with contextlib.suppress(OSError):
            if found.is_socket():
                return found
    return None


def _context() -> str | None:
    """The address of the context that `docker context use` has chosen; None for the usual one."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        name = os.environ.get("DOCKER_CONTEXT") or json.loads((folder / "config.json").read_text())["currentContext"]
        note = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
        return str(json.loads(note.read_text())["Endpoints"]["docker"]["Host"]) or None
    return None


class _AddressError(ValueError):
    """DOCKER_HOST is no address."""


class _NoCommandError(OSError):
    """The `docker` command would be needed to ask."""


_REASONS: dict[type[Exception], str] = {  # the first that fits, so special ones first
    _AddressError: "unreadable address",
    _NoCommandError: "no command",
    ValueError: "not Docker",
    socket.gaierror: "unknown host",
    FileNotFoundError: "no socket",
    NotADirectoryError: "no socket",
    PermissionError: "no permission",
    TimeoutError: "no answer",
}
