"""The same plugin for every run of pytest, by its entry point; a module of its own, so that `-p …plugin` works, too."""

from __future__ import annotations

from course.stand_in.plugin import pytest_configure, pytest_unconfigure

__all__ = ["pytest_configure", "pytest_unconfigure"]
