"""The scripts that fill a new database: those in `/docker-entrypoint-initdb.d`, by name, as in the image."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from course.stand_in.errors import StandInError
from course.stand_in.wish import SCRIPTS, Wish

if TYPE_CHECKING:
    from course.stand_in.inside import Ended, Files, Inside

DONE = "\nPostgreSQL init process complete; ready for start up.\n\n"


def scripts(files: Files) -> list[Path]:
    """What lies there, in order."""
    return sorted(files.path(SCRIPTS).iterdir()) if files.exist() else []


def fill(inside: Inside, wish: Wish) -> str:
    """Run all scripts; returns what they said.

    Raises:
        StandInError: One failed, with what it said.
    """
    said = []
    for script in scripts(inside.files):
        done = _run(script, inside, wish)
        if done is None:
            said.append(f"ignoring {SCRIPTS}/{script.name}\n")
            continue
        text = done.output.decode(errors="replace").strip()
        said.append(f"running {SCRIPTS}/{script.name}\n{text}\n")
        if done.exit_code:
            what = f"{SCRIPTS}/{script.name} failed with exit code {done.exit_code}:\n{text}\n"
            raise StandInError(what, "Correct it.")
    return "".join(said) + DONE


def _run(script: Path, inside: Inside, wish: Wish) -> Ended | None:
    if script.name.endswith(".sql"):
        return _psql(f"{SCRIPTS}/{script.name}", inside, wish)
    if script.name.endswith(".sql.gz"):
        plain = inside.files.path(f"/tmp/{script.stem}")  # noqa: S108 - in the container's folder
        with gzip.open(script) as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        return _psql(f"/tmp/{plain.name}", inside, wish)  # noqa: S108 - the same
    return inside.run_file(script) if script.name.endswith(".sh") else None


def _psql(path: str, inside: Inside, wish: Wish) -> Ended:
    names = ["--username", wish.user, "--dbname", wish.database]
    return inside.run(["psql", "--set=ON_ERROR_STOP=1", "--no-psqlrc", "--no-password", *names, f"--file={path}"])
