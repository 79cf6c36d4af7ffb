"""Finds what ships with the course, in a clone and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
CLONE = PACKAGE.parent


def in_clone() -> bool:
    """Tell whether this is a clone, where the lessons are written, or an installed wheel."""
    return (CLONE / "pyproject.toml").is_file() and (CLONE / "Makefile").is_file()


def shipped(name: str) -> Path:
    """Return the path of `notebooks`, `solutions` or `compose.yaml`.

    They stand at the top of a clone, and in `course/_shipped/` of a wheel (see `force-include` in pyproject.toml).

    Example:
        >>> shipped("notebooks").name
        'notebooks'
    """
    return CLONE / name if in_clone() else PACKAGE / "_shipped" / name
