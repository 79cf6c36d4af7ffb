"""The same plugin for every run of pytest, by its entry point; a module of its own, so that `-p …plugin` works, too.

It takes its place when it is imported, before any conftest: a container may be started at module level there.
"""

from __future__ import annotations

from course.services import stand_in
from course.services.stand_in.plugin import pytest_configure, pytest_unconfigure

__all__ = ["pytest_configure", "pytest_unconfigure"]

if not stand_in.installed():
    stand_in.install()
