"""Runs one program as if inside the container: localhost is the stand-in's server, `/` the stand-in's folder.

Imported by the course, and executed as a file by the commands of a shell script (`sh -c "psql … | wc -l"`). It imports
the standard library's quick modules only: it starts once for every such command.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

# Where a wrapper finds what to translate to.
VARIABLE = "COURSE_STAND_IN"

LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", ""}  # noqa: S104 - recognised, not bound
TALKS = {  # programs that connect to a server
    "clusterdb", "createdb", "createuser", "dropdb", "dropuser", "pg_basebackup", "pg_dump", "pg_dumpall", "pg_isready",
    "pg_restore", "pgbench", "psql", "reindexdb", "vacuumdb",
}  # fmt: skip
PLAIN = {  # what a script around them needs; none of them ends or deletes anything
    "base64", "basename", "cat", "cut", "date", "dirname", "echo", "env", "expr", "false", "grep", "gunzip", "gzip",
    "head", "ls", "md5sum", "mkdir", "printenv", "printf", "pwd", "sed", "seq", "sleep", "sort", "tail", "tee", "test",
    "touch", "tr", "true", "uniq", "wc", "zcat",
}  # fmt: skip
SHELLS = {"sh", "bash"}
_SOCKETS = "/var/run/postgresql"  # where the image has them
_TEXT = {"echo", "printf", "sed", "tr", "expr"}  # their arguments are text as often as paths
_HOST = re.compile(r"^(?:-h|--host)(?:=|$)?(.*)$", re.DOTALL)
_PORT = re.compile(r"^(?:-p|--port)(?:=|$)?(.*)$", re.DOTALL)
_URI = re.compile(r"^(postgres(?:ql)?://)((?:[^@/?]*@)?)([^/?]*)(.*)$", re.DOTALL)
_PATH = re.compile(r"^(--[\w-]+=)?(/(?![/*]).*)$", re.DOTALL)


class Place:
    """What commands inside the container are told: where the server is, and where the files are.

    Args:
        host: The server's socket folder or its host.
        port: Its port there.
        inner_port: The port that the container's programs know.
        root: The folder that is the container's `/`.
        bin: The folder of PostgreSQL's programs.
        path: Where the host looks for other programs.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        inner_port: int,
        bin: str,  # noqa: A002 - as the folder is called
        root: str = "",
        path: str | None = None,
    ) -> None:
        self.host, self.port, self.inner_port, self.root, self.bin = host, port, inner_port, root, bin
        self.path = os.environ.get("PATH", os.defpath) if path is None else path

    def environment(self) -> dict[str, str]:
        """The variables that lead programs without a host of their own to the server."""
        return {"PGHOST": self.host, "PGPORT": str(self.port)}

    def as_json(self) -> str:
        """All of it, for a wrapper."""
        return json.dumps(vars(self))

    def program(self, name: str) -> str:
        """The path of a program: PostgreSQL's own by its folder, any other through the PATH of the host."""
        from shutil import which  # noqa: PLC0415 - not needed by most

        if name in TALKS:
            return os.path.join(self.bin, name)  # noqa: PTH118 - pathlib is slow to import
        return which(name, path=self.path) or name

    def translate(self, words: list[str], environment: dict[str, str]) -> list[str]:
        """The command line to run, for `program` of its first word; `environment` is changed to fit."""
        name, arguments = os.path.basename(words[0]), words[1:]  # noqa: PTH119 - the same
        if name in TALKS:
            arguments = self._connect(arguments, environment)
        if name not in _TEXT:
            arguments = [self._file(word) for word in arguments]
        # PostgreSQL's programs find each other by their path; the others tell their name in what they say
        return [self.program(name) if name in TALKS else name, *arguments]

    def hide(self, output: bytes) -> bytes:
        """The output of a program with the container's paths and port in it instead of the host's."""
        if self.host.startswith("/"):
            output = output.replace(f"/.s.PGSQL.{self.port}".encode(), f"/.s.PGSQL.{self.inner_port}".encode())
            output = output.replace(f"{self.host}:{self.port}".encode(), f"{_SOCKETS}:{self.inner_port}".encode())
            output = output.replace(self.host.encode(), _SOCKETS.encode())
        if self.root:
            output = output.replace(f"{self.root}/".encode(), b"/").replace(self.root.encode(), b"/")
        return output

    def _connect(self, words: list[str], environment: dict[str, str]) -> list[str]:
        """Leave out a host and port that mean the container's own server; its variables say where that is."""
        kept, host, port = _options(words)
        host = environment.get("PGHOST") if host is None else host
        port = environment.get("PGPORT") if port is None else port
        if host is not None and host not in LOCAL and not host.startswith("/"):
            return [*kept, f"--host={host}", *([f"--port={port}"] if port else [])]
        ours = port is None or port in {str(self.inner_port), str(self.port)}
        environment["PGHOST"], environment["PGPORT"] = self.host, str(self.port if ours else port)
        return [self._conninfo(word) for word in kept]

    def _conninfo(self, word: str) -> str:
        """A connection URI or string, without a host and port that mean the container's own server."""
        option, sep, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if found := _URI.match(value):
            host, _, port = found[3].rpartition(":") if re.search(r":\d+$", found[3]) else (found[3], "", "")
            if host in LOCAL and port in {"", str(self.inner_port)}:
                value = f"{found[1]}{found[2]}{found[4]}"
        elif re.search(r"(?:^|\s)(?:host|dbname|user)\s*=", value):
            value = re.sub(r"(?<!\S)host\s*=\s*(?:localhost|127\.0\.0\.1)(?!\S)", "", value)
            value = re.sub(rf"(?<!\S)port\s*=\s*{self.inner_port}(?!\S)", "", value)
        return option + sep + value

    def _file(self, word: str) -> str:
        """A path of the container's as a path of the host's."""
        found = _PATH.match(word)
        if not found or found[2].startswith(("/dev/", self.root)):
            return word
        return f"{found[1] or ''}{self.root}{found[2]}"


def _options(words: list[str]) -> tuple[list[str], str | None, str | None]:
    """Take the last host and the last port out of a command line."""
    kept: list[str] = []
    taken: dict[str, str | None] = {"host": None, "port": None}
    rest = iter(words)
    for word in rest:
        for name, pattern in (("host", _HOST), ("port", _PORT)):
            if found := pattern.match(word):
                taken[name] = found[1] or next(rest, "")
                break
        else:
            kept.append(word)
            if word in {"-c", "--command", "-d", "--dbname", "-f", "-U", "-v"}:  # what follows is a value
                kept.extend([value for value in [next(rest, None)] if value is not None])
    return kept, taken["host"], taken["port"]


def main() -> int:
    """Run the program that the wrapper was called as, and end as it ends."""
    place = Place(**json.loads(os.environ[VARIABLE]))
    environment = dict(os.environ)
    words = place.translate(sys.argv[1:], environment)
    program = place.program(words[0])
    if os.name == "posix":
        os.execve(program, words, environment)  # noqa: S606 - no shell wanted
    return subprocess.run(words, executable=program, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
