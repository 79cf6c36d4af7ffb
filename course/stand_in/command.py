"""The command line of a postgres container, read as settings of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from course.stand_in.errors import StandInError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LETTERS = {"-B": "shared_buffers", "-N": "max_connections", "-S": "work_mem", "-p": "port", "-d": "log_min_messages"}
_FLAGS = {"-F": ("fsync", "off"), "-l": ("ssl", "on"), "-i": ("listen_addresses", "*")}
_OURS = {"listen_addresses", "unix_socket_directories"}  # every stand-in is reachable by localhost and by its socket
_PLACES = {
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "log_destination",
    "logging_collector",
}


@dataclass(frozen=True)
class Command:
    """What a command line asks of the server.

    Attributes:
        options: Settings as in `postgresql.conf`.
        port: The port inside the container.

    Example:
        >>> Command.read(["postgres", "-c", "max_connections=50", "-c", "work_mem=8MB"]).options
        {'max_connections': '50', 'work_mem': '8MB'}
        >>> Command.read(["-p", "5433"]).port
        5433
    """

    options: dict[str, str]
    port: int | None = None

    @classmethod
    def read(cls, words: Sequence[str]) -> Command:
        """Read a command line, with or without the program's name.

        Raises:
            StandInError: It is not the server that it starts, or a setting is about the container's own files.
        """
        words = words[1:] if words and words[0].rpartition("/")[2] in {"postgres", "docker-entrypoint.sh"} else words
        words = words[1:] if words and words[0] == "postgres" else words
        options = dict(_settings(iter(words)))
        if refused := sorted(_PLACES & set(options)):
            raise StandInError.without(
                f"The stand-in keeps its own files: it cannot honour {', '.join(refused)} in the command.",
                "give the settings themselves, each with `-c name=value`",
            )
        port = options.pop("port", None)
        return cls({name: value for name, value in options.items() if name not in _OURS}, int(port) if port else None)


def _settings(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        if word in _FLAGS:
            yield _FLAGS[word]
        elif word == "-c":
            yield _setting(next(words, ""))
        elif word.startswith(("-c", "--")):
            yield _setting(word[2:])
        elif word[:2] in _LETTERS:
            yield _LETTERS[word[:2]], word[2:] or next(words, "")
        else:
            raise StandInError.without(
                f"The stand-in runs the server itself: it cannot honour {word!r} in the command.",
                "give settings alone, as in `postgres -c max_connections=50`",
            )


def _setting(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise StandInError(f"{word!r} in the command is no setting.", "Write it as `-c name=value`.")
    return name.replace("-", "_"), value
