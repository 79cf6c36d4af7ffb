"""What a container is asked for, and what of it a stand-in refuses."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.stand_in.errors import StandInError
from course.stand_in.image import Image

# Options that no client of the service can tell from their absence
_UNSEEN = {
    "auto_remove", "detach", "domainname", "hostname", "init", "labels", "log_config", "oom_score_adj", "platform",
    "remove", "restart_policy", "shm_size", "stdin_open", "stop_signal", "tmpfs", "tty", "ulimits", "userns_mode",
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What `docker create` would be told.

    Attributes:
        image: The image, one that has a stand-in.
        command: The words of the command; none for the image's own.
        environment: The variables.
        ports: The container's port, as "5432/tcp", to the host's, or to None for any.
        mounts: The host's path to the container's.
        name: The container's name.
        labels: Its labels.
    """

    image: Image
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int | None] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, image: Image, *, command: Any, environment: Any, ports: Any, options: Mapping[str, Any]) -> Settings:
        """Read what testcontainers hands to Docker.

        Raises:
            StandInError: Something is asked for that only a Docker engine can do.
        """
        _refuse(options)
        return cls(
            image=image,
            command=tuple(shlex.split(command) if isinstance(command, str) else command or ()),
            environment={name: str(value) for name, value in (environment or {}).items()},
            ports={_port(inner): int(outer) if outer else None for inner, outer in (ports or {}).items()},
            mounts=_mounts(options.get("volumes") or {}),
            name=options.get("name"),
            labels=options.get("labels") or {},
        )

    def host_port(self, inner: int) -> int | None:
        """The host's port that was asked for, if any."""
        return self.ports.get(f"{inner}/tcp")


def _refuse(options: Mapping[str, Any]) -> None:
    asked = sorted(name for name, value in options.items() if value and name not in {*_UNSEEN, "name", "volumes"})
    if "network" in asked or "networking_config" in asked:
        raise StandInError.without(
            "No Docker network is here: no container runs, the service listens on localhost.",
            "leave out the network and connect to get_container_host_ip() and get_exposed_port()",
        )
    if asked:
        raise StandInError.without(f"The stand-in cannot honour {', '.join(asked)}.", "leave it out")


def _port(inner: str | int) -> str:
    number, _, protocol = str(inner).partition("/")
    if protocol not in {"", "tcp"}:
        raise StandInError(f"The stand-in has no port {inner}.", "Its services speak TCP: leave out the protocol.")
    return f"{int(number)}/tcp"


def _mounts(volumes: Mapping[str, Mapping[str, str]]) -> dict[Path, str]:
    mounts = {Path(host): mount["bind"] for host, mount in volumes.items()}
    for host, inner in mounts.items():
        if not host.exists():
            said = f"There is no such file or folder as {host}, which belongs to {inner} in the container."
            raise StandInError(said, "Give the path of one that exists (the stand-in has no named volumes).")
    return mounts
