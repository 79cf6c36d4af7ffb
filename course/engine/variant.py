"""The original, a correct variant or a bug, as a folder of code that can be imported."""

from __future__ import annotations

import compileall
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course.engine.patch import Patch
from course.engine.subject import Subject


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
            # Compiled once: variants take over the byte-code of the files that they leave alone
            compileall.compile_dir(half, quiet=2)
        else:
            original = self._folder / variant.subject.name / "original"
            if not original.exists():
                self._write(Variant(variant.subject), original)
            shutil.copytree(original, half, dirs_exist_ok=True)
            variant.patch.apply(half)
            _drop_bytecode(half, variant.patch)
        half.replace(target)


def _drop_bytecode(tree: Path, patch: Patch) -> None:
    for path in _bytecode(tree, patch):
        path.unlink()
    compileall.compile_dir(tree, quiet=2)


def _bytecode(tree: Path, patch: Patch) -> Iterator[Path]:
    # A changed file of the same size and second would else be taken for the old one
    for file in patch.files:
        source = tree / file.path
        yield from (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")
