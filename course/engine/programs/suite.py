"""A learner's test files, from cells or from a folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Never a part of a suite: what tools leave behind, and environments
NOT_COPIED = ("__pycache__", ".git", ".venv", "venv", "node_modules", ".pytest_cache", ".mypy_cache", ".ruff_cache")


@dataclass(frozen=True)
class Suite:
    """Test files, either as texts or as a folder.

    Attributes:
        files: Relative path to text; empty for a folder.
        folder: The folder; `None` for texts.

    Example:
        >>> Suite.from_files({"test_sum.py": "def test_sum(): assert 1 + 1 == 2"}).files.keys()
        dict_keys(['test_sum.py'])
    """

    files: Mapping[str, str]
    folder: Path | None = None

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Suite:
        """A suite from texts, by relative path."""
        return cls(dict(files))

    @classmethod
    def from_folder(cls, folder: Path) -> Suite:
        """A suite from a folder, which is only read."""
        return cls({}, folder)

    def write(self, target: Path) -> None:
        """Write all files below `target`, which is made; links are not followed."""
        if self.folder is not None:
            shutil.copytree(self.folder, target, ignore=_left_out, symlinks=True, dirs_exist_ok=True)
        for name, text in self.files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _left_out(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in NOT_COPIED or (Path(folder) / name).is_symlink()]
