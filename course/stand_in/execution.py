"""Commands inside a postgres container: PostgreSQL's programs, as if localhost were the container and `/` its files."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from course.stand_in.errors import StandInError
from course.stand_in.files import Files

PROGRAMS = frozenset({
    "clusterdb", "createdb", "createuser", "dropdb", "dropuser", "pg_basebackup", "pg_dump", "pg_dumpall", "pg_isready",
    "pg_restore", "pgbench", "psql", "reindexdb", "vacuumdb",
})  # fmt: skip
LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", ""})  # noqa: S104 - recognised, not bound
_SHELLS = ("sh", "bash")
_SOCKETS = "/var/run/postgresql"  # where the image has them
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
_SHELL_SIGNS = re.compile(r"[$`*?\[\]~\n;|&<>(){}\\]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_OPTION = re.compile(r"(?:-([hp])|--(host|port)(?:=|$))(.*)", re.DOTALL)
_TAKES_VALUE = {"-c", "--command", "-d", "--dbname", "-f", "--file", "-U", "--username", "-v", "-o"}
_BEFORE_SQL = re.compile(r"-[a-zA-Z]*c|--command")
_FILE = re.compile(r"(--[\w-]+=|-[fo])?(/(?![/*]).*)", re.DOTALL)


class Ended(NamedTuple):
    """A command that has run: its exit code, its output, and its standard error where that was kept apart."""

    exit_code: int
    output: bytes
    error: bytes | None


@dataclass(frozen=True)
class Inside:
    """The inside of a container.

    Attributes:
        files: Its files.
        host: The server's socket folder, or its host.
        port: The server's port there.
        inner_port: The port that the container's programs know.
        programs: The folder of PostgreSQL's programs.
        environment: The container's variables.
    """

    files: Files
    host: str
    port: int
    inner_port: int
    programs: Path
    environment: Mapping[str, str]

    def run(
        self,
        command: str | Iterable[str],
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
        user: str = "",
        apart: bool = False,
    ) -> Ended:
        """Run one of PostgreSQL's programs, by itself or as `sh -c "psql …"`.

        Args:
            command: Its words, or a line of them.
            environment: More variables for it.
            user: Whom psql takes for its user if nothing else names one.
            apart: Keep standard error apart from the output.

        Raises:
            StandInError: The container would have the program, the stand-in has not.
        """
        words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
        assignments, words = _unwrap(words)
        variables = {**self._variables(user), **environment, **assignments}
        line = [str(self.programs / words[0]), *self._arguments(words[1:], variables)]
        error = subprocess.PIPE if apart else subprocess.STDOUT
        done = subprocess.run(
            line,
            env=variables,
            cwd=self.files.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=error,
            check=False,
        )
        return Ended(done.returncode, self._told(done.stdout), self._told(done.stderr) if apart else None)

    def _variables(self, user: str) -> dict[str, str]:
        kept = ("SYSTEMROOT", "LD_LIBRARY_PATH", "LOCPATH")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(self.files.path("/root")),
            "LANG": "C.UTF-8",
            "PGUSER": user or "root",  # as in the image: without -U, psql is the user that runs it
            **self.environment,
        }

    def _arguments(self, words: list[str], variables: dict[str, str]) -> Iterator[str]:
        """The arguments of a program, without what means the container itself."""
        kept, server = _server(words)
        host, port = server.get("h", variables.get("PGHOST", "")), server.get("p", variables.get("PGPORT", ""))
        if host in LOCAL or host.startswith("/"):
            port = str(self.port) if port in {"", str(self.inner_port)} else port
            host = self.host
        variables["PGHOST"], variables["PGPORT"] = host, port or "5432"
        for before, word in zip(["", *kept], kept, strict=False):
            yield self.files.in_sql(word) if _BEFORE_SQL.fullmatch(before) else self._argument(word)

    def _argument(self, word: str) -> str:
        if found := _FILE.fullmatch(word):
            return f"{found[1] or ''}{self.files.root}{found[2]}"
        if word.startswith("--command="):
            return self.files.in_sql(word)
        return word

    def _told(self, output: bytes) -> bytes:
        """The output of a program with the container's paths and port in it instead of the host's."""
        if self.host.startswith("/"):
            output = output.replace(f"/.s.PGSQL.{self.port}".encode(), f"/.s.PGSQL.{self.inner_port}".encode())
            output = output.replace(f"{self.host}:{self.port}".encode(), f"{_SOCKETS}:{self.inner_port}".encode())
            output = output.replace(self.host.encode(), _SOCKETS.encode())
        root = str(self.files.root).encode()
        return output.replace(root + b"/", b"/").replace(root, b"/")


def _unwrap(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The variables and the words of a command, out of `sh -c` where it stands in one.

    Example:
        >>> _unwrap(["sh", "-c", "PGPASSWORD='a b' psql -c 'select 1;'"])
        ({'PGPASSWORD': 'a b'}, ['psql', '-c', 'select 1;'])
    """
    assignments: dict[str, str] = {}
    if words and words[0].rpartition("/")[2] in _SHELLS and re.fullmatch(r"-[a-z]*c", "".join(words[1:2])):
        words = _read(" ".join(words[2:3]).strip())
        while words and _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            assignments[name] = value
    if not words:
        raise StandInError("There is no command to run.", "Give one, such as exec(\"psql -U test -c 'select 1'\").")
    name = words[0].rpartition("/")[2]
    if name not in PROGRAMS:
        raise _refusal(repr(words[0]))
    return assignments, [name, *words[1:]]


def _read(script: str) -> list[str]:
    if found := _SHELL_SIGNS.search(_QUOTED.sub("", script)):
        raise _refusal(f"a script with {found[0]!r}")
    try:
        return shlex.split(script)
    except ValueError as problem:
        raise StandInError(f"This shell script cannot be read: {problem}.", "Check its quotes.") from None


def _refusal(what: str) -> StandInError:
    said = f"No container runs here, and no shell: exec knows PostgreSQL's programs, one at a time, and not {what}."
    return StandInError.without(said, "use psql, pg_dump, pg_restore, pg_isready, createdb and the like")


def _server(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Take the last host and the last port out of a command line.

    Example:
        >>> _server(["-hlocalhost", "--port", "5432", "-U", "ann"])
        (['-U', 'ann'], {'h': 'localhost', 'p': '5432'})
    """
    kept: list[str] = []
    taken: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if found := _OPTION.fullmatch(word):
            taken[(found[1] or found[2])[0]] = found[3] or next(rest, "")
            continue
        kept.append(word)
        if word in _TAKES_VALUE:
            kept.extend(value for value in [next(rest, None)] if value is not None)
    return kept, taken
