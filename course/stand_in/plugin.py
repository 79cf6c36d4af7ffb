"""The stand-ins as a pytest plugin: they serve where no Docker engine answers, for one run of pytest."""

from __future__ import annotations

from course import stand_in


def pytest_configure() -> None:
    """Install the stand-ins, unless somebody has done so already."""
    if not stand_in.installed():
        stand_in.install()


def pytest_unconfigure() -> None:
    """Take them away after the run."""
    stand_in.uninstall()
