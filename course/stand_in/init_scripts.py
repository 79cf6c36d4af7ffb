"""The scripts that fill a new database: those in `/docker-entrypoint-initdb.d`, by name, as in the image."""

from __future__ import annotations

from pathlib import Path

from course.stand_in.errors import StandInError
from course.stand_in.execution import Inside
from course.stand_in.files import SCRIPTS, Files


def scripts(files: Files) -> list[Path]:
    """What lies there, in order."""
    return sorted(files.path(SCRIPTS).iterdir()) if files.exist() else []


def run(inside: Inside, user: str, database: str) -> str:
    """Run all scripts; returns what the container's start says of it.

    Raises:
        StandInError: One failed, with what it said, or it needs a shell.
    """
    said = [_run(script, inside, user, database) for script in scripts(inside.files)]
    return "\n".join(["", *said])


def _run(script: Path, inside: Inside, user: str, database: str) -> str:
    name = f"{SCRIPTS}/{script.name}"
    if script.suffix in {".sh", ".gz", ".xz", ".zst"}:
        raise StandInError.without(
            f"No shell runs here for {name}.", "write it as an .sql file; psql's own \\ commands work"
        )
    if script.suffix != ".sql":
        return f"/usr/local/bin/docker-entrypoint.sh: ignoring {name}\n"
    names = ["--username", user, "--dbname", database]
    line = ["psql", "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", *names, f"--file={name}"]
    done = inside.run(line)
    text = done.output.decode(errors="replace")
    if done.exit_code:
        raise StandInError(f"{name} failed with exit code {done.exit_code}:\n{text.strip()}\n", "Correct it.")
    return f"/usr/local/bin/docker-entrypoint.sh: running {name}\n{text}\n"
