"""The original, a correct variant or a bug, as a folder of code that can be imported."""

from __future__ import annotations

import compileall
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from course.engine.programs.patch import Patch
from course.engine.programs.subject import Subject


@dataclass(frozen=True)
class Variant:
    """One program to run a suite against.

    Attributes:
        subject: The program it is made of.
        patch: What is changed; `None` for the original.
    """

    subject: Subject
    patch: Patch | None = None

    @property
    def id(self) -> str:
        return self.patch.id if self.patch else "original"


class Trees:
    """Variants written to folders, each once.

    Args:
        folder: An empty folder that this object may fill.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def path(self, variant: Variant) -> Path:
        """The folder to put on `sys.path`.

        Raises:
            PatchError: The patch does not apply.
        """
        target = self._folder / variant.subject.name / variant.id.replace("/", "-")
        with self._lock:
            if not target.exists():
                self._write(variant, target)
        return target

    def _write(self, variant: Variant, target: Path) -> None:
        half = target.with_name(target.name + ".half")
        if variant.patch is None:
            variant.subject.copy(half)
            # Compiled once: variants take over the byte-code of files that they leave alone. Checked by a hash, since
            # a changed file may be of the same size and second
            compileall.compile_dir(half, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        else:
            original = self._folder / variant.subject.name / "original"
            if not original.exists():
                self._write(Variant(variant.subject), original)
            shutil.copytree(original, half, dirs_exist_ok=True)
            variant.patch.apply(half)
        half.replace(target)
