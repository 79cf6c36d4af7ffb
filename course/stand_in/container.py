"""The container object of a stand-in: docker's own class, with a program of this machine behind it."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from docker.models.containers import Container, ExecResult

from course.stand_in import running
from course.stand_in.errors import StandInError
from course.stand_in.nats import Nats
from course.stand_in.postgres import Postgres
from course.stand_in.settings import Settings


class _NoEngine:
    """Stands where a container keeps its connection to Docker; whatever is asked of it, the container cannot do."""

    def __init__(self, container: str) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        if name in {"api", "images"}:  # on the way to what is asked for
            return self
        raise StandInError(f"No Docker engine is behind the container {self._container}, and {name!r} needs one.")


class StandInContainer(Container):  # type: ignore[misc] # docker ships no types
    """A container that is a program of this machine; what it cannot do raises a `StandInError`.

    Args:
        settings: What was asked for.
        program: What runs for it.
    """

    def __init__(self, settings: Settings, program: Postgres | Nats) -> None:
        attributes = _attributes(settings)
        super().__init__(attrs=attributes, client=_NoEngine(attributes["Name"].lstrip("/")))
        self.settings, self.program = settings, program
        self._status = "created"
        running.add(self)

    def start(self, **_: object) -> None:
        """Start the program; it may be ready a moment later. A second call does nothing."""
        if self._status == "running":
            return
        if self._status != "created":
            raise StandInError("A stand-in that was stopped keeps no data to start with.", "Make a new container.")
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
        self.reload()

    def remove(self, **_: object) -> None:
        """Stop the program and forget it. A second call does nothing."""
        self.stop()
        running.discard(self)

    def reload(self) -> None:
        """Look whether the program still runs."""
        if self._status == "running" and not self.program.alive():
            self._status = "exited"
        up = self._status == "running"
        self.attrs["State"] |= {"Status": self._status, "Running": up}
        self.attrs["NetworkSettings"]["Ports"] = self._bindings() if up else {}

    def logs(self, **options: Any) -> bytes:
        """What the program wrote: `stdout`, `stderr` and `tail` as in docker."""
        if refused := sorted(
            {"follow", "since", "stream", "timestamps", "until"} & {name for name in options if options[name]}
        ):
            raise StandInError.without(f"The stand-in's logs know no {', '.join(refused)}.", "leave it out")
        out, err = (log.splitlines(keepends=True) for log in self.program.logs())
        lines = [*(out if options.get("stdout", True) else ()), *(err if options.get("stderr", True) else ())]
        return b"".join(lines[-tail:] if isinstance(tail := options.get("tail"), int) else lines)

    def exec_run(self, cmd: str | list[str], **options: Any) -> ExecResult:
        """Run a command inside: `environment`, `user` and `demux` as in docker.

        Raises:
            StandInError: The command is no program that the stand-in has, or it is to be streamed.
        """
        if self._status != "running":
            raise StandInError(f"The container is {self._status}: nothing can run inside.", "Start it first.")
        if refused := sorted(name for name in ("detach", "socket", "stream", "workdir") if options.get(name)):
            raise StandInError.without(f"The stand-in's exec knows no {', '.join(refused)}.", "leave it out")
        apart = bool(options.get("demux"))
        done = self.program.inside().run(
            cmd,
            environment=options.get("environment") or {},
            user=options.get("user") or "",
            apart=apart,
        )
        return ExecResult(done.exit_code, (done.output or None, done.error or None) if apart else done.output)

    def put_archive(self, path: str, data: Any) -> bool:
        """Unpack a tar archive in a folder of the container."""
        self.program.files.put(path, data if isinstance(data, bytes) else b"".join(data))
        return True

    def port(self, inner: int | str) -> int | None:
        """The host's port for one of the container's, if that was exposed."""
        number = int(str(inner).partition("/")[0])
        return self.program.port(number) if f"{number}/tcp" in self.settings.ports else None

    def _bindings(self) -> dict[str, list[dict[str, str]] | None]:
        found = {inner: self.port(inner) for inner in self.settings.ports}
        return {
            inner: [{"HostIp": "127.0.0.1", "HostPort": str(port)}] if port else None for inner, port in found.items()
        }


def _attributes(settings: Settings) -> dict[str, Any]:
    """What `docker inspect` would say."""
    identity = secrets.token_hex(32)
    return {
        "Id": identity,
        "Name": f"/{settings.name or f'stand_in_{identity[:8]}'}",
        "Created": dt.datetime.now(dt.UTC).isoformat(),
        "Image": settings.image.name,
        "Config": {
            "Image": settings.image.name,
            "Cmd": list(settings.command),
            "Env": [f"{name}={value}" for name, value in settings.environment.items()],
            "Labels": dict(settings.labels),
        },
        "State": {"Status": "created", "Running": False, "ExitCode": 0},
        "NetworkSettings": {"Ports": {}, "Networks": {}},
    }
