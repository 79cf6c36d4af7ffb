"""The files of a container: a folder that is its `/`."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from functools import cached_property
from pathlib import Path, PurePosixPath

from course.services.cleanup import registry
from course.services.machine import folders

SCRIPTS = "/docker-entrypoint-initdb.d"

# Where SQL or psql names a file: COPY … FROM '/x.csv', \copy, \i, \ir, \o. A path elsewhere is text, and stays as it is
_NAMES_FILE = re.compile(
    r"(?im)(\bcopy\b[^;']*?\b(?:from|to)\s+'|^\s*\\copy\b[^;'\n]*?\b(?:from|to)\s+|^\s*\\(?:i|ir|include|o|out)\s+'?)(?=/)"
)


class Files:
    """A folder that is made when something is first put there, and removed with the container."""

    def __init__(self) -> None:
        self._entry: registry.Entry | None = None

    @cached_property
    def root(self) -> Path:
        """The folder, with the places that every image of PostgreSQL has."""
        folder = folders.plan("files")
        self._entry = registry.register("files of a stand-in", folder=folder)
        for place in ("tmp", "root", SCRIPTS.lstrip("/")):
            (folder / place).mkdir(parents=True)
        folder.chmod(0o711)  # the server may run as another user, and reads a file of which it knows the name
        (folder / "tmp").chmod(0o1777)
        return folder

    def exist(self) -> bool:
        """Whether anything was ever put there."""
        return self._entry is not None

    def path(self, inner: str) -> Path:
        """Where a path of the container is on the host."""
        parts = [part for part in PurePosixPath(inner).parts if part not in {"/", ".."}]
        return self.root.joinpath(*parts)

    def in_sql(self, text: str) -> str:
        """SQL, or what psql reads, with the paths of the host where it names files."""
        return _NAMES_FILE.sub(lambda found: f"{found[1]}{self.root}", text)

    def mount(self, host: Path, inner: str) -> None:
        """Show a file or folder of the host at a path of the container; scripts for the start are copied."""
        target = self.path(inner)
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        target.parent.mkdir(parents=True, exist_ok=True)
        if not inner.startswith(SCRIPTS):
            target.symlink_to(host.absolute(), target_is_directory=host.is_dir())
        elif host.is_dir():
            shutil.copytree(host, target, copy_function=shutil.copyfile)
            target.chmod(0o755)
        else:
            shutil.copyfile(host, target)
        self._translate(target)

    def put(self, folder: str, archive: bytes) -> None:
        """Unpack a tar archive in a folder of the container."""
        place = self.path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar.getmembers():
                inside = member.replace(name=member.name.lstrip("/"), deep=False)
                tar.extract(inside, place, filter="data")
                self._translate(place / inside.name)

    def remove(self) -> None:
        """Remove the folder, if there is one. A second call does nothing."""
        if self._entry is not None and self._entry.folder is not None:
            folders.remove(self._entry.folder)
            self._entry.release()
            self._entry = None

    def _translate(self, target: Path) -> None:
        """Let the copies of SQL files name files of this folder; what is mounted belongs to somebody else."""
        found = sorted(target.rglob("*.sql")) if target.is_dir() else [target]
        for path in found:
            if path.suffix == ".sql" and not target.is_symlink():
                text = path.read_bytes().decode("utf-8", "surrogateescape")
                if (told := self.in_sql(text)) != text:
                    path.write_bytes(told.encode("utf-8", "surrogateescape"))
