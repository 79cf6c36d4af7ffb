"""The container object of a stand-in: docker's own class, with a program of this machine behind it."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from docker.errors import NotFound
from docker.models.containers import Container, ExecResult

from course.stand_in import running
from course.stand_in.errors import StandInError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from course.stand_in.inside import Files, Inside
    from course.stand_in.settings import Settings


class Program(Protocol):
    """What runs for a container."""

    files: Files

    @property
    def host(self) -> str:
        """Where clients connect."""

    def start(self) -> None:
        """Start it; it is ready when this returns."""

    def stop(self) -> None:
        """Stop it and remove what it kept. A second call does nothing."""

    def alive(self) -> bool:
        """Whether it runs."""

    def port(self, inner: int) -> int | None:
        """The host's port for one of the container's."""

    def logs(self) -> tuple[bytes, bytes]:
        """What it wrote to standard output and to standard error."""

    def inside(self) -> Inside:
        """What runs commands beside it."""


class _NoDaemon:
    """Stands where a container keeps its connection to Docker."""

    def __getattr__(self, name: str) -> NoReturn:
        raise StandInError(f"No Docker engine is behind this container, and {name!r} needs one.")


class StandInContainer(Container):  # type: ignore[misc] # docker ships no types
    """A container that is a program of this machine; what it cannot do raises a `StandInError`.

    Args:
        settings: What was asked for.
        program: What runs for it.
    """

    def __init__(self, settings: Settings, program: Program) -> None:
        super().__init__(attrs=_attributes(settings), client=_NoDaemon())
        self.settings, self.program = settings, program
        self._status = "created"

    @property
    def host(self) -> str:
        """Where clients connect."""
        return self.program.host

    def start(self, **_: object) -> None:
        """Start the program; a second call does nothing."""
        if self._status == "running":
            return
        if self._status != "created":
            raise StandInError("A stand-in that was stopped keeps no data to start with.", "Make a new container.")
        running.add(self)
        try:
            self.program.start()
        except BaseException:
            self.remove()
            raise
        self._status = "running"
        self.reload()

    def stop(self, **_: object) -> None:
        """Stop the program. A second call does nothing."""
        self._status = "exited"
        self.program.stop()
        running.discard(self)
        self.reload()

    def kill(self, signal: str | int | None = None) -> None:
        """Stop the program: the stand-in makes no difference between signals."""
        del signal
        self.stop()

    def remove(self, **_: object) -> None:
        """Stop the program and forget it. A second call does nothing."""
        self.stop()

    def reload(self) -> None:
        """Look whether the program still runs."""
        if self._status == "running" and not self.program.alive():
            self._status = "exited"
        up = self._status == "running"
        self.attrs["State"] |= {"Status": self._status, "Running": up, "ExitCode": 0}
        self.attrs["NetworkSettings"]["Ports"] = self._bindings() if up else {}

    def wait(self, **_: object) -> dict[str, Any]:
        """How it ended.

        Raises:
            StandInError: It has not ended; nothing in the stand-in ends it but `stop`.
        """
        self.reload()
        if self._status == "running":
            raise StandInError("The service runs until it is stopped: waiting would never end.", "Call stop() first.")
        return {"StatusCode": 0, "Error": None}

    def logs(self, **options: Any) -> Any:
        """What the program wrote: `stdout`, `stderr`, `tail` and `stream` as in docker."""
        out, err = self.program.logs()
        text = (out if options.get("stdout", True) else b"") + (err if options.get("stderr", True) else b"")
        if isinstance(tail := options.get("tail"), int):
            text = b"".join(text.splitlines(keepends=True)[-tail:])
        return iter(text.splitlines(keepends=True)) if options.get("stream") or options.get("follow") else text

    def exec_run(self, cmd: str | list[str], **options: Any) -> ExecResult:
        """Run a command inside: `environment`, `workdir`, `user` and `demux` as in docker.

        Raises:
            StandInError: The command is no program that the stand-in has, or it is to be streamed.
        """
        if self._status != "running":
            raise StandInError(f"The container is {self._status}: nothing can run inside.", "Start it first.")
        if options.get("socket") or options.get("stream") or options.get("detach"):
            raise StandInError("The stand-in runs a command to its end, and streams no output.", "Leave that out.")
        done = self.program.inside().run(
            cmd,
            environment=_named(options.get("environment")),
            user=options.get("user") or "",
            folder=options.get("workdir"),
        )
        return ExecResult(done.exit_code, (done.output, None) if options.get("demux") else done.output)

    def put_archive(self, path: str, data: Any) -> bool:
        """Unpack a tar archive in a folder of the container."""
        archive = data if isinstance(data, bytes) else data.read() if hasattr(data, "read") else b"".join(data)
        self.program.files.put(path, archive)
        return True

    def get_archive(self, path: str, **_: object) -> tuple[Iterator[bytes], dict[str, Any]]:
        """A file or folder of the container, as a tar archive and what is known about it."""
        try:
            packed = self.program.files.get(path)
        except FileNotFoundError:
            raise NotFound(f"Could not find the file {path} in container {self.short_id}") from None
        return iter([packed]), {"name": PurePosixPath(path).name, "size": len(packed)}

    def port(self, inner: int | str) -> int | None:
        """The host's port for one of the container's, if that was exposed."""
        number = int(str(inner).partition("/")[0])
        return self.program.port(number) if f"{number}/tcp" in self.settings.ports else None

    def _bindings(self) -> dict[str, list[dict[str, str]] | None]:
        found = {inner: self.port(inner) for inner in self.settings.ports}
        return {
            inner: [{"HostIp": "127.0.0.1", "HostPort": str(port)}] if port else None for inner, port in found.items()
        }


def _named(environment: Mapping[str, str] | list[str] | None) -> dict[str, str]:
    if isinstance(environment, list):
        return dict(word.split("=", 1) for word in environment)
    return dict(environment or {})


def _attributes(settings: Settings) -> dict[str, Any]:
    """What `docker inspect` would say."""
    identity = secrets.token_hex(32)
    return {
        "Id": identity,
        "Name": f"/{settings.name or f'stand_in_{identity[:8]}'}",
        "Created": dt.datetime.now(dt.UTC).isoformat(),
        "Image": f"sha256:{secrets.token_hex(32)}",
        "Config": {
            "Image": settings.image.name,
            "Cmd": list(settings.command),
            "Env": [f"{name}={value}" for name, value in settings.environment.items()],
            "Labels": dict(settings.labels),
        },
        "State": {"Status": "created", "Running": False, "Paused": False, "ExitCode": 0, "Error": ""},
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Ports": {}, "Networks": {}},
        "Mounts": [],
    }
