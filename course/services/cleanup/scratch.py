"""A temporary folder that is removed with its owner, however that one ends."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from course.services.cleanup import registry
from course.services.machine import folders


class Scratch:
    """The folder, made and registered at once.

    Args:
        kind: What it is for, such as `"kernel"`.
        in_memory: In memory where there is room; else where temporary files are.

    Attributes:
        folder: Its path.

    Raises:
        DiskFullError: There is no room for it.

    Example:
        >>> scratch = Scratch("example")
        >>> scratch.folder.is_dir()
        True
        >>> scratch.remove()
        >>> scratch.folder.exists()
        False
    """

    def __init__(self, kind: str, *, in_memory: bool = True) -> None:
        self.folder = folders.plan(kind, None if in_memory else Path(tempfile.gettempdir()))
        self._entry = registry.register(kind, folder=self.folder)
        with folders.room(self.folder):
            self.folder.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove it; what cannot be removed now is removed once this process has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if not self.folder.exists():
            self._entry.release()
