"""What a postgres container is to be: its superuser, its database, its settings and the scripts that fill it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from course.stand_in.command import Command
from course.stand_in.errors import StandInError
from course.stand_in.image import RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from course.stand_in.settings import Settings

PORT = 5432
SCRIPTS = "/docker-entrypoint-initdb.d"

_METHODS = {"scram-sha-256", "md5", "password", "trust"}
_IMAGE_DEFAULTS = {"max_connections": "100"}  # what code can notice of the image's own settings
_REFUSED = re.compile(r"^POSTGRES_(\w+_FILE|INITDB_WALDIR)$")
_SAME_LAYOUT = re.compile(r"^(--?(E|encoding)[= ]?UTF-?8|--auth(-host|-local)?=\S+|--no-sync|-N)$", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """A postgres container as its image's documentation describes it.

    Attributes:
        settings: What Docker was to be told.
        user: The superuser.
        password: Its password.
        database: The database that is made at the start.
        port: The port inside the container.
        options: Settings of the server.
        method: How clients from outside prove who they are.
    """

    settings: Settings
    user: str
    password: str = field(repr=False)
    database: str
    port: int
    options: Mapping[str, str]
    method: str

    @classmethod
    def read(cls, settings: Settings) -> Wish:
        """Read variables, command, ports and mounts.

        Raises:
            StandInError: One of them cannot be honoured.
        """
        variables, command = settings.environment, Command.read(settings.command)
        _refuse(settings)
        user = variables.get("POSTGRES_USER") or "postgres"
        zone = {"timezone": variables["TZ"]} if variables.get("TZ") else {}
        return cls(
            settings=settings,
            user=user,
            password=_password(variables),
            database=variables.get("POSTGRES_DB") or user,
            port=command.port or int(variables.get("PGPORT") or _only_port(settings) or PORT),
            options={**_IMAGE_DEFAULTS, **zone, **command.options},
            method=variables.get("POSTGRES_HOST_AUTH_METHOD") or "scram-sha-256",
        )

    @property
    def host_port(self) -> int | None:
        """The host's port that was asked for, if any."""
        return self.settings.host_port(self.port)

    def fits_any_server(self) -> bool:
        """Whether a role and a database on a server that runs already are all that it takes."""
        usual = self.options == _IMAGE_DEFAULTS and self.method == "scram-sha-256"
        return usual and self.settings.image.runs == RUNS[0] and self.host_port is None and not self.settings.mounts

    def notice(self, version: str) -> str | None:
        """What to tell the learner about a version that is not the one asked for."""
        asked = self.settings.image.asked
        if asked is None or asked == int(version.partition(".")[0]):
            return None
        return f"{self.settings.image.name} was asked for, PostgreSQL {version} runs: only Docker has {asked}."


def _refuse(settings: Settings) -> None:
    variables = settings.environment
    if refused := sorted(name for name in variables if _REFUSED.match(name)):
        raise StandInError.without(f"The stand-in cannot honour {', '.join(refused)}.", "give the value itself")
    if any(not _SAME_LAYOUT.match(word) for word in variables.get("POSTGRES_INITDB_ARGS", "").split()):
        what = "The stand-in's data folder is made already: it cannot honour POSTGRES_INITDB_ARGS."
        raise StandInError.without(what, "leave it out")
    if variables.get("POSTGRES_HOST_AUTH_METHOD", "trust") not in _METHODS:
        known = ", ".join(sorted(_METHODS))
        raise StandInError("The stand-in cannot honour that POSTGRES_HOST_AUTH_METHOD.", f"Use one of: {known}.")
    for host, inner in settings.mounts.items():
        if inner.startswith("/var/lib/postgresql"):
            what = f"The stand-in keeps no data: it cannot use {host} as its data folder."
            raise StandInError.without(what, "leave the volume out")


def _password(variables: Mapping[str, str]) -> str:
    """The password; like the image, refuse to start without one unless everybody is trusted."""
    password = variables.get("POSTGRES_PASSWORD", "")
    if not password and variables.get("POSTGRES_HOST_AUTH_METHOD") != "trust":
        raise StandInError("A postgres container needs a password.", 'Set it: with_env("POSTGRES_PASSWORD", "…").')
    return password


def _only_port(settings: Settings) -> int | None:
    """The one port that is exposed: `PostgresContainer(port=…)` means the server's own."""
    ports = [int(port.partition("/")[0]) for port in settings.ports]
    return ports[0] if len(ports) == 1 else None
