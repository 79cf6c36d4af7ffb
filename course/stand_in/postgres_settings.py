"""What a postgres container is asked for: its superuser, its database, and the settings of its server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from course.stand_in.errors import StandInError
from course.stand_in.image import RUNS
from course.stand_in.settings import Settings

PORT = 5432

_METHODS = ("md5", "password", "scram-sha-256", "trust")
_IMAGE_DEFAULTS = {"max_connections": "100"}  # what code can notice of the image's own settings
_REFUSED = re.compile(r"POSTGRES_(\w+_FILE|INITDB_WALDIR)")
_SAME_LAYOUT = re.compile(r"--?(E|encoding)[= ]?UTF-?8|--auth(-host|-local)?=\S+|--no-sync|-N", re.IGNORECASE)
_OURS = {"listen_addresses", "unix_socket_directories"}  # every stand-in is reachable by localhost and by its socket
_PLACES = {
    "config_file", "data_directory", "external_pid_file", "hba_file", "ident_file", "log_destination",
    "logging_collector",
}  # fmt: skip


@dataclass(frozen=True)
class PostgresSettings:
    """A postgres container as its image's documentation describes it.

    Attributes:
        container: What Docker was to be told.
        user: The superuser.
        password: Its password.
        database: The database that is made at the start.
        port: The port inside the container.
        options: Settings of the server, as in `postgresql.conf`.
        method: How clients from outside prove who they are.
    """

    container: Settings
    user: str
    password: str = field(repr=False)
    database: str
    port: int
    options: Mapping[str, str]
    method: str

    @classmethod
    def read(cls, container: Settings) -> PostgresSettings:
        """Read variables, command, ports and mounts.

        Raises:
            StandInError: One of them cannot be honoured.
        """
        variables, options = container.environment, read_command(container.command)
        _refuse(container)
        user = variables.get("POSTGRES_USER") or "postgres"
        zone = {"timezone": variables["TZ"]} if variables.get("TZ") else {}
        return cls(
            container=container,
            user=user,
            password=_password(variables),
            database=variables.get("POSTGRES_DB") or user,
            port=int(options.pop("port", "") or variables.get("PGPORT") or _only_port(container) or PORT),
            options={**_IMAGE_DEFAULTS, **zone, **options},
            method=variables.get("POSTGRES_HOST_AUTH_METHOD") or "scram-sha-256",
        )

    @property
    def host_port(self) -> int | None:
        """The host's port that was asked for, if any."""
        return self.container.host_port(self.port)

    def fits_any_server(self) -> bool:
        """Whether a role and a database on a server that runs already are all that it takes."""
        usual = self.options == _IMAGE_DEFAULTS and self.method == "scram-sha-256"
        return usual and self.container.image.runs == RUNS[0] and self.host_port is None and not self.container.mounts

    def notice(self, version: str) -> str | None:
        """What to tell the learner about a version that is not the one asked for."""
        asked = self.container.image.asked
        if asked is None or asked == int(version.partition(".")[0]):
            return None
        return f"{self.container.image.name} was asked for, PostgreSQL {version} runs: only Docker has {asked}."


def read_command(words: Sequence[str]) -> dict[str, str]:
    """The settings in a container's command, with or without the program's name; `port` is one of them.

    Raises:
        StandInError: It is not the server that the command starts, or a setting is about the container's own files.

    Example:
        >>> read_command(["postgres", "-c", "work_mem=8MB", "--max-connections=50"])
        {'work_mem': '8MB', 'max_connections': '50'}
    """
    options = dict(_settings(iter(words[1:] if words and words[0] == "postgres" else words)))
    if refused := sorted(_PLACES & set(options)):
        said = f"The stand-in keeps its own files: it cannot honour {', '.join(refused)} in the command."
        raise StandInError.without(said, "give the settings themselves, each with `-c name=value`")
    return {name: value for name, value in options.items() if name not in _OURS}


def _settings(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        if word.startswith(("-c", "--")):
            name, equals, value = (word[2:] or next(words, "")).partition("=")
            if not equals:
                raise StandInError(f"{name!r} in the command is no setting.", "Write it as `-c name=value`.")
            yield name.replace("-", "_"), value
        else:
            raise StandInError.without(
                f"The stand-in runs the server itself: it cannot honour {word!r} in the command.",
                "give settings alone, as in `postgres -c max_connections=50`",
            )


def _refuse(container: Settings) -> None:
    variables = container.environment
    if refused := sorted(name for name in variables if _REFUSED.fullmatch(name)):
        raise StandInError.without(f"The stand-in cannot honour {', '.join(refused)}.", "give the value itself")
    if any(not _SAME_LAYOUT.fullmatch(word) for word in variables.get("POSTGRES_INITDB_ARGS", "").split()):
        what = "The stand-in's data folder is made already: it cannot honour POSTGRES_INITDB_ARGS."
        raise StandInError.without(what, "leave it out")
    if variables.get("POSTGRES_HOST_AUTH_METHOD", "trust") not in _METHODS:
        what = "The stand-in cannot honour that POSTGRES_HOST_AUTH_METHOD."
        raise StandInError(what, f"Use one of: {', '.join(_METHODS)}.")
    for host, inner in container.mounts.items():
        if inner.startswith("/var/lib/postgresql"):
            what = f"The stand-in keeps no data: it cannot use {host} as its data folder."
            raise StandInError.without(what, "leave the volume out")


def _password(variables: Mapping[str, str]) -> str:
    """The password; like the image, refuse to start without one unless everybody is trusted."""
    password = variables.get("POSTGRES_PASSWORD", "")
    if not password and variables.get("POSTGRES_HOST_AUTH_METHOD") != "trust":
        raise StandInError("A postgres container needs a password.", 'Set it: with_env("POSTGRES_PASSWORD", "…").')
    return password


def _only_port(container: Settings) -> int | None:
    """The one port that is exposed: `PostgresContainer(port=…)` means the server's own."""
    ports = [int(port.partition("/")[0]) for port in container.ports]
    return ports[0] if len(ports) == 1 else None
