"""The inside of a stand-in's container: its files, and the commands that run there."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from course.services.cleanup import registry
from course.services.machine import folders
from course.services.stand_in import script, translate
from course.services.stand_in.errors import StandInError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from course.services.stand_in.translate import Place


class Ended(NamedTuple):
    """A command that has run: its exit code and its output, standard error among it."""

    exit_code: int
    output: bytes


class Files:
    """The folder that is a container's `/`; made when something is first put there, removed with the container."""

    def __init__(self) -> None:
        self._entry: registry.Entry | None = None

    @cached_property
    def root(self) -> Path:
        """The folder, with the places that every image of PostgreSQL has."""
        folder = folders.plan("files")
        self._entry = registry.register("files of a stand-in", folder=folder)
        for place in ("tmp", "root", "docker-entrypoint-initdb.d", "var/lib/postgresql"):
            (folder / place).mkdir(parents=True)
        folder.chmod(0o711)  # the server may run as another user, and reads a file of which it knows the name
        return folder

    def exist(self) -> bool:
        """Whether anything was ever put there."""
        return self._entry is not None

    @cached_property
    def programs(self) -> Path:
        """Wrappers of the programs that a script may call: they translate what they are called with."""
        folder = self.root / ".programs"
        folder.mkdir()
        wrapper = folder / ".wrapper"
        call = shlex.join([sys.executable, "-I", "-S", translate.__file__])
        wrapper.write_text(f'#!/bin/sh\nexec {call} "${{0##*/}}" "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        for name in sorted(translate.TALKS | translate.PLAIN):
            (folder / name).symlink_to(wrapper)
        for name in translate.SHELLS:
            (folder / name).symlink_to(_shell(name))
        return folder

    def path(self, inner: str) -> Path:
        """Where a path of the container is on the host."""
        parts = [part for part in PurePosixPath(inner).parts if part not in {"/", ".."}]
        return self.root.joinpath(*parts)

    def mount(self, host: Path, inner: str) -> None:
        """Show a file or folder of the host at a path of the container."""
        target = self.path(inner)
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(host.absolute(), target_is_directory=host.is_dir())

    def put(self, folder: str, archive: bytes) -> None:
        """Unpack a tar archive in a folder of the container."""
        place = self.path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar.getmembers():
                tar.extract(member.replace(name=member.name.lstrip("/"), deep=False), place, filter="data")

    def get(self, inner: str) -> bytes:
        """A file or folder of the container as a tar archive.

        Raises:
            FileNotFoundError: Nothing is there.
        """
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
            tar.add(self.path(inner), arcname=PurePosixPath(inner).name)
        return packed.getvalue()

    def remove(self) -> None:
        """Remove the folder, if there is one. A second call does nothing."""
        if self._entry is not None and self._entry.folder is not None:
            folders.remove(self._entry.folder)
            self._entry.release()
            self._entry = None


@dataclass
class Inside:
    """What runs commands as if inside a container.

    Attributes:
        place: Where its localhost and its files are.
        files: The files.
        environment: The variables of the container.
    """

    place: Place
    files: Files
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        command: str | Iterable[str],
        *,
        environment: Mapping[str, str] | None = None,
        user: str = "",
        folder: str | None = None,
    ) -> Ended:
        """Run a program, or a shell with a script.

        Raises:
            StandInError: The container would have the program, the stand-in has not.
        """
        words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
        if not words:
            raise StandInError("There is no command to run.", "Give one, such as exec(\"psql -U test -c 'select 1'\").")
        variables = {**self._variables(user), **(environment or {})}
        if _is_shell(words) and len(words) > len(("sh", "-c")):
            return self._run_script(words, variables, folder)
        script.refuse_unknown(words[0])
        return self._run(words, variables, folder)

    def run_file(self, path: Path) -> Ended:
        """Run a shell script from a file, as the images do with those in `/docker-entrypoint-initdb.d`."""
        variables = {**self._variables(self.environment.get("POSTGRES_USER", "")), **self._wrapped()}
        return self._execute([_shell("bash"), str(path)], variables, self.files.root)

    def _run(self, words: list[str], variables: dict[str, str], folder: str | None) -> Ended:
        # Only what names a file needs the container's files
        names_file = any(word.startswith(("/", "-")) and "/" in word for word in words[1:])
        if folder or names_file or words[0] not in translate.TALKS:
            self.place.root = str(self.files.root)
        if words[0] == "env":  # it looks for a program itself
            variables.update(self._wrapped())
        line = self.place.translate(words, variables)
        return self._execute(line, variables, self.files.path(folder or "/") if self.place.root else Path(tmp()))

    def _run_script(self, words: list[str], variables: dict[str, str], folder: str | None) -> Ended:
        shell, flags, text, *arguments = words
        if simple := script.Simple.read(text):
            script.refuse_unknown(simple.words[0])
            return self._run(simple.words, {**variables, **simple.environment}, folder)
        if "<<" not in text:  # what stands in a here-document is no command
            script.check(text)
        text = script.redirect(text, str(self.files.root))
        line = [_shell(shell), flags, text, *arguments]
        return self._execute(line, {**variables, **self._wrapped()}, self.files.path(folder or "/"))

    def _execute(self, line: list[str], variables: dict[str, str], folder: Path) -> Ended:
        try:
            done = subprocess.run(
                line,
                executable=self.place.program(line[0]),
                env=variables,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except FileNotFoundError:
            raise StandInError(f"{line[0]} is not on this machine.", "Run another program.") from None
        return Ended(done.returncode, self.place.hide(done.stdout))

    def _variables(self, user: str) -> dict[str, str]:
        return {
            "HOME": str(self.files.root / "root") if self.files.exist() else tmp(),
            "LANG": "C.UTF-8",
            "PGUSER": user or "root",  # as in the image: without -U, psql is the user that runs it
            **{name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ},
            **self.environment,
            **self.place.environment(),
        }

    def _wrapped(self) -> dict[str, str]:
        """The variables for a script: its PATH has our wrappers only."""
        self.place.root = str(self.files.root)
        return {translate.VARIABLE: self.place.as_json(), "PATH": str(self.files.programs)}


def _is_shell(words: list[str]) -> bool:
    """Whether it is `sh -c SCRIPT …`, with or without other flags beside the `-c`."""
    return Path(words[0]).name in translate.SHELLS and bool(re.fullmatch(r"-[a-z]*c[a-z]*", "".join(words[1:2])))


def _shell(name: str) -> str:
    found = shutil.which(Path(name).name) or shutil.which("sh")
    if found is None:
        raise StandInError(
            "No shell is here to run the script with.", 'Run the program itself, as in exec(["psql", "-U", "test", …]).'
        )
    return found


def tmp() -> str:
    """The folder for temporary files, where a command runs that names none."""
    import tempfile  # noqa: PLC0415 - rarely needed

    return tempfile.gettempdir()
